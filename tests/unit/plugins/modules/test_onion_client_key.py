# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import client_key
from ansible_collections.onionfleet.balance.plugins.modules import onion_client_key

ADDRESS = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
OWN = client_key.encode(client_key.public_key(bytes(range(32))))
Run = t.Callable[..., t.Dict[str, t.Any]]


@pytest.fixture(name="run")
def fixture_run(capfd: pytest.CaptureFixture[str], tmp_path: pathlib.Path) -> Run:
    def run(*clients: t.Any, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        listed = [client if isinstance(client, dict) else {"name": client} for client in clients]
        arguments = {"path": str(tmp_path / "clients"), "address": ADDRESS, "clients": listed, **options}
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            onion_client_key.main()
        output = capfd.readouterr().out
        for file in tmp_path.glob("*/*.auth_private"):
            assert file.read_text().strip().rpartition(":")[2] not in output
        return dict(json.loads(output))

    return run


def names(tmp_path: pathlib.Path) -> list[str]:
    return sorted(file.name for file in tmp_path.glob("clients/*"))


def test_makes_pairs_once(run: Run, tmp_path: pathlib.Path) -> None:
    foreseen = run("anna", {"name": "berta", "public_key": OWN}, check=True)
    assert foreseen["changed"] and [client["public_key"] for client in foreseen["clients"]] == ["<new>", OWN]
    assert names(tmp_path) == []
    made = run("anna", {"name": "berta", "public_key": OWN})
    assert names(tmp_path) == ["anna.auth", "anna.auth_private", "berta.auth"]
    address, private = client_key.read_private((tmp_path / "clients/anna.auth_private").read_text())
    public = client_key.read_public((tmp_path / "clients/anna.auth").read_text())
    assert address == ADDRESS and public == client_key.public_key(private)
    assert made["clients"][0] == {"name": "anna", "public_key": client_key.encode(public)}
    again = run("anna", {"name": "berta", "public_key": OWN})
    assert not again["changed"] and again["clients"] == made["clients"]


def test_revokes_only_with_prune(run: Run, tmp_path: pathlib.Path) -> None:
    run("anna", "berta")
    assert not run("anna")["changed"]
    assert run("anna", prune=True, check=True)["removed"] == ["berta"] and "berta.auth" in names(tmp_path)
    assert run("anna", prune=True)["changed"]
    assert names(tmp_path) == ["anna.auth", "anna.auth_private"]


def test_removes_who_is_named_and_nobody_else(run: Run, tmp_path: pathlib.Path) -> None:
    made = {client["name"]: client for client in run("anna", "berta", "carla")["clients"]}
    (tmp_path / "clients/berta.auth").unlink()
    arguments: dict[str, t.Any] = {"absent": ["anna", "gone"]}
    before = names(tmp_path)
    told = run("dora", **arguments, check=True)
    assert told["removed"] == ["anna"] and names(tmp_path) == before
    told = run("dora", **arguments)
    assert told["removed"] == ["anna"] and told["clients"][1:] == [made["berta"], made["carla"]]
    assert names(tmp_path)[0] == "berta.auth_private" and len(names(tmp_path)) == 5
    assert not run("dora", **arguments)["changed"]
    assert "'dora': is in clients, too" in run("dora", absent=["dora"])["msg"]
    assert "'../x': name" in run(absent=["../x"])["msg"]


def test_all_clients_of_the_folder_are_told_whatever_its_name(run: Run, tmp_path: pathlib.Path) -> None:
    folder = {"path": str(tmp_path / "op [x]*")}
    assert run(**folder)["clients"] == []
    made = run("berta", "anna", **folder)["clients"]
    assert run("berta", **folder)["clients"] == made
    assert run(**folder, check=True)["clients"] == made[::-1]
    assert run("berta", **folder, prune=True, check=True)["clients"] == made[:1]


def test_a_damaged_file_is_named_with_its_path(run: Run, tmp_path: pathlib.Path) -> None:
    run("anna", "berta", "carla")
    folder = tmp_path / "clients"
    (folder / "carla.auth").write_text("?\n")
    (folder / "berta.auth_private").write_text("?\n")
    (folder / "dora e.auth").write_text("?\n")
    faults = run("anna")["msg"]
    assert f"{folder}/carla.auth: one line of the form" in faults
    assert f"{folder}/berta.auth_private: " in faults
    assert f"{folder}/dora e.auth: 'dora e' is no client's name" in faults
    assert f"{folder}/carla.auth: one line of the form" in run("carla")["msg"]


@pytest.mark.parametrize("link", ["", "clients", "clients/anna.auth_private", "clients/anna.auth"])
def test_nothing_is_written_through_a_link_to_nothing(run: Run, tmp_path: pathlib.Path, link: str) -> None:
    top = tmp_path / "there"
    place = top / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(tmp_path / "nothing")
    for check in (True, False):
        told = run("anna", path=str(top / "clients"), check=check)
        assert f"{place} is a symbolic link to nothing" in told["msg"]
    assert place.is_symlink() and not (tmp_path / "nothing").exists()


def test_a_lost_public_file_is_derived(run: Run, tmp_path: pathlib.Path) -> None:
    made = run("anna")
    (tmp_path / "clients/anna.auth").unlink()
    assert run("anna")["clients"] == made["clients"]


def test_all_faults_at_once_and_nothing_written(run: Run, tmp_path: pathlib.Path) -> None:
    run("anna", "berta", "carla")
    (tmp_path / "clients/anna.auth").write_text(client_key.public_line(bytes(range(32))))
    (tmp_path / "clients/berta.auth_private").write_text(f"{'a' * 56}:descriptor:x25519:{'A' * 52}\n")
    faults = run("anna", "berta", {"name": "carla", "public_key": OWN}, "dora")["msg"].splitlines()
    assert [fault.split("'")[1] for fault in faults] == ["anna", "berta", "carla"]
    assert "dora.auth" not in names(tmp_path)


def test_a_public_key_that_is_nobodys_is_refused(run: Run, tmp_path: pathlib.Path) -> None:
    for key in (bytes(32), b"\1" + bytes(31)):
        assert "small order" in run({"name": "anna", "public_key": client_key.encode(key)})["msg"]
    assert not (tmp_path / "clients").exists()


def test_names_are_file_names_and_stand_once(run: Run) -> None:
    message = run("../anna", "berta", "berta")["msg"]
    assert "'../anna': name" in message and "'berta': stands at 2 and 3" in message


def test_the_address_is_one(run: Run) -> None:
    assert "is not an onion address" in run("anna", address="example.org")["msg"]


def test_a_fifo_in_the_place_of_a_file_is_a_fault(run: Run, tmp_path: pathlib.Path) -> None:
    run("anna")
    (tmp_path / "clients/anna.auth").unlink()
    os.mkfifo(tmp_path / "clients/anna.auth")
    assert "anna.auth: is no regular file" in run("anna")["msg"]
