# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""onion_retire and onion_host_info with what they stand on, retiring, _survey and _wipe, on a host in a directory."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import running as running_daemons
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations, systemd, wipe
from ansible_collections.onionfleet.balance.plugins.module_utils._whole_host import retire as retiring
from ansible_collections.onionfleet.balance.plugins.modules import onion_host_info, onion_retire

KEY = b"== ed25519v1-secret: type0 ==\0\0\0" + bytes(range(64))
OWN = "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion"
FRONT = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
ROOTS = (
    "INSTANCES_ROOT",
    "DATA_ROOT",
    "RUN_ROOT",
    "RECORDS_ROOT",
    "PUBLISHER_ROOT",
    "PUBLISHER_PROGRAM",
    "PUBLISHER_UNIT",
    "KEEPER_ROOT",
    "KEEPER_PROGRAM",
    "KEEPER_UNIT",
    "HOST_ROOT",
)


class Host:
    """Files below a directory, units that are active until they are stopped, and users that are there until removed."""

    def __init__(self, root: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.root, self.capfd = root, capfd
        self.active: set[str] = set()
        self.users: set[str] = set()
        self.done: list[str] = []
        self.dies_at = ""

    def write(self, path: str, content: bytes | str = "") -> pathlib.Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def daemon(self, name: str, *services: str, running: bool = True, frontend: str = "") -> None:
        self.write(
            f"INSTANCES_ROOT/{name}/torrc",
            f"{locations.MARKER}\n%include {self.root}/INSTANCES_ROOT/{name}/services/\n",
        )
        for service in services:
            path = f"{self.root}/DATA_ROOT/{name}/{service}"
            self.write(f"INSTANCES_ROOT/{name}/services/{service}.conf", f"HiddenServiceDir {path}\n")
            self.key(f"DATA_ROOT/{name}/{service}")
            if frontend:
                self.write(f"DATA_ROOT/{name}/{service}/ob_config", f"MasterOnionAddress {frontend}\n")
        self.write(f"RECORDS_ROOT/{name}.json")
        self.write(f"RUN_ROOT/{name}/tor.pid")
        self.write(f"RUN_ROOT/{name}.defaults")
        self.active |= {name} if running else set()
        self.users.add(f"_tor-{name}")

    def key(self, path: str) -> None:
        self.write(f"{path}/hs_ed25519_secret_key", KEY)
        self.write(f"{path}/hostname", OWN + "\n")

    def publisher(self, *configured: str, kept: t.Sequence[str] = ()) -> None:
        services = [{"name": name, "instances": []} for name in configured]
        self.write("PUBLISHER_ROOT/config.yaml", json.dumps({"services": services}))
        for name in (*configured, *kept):
            self.key(f"PUBLISHER_ROOT/keys/{name}")
        self.write("PUBLISHER_UNIT")
        self.write("PUBLISHER_PROGRAM/__main__.py")
        self.users.add("_onionpublisher")

    def files(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file() and path.name != "lock"
        )

    def perform(self, name: str, action: str) -> None:
        self._do(f"{action} {name}")
        if action == "stop":
            self.active.discard(name)
            (self.root / f"RECORDS_ROOT/{name}.json").unlink()

    def command(self, *command: str, timeout: float = 0) -> str:
        if command[:2] == ("systemctl", "show"):
            return "active\n"
        self._do(" ".join(command))
        if command[0] == "deluser":
            self.users.discard(command[-1])
        return ""

    def _do(self, what: str) -> None:
        if what == self.dies_at:
            raise OnionfleetError("killed")
        self.done.append(what)

    def run(self, module: t.Any, check: bool = False, **arguments: t.Any) -> t.Any:
        given = {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(given), pytest.raises(SystemExit):
            module.main()
        return json.loads(self.capfd.readouterr().out)

    def retire(self, check: bool = False, **what: t.Any) -> t.Any:
        return self.run(onion_retire, check, **what)

    def info(self) -> t.Any:
        return self.run(onion_host_info)


@pytest.fixture(name="host")
def fixture_host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Host:
    host = Host(tmp_path, capfd)
    for name in ROOTS:
        monkeypatch.setattr(locations, name, f"{tmp_path}/{name}")
    for module, name, value in [
        (locations, "PUBLISHER_CONFIG", f"{tmp_path}/PUBLISHER_ROOT/config.yaml"),
        (disk, "_LOCK", f"{tmp_path}/lock"),
        (systemd, "units", lambda names: {each: systemd.Unit(each in host.active) for each in names}),
        (systemd, "run", host.command),
        (systemd, "enabled", lambda _name: False),
        (running_daemons, "perform", host.perform),
        (os, "geteuid", lambda: 0),
        (disk, "user_id", lambda name: os.getuid() if name in host.users else None),
        (retiring, "MASKED", (f"{tmp_path}/tor.service",)),
        (retiring, "PROGRAMS", f"{tmp_path}/programs"),
        (retiring, "CONFIGURATION", f"{tmp_path}/configuration"),
    ]:
        monkeypatch.setattr(module, name, value)
    return host


NOTHING = {"changed": False, "removed": []}


def outcome(result: t.Any) -> t.Any:
    return {key: result[key] for key in ("changed", "removed")}


# --- onion_host_info


def test_an_empty_host_has_nothing(host: Host) -> None:
    assert {**host.info(), "invocation": 0} == {
        "changed": False,
        "daemons": [],
        "publisher": None,
        "keeper": None,
        "installed": False,
        "invocation": 0,
    }


def test_daemons_are_told_with_their_services(host: Host) -> None:
    host.daemon("shopw1", "shop")
    host.daemon("shopb1", "shop-backend", running=False, frontend=FRONT)
    host.write("INSTANCES_ROOT/other/torrc", "HiddenServiceDir /var/lib/tor/other\n")
    host.key("DATA_ROOT/other/shop")
    shop = {"name": "shop", "directory": "shop", "address": OWN, "frontends": [], "clients": 0}
    backend = {**shop, "name": "shop-backend", "directory": "shop-backend", "frontends": [FRONT]}
    assert host.info()["daemons"] == [
        {"name": "shopb1", "managed": True, "running": False, "single_hop": False, "services": [backend]},
        {"name": "shopw1", "managed": True, "running": True, "single_hop": False, "services": [shop]},
    ]


def test_what_protects_services_is_told(host: Host) -> None:
    host.daemon("shopw1", "shop")
    for name in ("anna.auth", "berta.auth", "readme"):
        host.write(f"DATA_ROOT/shopw1/shop/authorized_clients/{name}", "descriptor:x25519:A\n")
    host.daemon("fastw1", "fast")
    torrc = host.root / "INSTANCES_ROOT/fastw1/torrc"
    torrc.write_text(torrc.read_text() + "HiddenServiceNonAnonymousMode 1\nHiddenServiceSingleHopMode 1\n")
    fast, shop = host.info()["daemons"]
    assert (fast["single_hop"], fast["services"][0]["clients"]) == (True, 0)
    assert (shop["single_hop"], shop["services"][0]["clients"]) == (False, 2)


@pytest.mark.parametrize("content", ["", "x", OWN[:-6], OWN.replace("2", "3"), f"{OWN} {OWN}", "\x1b[2J"])
def test_a_file_that_holds_no_address_has_none(host: Host, content: str) -> None:
    host.daemon("shopb1", "shop-backend", frontend=content)
    host.publisher("archive")
    for path in ("DATA_ROOT/shopb1/shop-backend", "PUBLISHER_ROOT/keys/archive"):
        host.write(f"{path}/hostname", content)
    found = host.info()
    (service,) = found["daemons"][0]["services"]
    assert (service["name"], service["address"], service["frontends"]) == ("shop-backend", None, [])
    assert found["publisher"]["services"] == [{"name": "archive", "configured": True, "address": None}]


def test_keys_without_a_configuration_are_told(host: Host) -> None:
    host.key("DATA_ROOT/shopw1/shop")
    host.write("DATA_ROOT/empty/state")
    host.daemon("small", "one")
    host.key("DATA_ROOT/small/two")
    (shop, small) = host.info()["daemons"]
    assert (shop["managed"], [service["name"] for service in shop["services"]]) == (False, [None])
    assert [(service["name"], service["directory"]) for service in small["services"]] == [("one", "one"), (None, "two")]


def test_publisher_and_keeper_are_told(host: Host) -> None:
    host.publisher("archive", kept=["old"])
    host.write("KEEPER_ROOT/config.json", json.dumps({"services": [{"name": "shop"}]}))
    found = host.info()
    assert found["publisher"] == {
        "running": True,
        "services": [
            {"name": "archive", "configured": True, "address": OWN},
            {"name": "old", "configured": False, "address": OWN},
        ],
    }
    assert found["keeper"] == {"running": True, "services": ["shop"]}
    host.write("PUBLISHER_ROOT/config.yaml", '{"services"')
    assert [service["configured"] for service in host.info()["publisher"]["services"]] == [False, False]


# --- onion_retire


def test_a_daemon_goes_with_everything(host: Host) -> None:
    host.daemon("shopw1", "shop")
    host.daemon("shopw2", "shop")
    foreseen, before = host.retire(True, daemons=["shopw1"]), host.files()
    assert host.files() == before and not host.done
    done = host.retire(daemons=["shopw1"])
    assert outcome(done) == outcome(foreseen)
    assert not [path for path in host.files() if "shopw1" in path] and "shopw1" not in host.active
    assert [path for path in host.files() if "shopw2" in path] == [path for path in before if "shopw2" in path]
    assert "_tor-shopw1" not in host.users and "_tor-shopw2" in host.users
    assert outcome(host.retire(daemons=["shopw1"])) == NOTHING


def test_keys_are_overwritten_before_they_go(host: Host) -> None:
    host.daemon("shopw1", "shop")
    key = host.root / "DATA_ROOT/shopw1/shop/hs_ed25519_secret_key"
    os.link(key, host.root / "linked")
    host.retire(daemons=["shopw1"])
    assert not key.exists()
    left = (host.root / "linked").read_bytes()
    assert len(left) == len(KEY) and left != KEY


@pytest.mark.parametrize(
    "name",
    ["hs_ed25519_secret_key", ".hs_ed25519_secret_key.new", "torrc", "torrc.before-onionfleet", ".torrc.old", "a.conf"],
)
def test_what_may_hold_secrets_is_overwritten_whatever_it_is_called(tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_bytes(KEY)
    os.link(tmp_path / "folder" / name, tmp_path / "linked")
    wipe.remove(str(tmp_path / "folder"))
    assert (tmp_path / "linked").read_bytes() != KEY


def test_a_service_leaves_a_daemon_that_stays_and_lets_go_of_it_first(host: Host) -> None:
    host.daemon("small", "one", "two")
    host.retire(services=[{"daemon": "small", "name": "two", "directory": "two"}])
    assert host.done == ["reload small"]
    assert (
        not [path for path in host.files() if "two" in path]
        and len([path for path in host.files() if "/one" in path]) == 3
    )
    # killed between the configuration and the key
    host.key("DATA_ROOT/small/two")
    assert outcome(host.retire(services=[{"daemon": "small", "name": None, "directory": "two"}]))["changed"]
    assert host.done == ["reload small"] * 2


def test_a_publishers_key_goes_and_the_others_stay(host: Host) -> None:
    host.publisher("archive", kept=["old"])
    host.retire(keys=["old"])
    assert [path for path in host.files() if "/keys/" in path] == [
        "PUBLISHER_ROOT/keys/archive/hostname",
        "PUBLISHER_ROOT/keys/archive/hs_ed25519_secret_key",
    ]
    assert not host.done


@pytest.mark.parametrize(
    "at",
    [
        "stop shopw1",
        "deluser --quiet --system _tor-shopw1",
        "systemctl disable --now --quiet PUBLISHER_UNIT",
        "deluser --quiet --system _onionpublisher",
        "systemctl daemon-reload",
        "apt-mark unhold tor",
    ],
)
def test_a_killed_run_goes_on(host: Host, at: str) -> None:
    host.daemon("shopw1", "shop")
    host.publisher("archive")
    host.write("HOST_ROOT/changed/held/x")
    everything = {"daemons": ["shopw1"], "publisher": True, "host": True}
    host.dies_at = at
    assert host.retire(**everything)["msg"] == "killed"
    host.dies_at = ""
    host.retire(**everything)
    assert host.files() == [] and not host.users and not host.active
    assert outcome(host.retire(**everything)) == NOTHING


def test_a_daemon_that_was_put_aside_is_removed_by_the_next_run(host: Host) -> None:
    host.write("INSTANCES_ROOT/.shopw1.old/torrc", locations.MARKER)
    host.retire(daemons=["shopw1"])
    assert host.files() == []


def test_only_masks_of_our_own_are_undone(host: Host) -> None:
    mask = host.root / "tor.service"
    mask.symlink_to("/dev/null")
    host.write("HOST_ROOT/loaded/x.json")
    host.retire(host=True)
    assert mask.is_symlink() and "apt-mark unhold tor" not in host.done
    (host.root / "HOST_ROOT/changed/masked").mkdir(parents=True)
    host.retire(host=True)
    assert not mask.is_symlink()


def test_wipe_follows_no_link(tmp_path: pathlib.Path) -> None:
    (tmp_path / "outside").mkdir()
    secret = tmp_path / "outside/hs_ed25519_secret_key"
    secret.write_bytes(KEY)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/inner").symlink_to(tmp_path / "outside")
    (tmp_path / "folder/hs_ed25519_secret_key").symlink_to(secret)
    wipe.remove(str(tmp_path / "folder"))
    wipe.remove(str(tmp_path / "nothing"))
    assert secret.read_bytes() == KEY and not (tmp_path / "folder").exists()


def test_others_than_root_are_told(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "become: true" in host.retire(daemons=["x"])["msg"]
    assert "become: true" in host.info()["msg"]
