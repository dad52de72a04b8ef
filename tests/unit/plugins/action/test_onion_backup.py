# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions onion_backup and onion_restore."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.action import onion_backup, onion_restore, onion_store

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every string
    trust_as_template = str

SERVICES = [{"name": "newsroom"}]


def run(
    module: t.Any,
    folder: pathlib.Path,
    arguments: dict[str, t.Any],
    check: bool = False,
    sources: t.Sequence[str] = ("hosts.yml",),
    **more: t.Any,
) -> dict[str, t.Any]:
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(b"password"))])
    variables = {
        "inventory_dir": str(folder),
        "groups": {},
        "hostvars": {},
        "onion_services": SERVICES,
        "ansible_inventory_sources": [str(folder / source) for source in sources],
        **more,
    }
    task = Task()
    task.args, task.check_mode = arguments, check
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=""))
    return dict(
        module.ActionModule(task, connection, None, loader, Templar(loader, variables=variables), None).run(
            task_vars=variables
        )
    )


@pytest.fixture(name="folder")
def fixture_folder(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "operator"
    (folder / "group_vars").mkdir(parents=True)
    for name in ("hosts.yml", "group_vars/all.yml", "vault-password", "ansible.cfg"):
        (folder / name).write_text("x: y\n")
    run(onion_store, folder, {})
    return folder


@pytest.mark.parametrize("sources", [("hosts.yml",), (".",)])
def test_a_backup_holds_what_ansible_reads_and_no_password(
    folder: pathlib.Path, tmp_path: pathlib.Path, sources: t.Sequence[str]
) -> None:
    path = tmp_path / "a.backup"
    foreseen = run(onion_backup, folder, {"path": str(path)}, check=True, sources=sources)
    assert foreseen["changed"] and not path.exists()
    made = run(onion_backup, folder, {"path": str(path)}, sources=sources)
    assert path.exists() and made == foreseen
    assert made["files"] == ["ansible.cfg", "group_vars/all.yml", "hosts.yml"]
    assert list(made["addresses"]) == ["newsroom"]


def test_files_are_the_operators_choice(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert run(onion_backup, folder, {"path": str(tmp_path / "a"), "files": []})["files"] == []
    assert run(onion_backup, folder, {"path": str(tmp_path / "b"), "files": ["hosts.yml"]})["files"] == ["hosts.yml"]


def test_the_name_of_a_backup_says_when(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.chdir(tmp_path)
    made = pathlib.Path(run(onion_backup, folder, {})["path"])
    assert made.parent == tmp_path and made.match("onionfleet-2*T*Z.backup") and made.exists()


def test_restore_and_its_check(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    made = run(onion_backup, folder, {"path": str(tmp_path / "a.backup")})
    arguments = {"path": made["path"], "folder": str(tmp_path / "new")}
    foreseen = run(onion_restore, tmp_path, arguments, check=True)
    assert foreseen["changed"] and not (tmp_path / "new").exists()
    restored = run(onion_restore, tmp_path, arguments)
    assert restored["made"] == foreseen["made"] and restored["addresses"] == made["addresses"]
    assert "secret" not in str(restored["manifest"])
    assert (tmp_path / "new/group_vars/all.yml").read_text() == "x: y\n"
    assert not run(onion_restore, tmp_path, arguments)["changed"]


def test_faults_are_told(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.backup").write_text("mine")
    made = run(onion_backup, folder, {"path": str(tmp_path / "a.backup")})
    assert made["failed"] and "never overwritten" in made["msg"]
    restored = run(onion_restore, folder, {"path": str(tmp_path / "a.backup")})
    assert restored["failed"] and "is not encrypted" in restored["msg"]


def test_an_inventory_without_a_folder_is_no_declaration_to_keep(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    told = run(onion_backup, folder, {"keys_dir": str(folder / ".onion_keys")}, inventory_dir=None)
    assert told["failed"] and "the inventory has no folder whose files could be kept" in told["msg"]


def test_a_misspelt_variable_is_a_fault(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    arguments = {"path": str(tmp_path / "a.backup"), "folder": str(tmp_path / "new")}
    told = run(onion_backup, folder, {"path": arguments["path"]}, onion_backup_filse=[])
    assert "onion_backup_filse: no such variable is read (did you mean 'onion_backup_file" in told["msg"]
    run(onion_backup, folder, {"path": arguments["path"]})
    told = run(onion_restore, tmp_path, arguments, onion_restore_file=False)
    assert "onion_restore_file: no such variable is read (did you mean 'onion_restore_files'?)" in told["msg"]
    assert not (tmp_path / "new").exists()


def test_a_backup_without_a_name_is_asked_for_by_the_variable(folder: pathlib.Path) -> None:
    told = run(onion_restore, folder, {"path": ""}, onion_restore_file="a.backup")["msg"]
    assert "onion_backup_file: name the backup, as -e onion_backup_file=FILE" in told
    assert "onion_restore_file: no such variable is read" in told


NO_FOLDERS = ["", "keys", ["/srv/keys"], 7]


class HostVars(dict):  # type: ignore[type-arg]
    raw_get = dict.__getitem__


@pytest.mark.parametrize("wrong", NO_FOLDERS)
def test_what_is_no_folder_is_no_store(folder: pathlib.Path, tmp_path: pathlib.Path, wrong: t.Any) -> None:
    path = str(tmp_path / "a.backup")
    expected = f"onion_keys_dir: is {wrong!r}; write one folder that begins with "
    assert expected in run(onion_backup, folder, {"path": path}, onion_keys_dir=wrong)["msg"]
    run(onion_backup, folder, {"path": path})
    told = run(onion_restore, tmp_path, {"path": path, "folder": str(tmp_path / "new")}, onion_keys_dir=wrong)
    assert told["msg"].startswith(f"Nothing was restored.\n{expected}")
    assert not (tmp_path / "new").exists()


def test_a_store_is_restored_where_the_variable_says(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    made = run(onion_backup, folder, {"path": str(tmp_path / "a.backup")})
    beside = trust_as_template("{{ inventory_dir }}/keys")
    for number, (told, place) in enumerate(
        ((None, "new0/.onion_keys"), (str(tmp_path / "safe"), "safe"), (beside, "new2/keys"))
    ):
        arguments = {"path": made["path"], "folder": str(tmp_path / f"new{number}")}
        assert (
            str(tmp_path / place / "newsroom.secret")
            in run(onion_restore, tmp_path, arguments, onion_keys_dir=told, inventory_dir=None)["made"]
        )


def test_of_two_inventories_no_file_is_left_out_unseen(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    hosts = HostVars(
        {
            name: {"onion_services": SERVICES, "inventory_dir": str(place)}
            for name, place in (("web1", folder), ("web2", tmp_path))
        }
    )
    fleet = {"groups": {"all": list(hosts)}, "hostvars": hosts}
    arguments = {"path": str(tmp_path / "a.backup")}
    message = run(onion_backup, folder, arguments, **fleet)["msg"]
    assert "onion_keys_dir: hosts have different stores" in message
    assert f"files: the inventory is in several folders: {tmp_path}, {folder}; write the files to keep" in message
    assert f"in relation to {tmp_path}" in message
    fleet["onion_keys_dir"] = str(folder / ".onion_keys")
    for of_host in hosts.values():
        of_host["onion_keys_dir"] = fleet["onion_keys_dir"]
    assert "files: the inventory is in several folders" in run(onion_backup, folder, arguments, **fleet)["msg"]
    (tmp_path / "second.yml").write_text("x: y\n")
    for inventory_dir in (folder, tmp_path):  # whichever host the task runs on
        named = {"path": str(tmp_path / f"{inventory_dir.name}.backup"), "files": ["operator/hosts.yml", "second.yml"]}
        kept = run(onion_backup, folder, named, **{**fleet, "inventory_dir": str(inventory_dir)})
        assert kept["files"] == ["operator/hosts.yml", "second.yml"], kept
    new = {"path": named["path"], "folder": str(tmp_path / "new")}
    made = run(onion_restore, tmp_path, new)["made"]
    assert str(tmp_path / "new/operator/.onion_keys/newsroom.secret") in made


def test_a_store_outside_of_the_folder_is_restored_where_it_is_said(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (folder / ".onion_keys").rename(tmp_path / "safe")
    made = run(onion_backup, folder, {"path": str(tmp_path / "a.backup"), "keys_dir": str(tmp_path / "safe")})
    arguments = {"path": made["path"], "folder": str(tmp_path / "deep/new")}
    refused = run(onion_restore, tmp_path, arguments)
    assert (
        refused["failed"]
        and "the store was outside of the inventory's folder (../safe); name its place" in refused["msg"]
    )
    assert not (tmp_path / "deep").exists()
    restored = run(onion_restore, tmp_path, {**arguments, "keys_dir": str(tmp_path / "deep/keys")})
    assert str(tmp_path / "deep/keys/newsroom.secret") in restored["made"]
