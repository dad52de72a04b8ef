# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A keeper's host in a directory: its configuration, clients' keys that it reads, and when it is restarted."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import stat

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations, systemd
from ansible_collections.onionfleet.balance.plugins.modules import keeper_config

ADDRESS, KEY = "a" * 56 + ".onion", bytes(range(32))
BASE32, BASE64 = base64.b32encode(KEY).decode().rstrip("="), base64.b64encode(KEY).decode()
CONFIG = {"services": [{"name": "newsroom", "address": ADDRESS, "interval": 0}]}
OTHER = {"services": []}


class Host:
    """``told``: what systemctl was to do."""

    def __init__(self, root, capfd):
        self.capfd, self.told = capfd, []
        self.enabled = self.active = False
        self.config, self.credentials, self.socket, self.program = (
            root / name for name in ("keeper/config.json", "keeper/credentials.json", "status.sock", "program")
        )

    def systemctl(self, _systemctl, *words, timeout):
        verb = next(word for word in words if not word.startswith("-"))
        if verb == "show":
            return (
                f"UnitFileState={'enabled' if self.enabled else ''}\n"
                f"ActiveState={'active' if self.active else 'inactive'}\n"
            )
        if verb != "daemon-reload":
            self.told.append(verb)
        if verb in ("start", "restart"):
            self.active = True
            self.socket.unlink(missing_ok=True)
            while self._older():
                self.socket.write_text("")
        self.enabled = self.enabled or verb == "enable"
        return ""

    def _older(self):
        """The file system's clock ticks every few milliseconds only."""
        return not self.socket.exists() or self.socket.stat().st_ctime <= self.config.stat().st_ctime

    def change(self, path):
        while not path.exists() or path.stat().st_ctime <= self.socket.stat().st_ctime:
            path.write_text("new")

    def run(self, config=None, credentials=None, *, check=False, code=0, **more):
        given = {"config": config or CONFIG, "credentials": credentials, **more, "_ansible_check_mode": check}
        self.told.clear()
        with patch_module_args(given), pytest.raises(SystemExit) as ended:
            keeper_config.main()
        output = self.capfd.readouterr().out
        assert KEY.hex() not in output and BASE32 not in output and BASE64 not in output
        assert ended.value.code == code, output
        return json.loads(output)


@pytest.fixture(name="host")
def fixture_host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd):
    host = Host(tmp_path, capfd)
    for module, name, value in [
        (locations, "KEEPER_ROOT", str(host.config.parent)),
        (locations, "KEEPER_CONFIG", str(host.config)),
        (locations, "KEEPER_CREDENTIALS", str(host.credentials)),
        (locations, "KEEPER_STATUS", str(host.socket)),
        (locations, "KEEPER_PROGRAM", str(host.program)),
        (disk, "_LOCK", str(tmp_path / "lock")),
        (os, "geteuid", lambda: 0),
        (os, "fchown", lambda *_arguments: None),
        (disk, "user_id", lambda _name: os.getuid()),
        (disk, "group_id", lambda _name: os.getgid()),
        (systemd, "run", host.systemctl),
    ]:
        monkeypatch.setattr(module, name, value)
    return host


def test_check_run_and_again(host):
    foreseen = host.run(check=True)
    assert (host.told, host.config.exists()) == ([], False)
    first = host.run()
    assert {key: foreseen[key] for key in ("changed", "diff", "action")} == {
        key: first[key] for key in ("changed", "diff", "action")
    }
    assert (first["action"], host.told) == ("start", ["enable", "start"])
    assert host.config.read_text() == json.dumps(CONFIG, indent=4, separators=(",", ": ")) + "\n"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (host.config.parent, host.config)] == [0o755, 0o600]
    for check in (True, False):
        again = host.run(check=check)
        assert (again["changed"], again["diff"], again["action"], host.told) == (False, [], "none", [])


def test_another_configuration_is_loaded_by_a_restart(host):
    host.run()
    foreseen = host.run(OTHER, check=True)
    assert (foreseen["changed"], foreseen["action"], host.told) == (True, "restart", [])
    assert (host.run(OTHER)["action"], host.told) == ("restart", ["restart"])
    assert not host.run(OTHER)["changed"]


@pytest.mark.parametrize("what", ["config", "program"])
def test_what_a_killed_run_left_is_loaded(host, what):
    host.run()
    if what == "config":
        host.active = False
        host.run(OTHER)
        host.socket.unlink()
        host.socket.write_text("")
        while host.config.stat().st_ctime <= host.socket.stat().st_ctime:
            host.config.chmod(0o600)
    else:
        host.change(host.program)
    found = host.run(OTHER if what == "config" else CONFIG)
    assert (found["changed"], found["diff"], found["action"]) == (True, [], "restart")


def test_a_check_run_foresees_the_restart_of_what_it_has_not_installed(host):
    host.run()
    assert host.run(restart=True, check=True)["action"] == "restart"


def test_another_mode_of_the_folder_restarts_nothing(host):
    host.run()
    host.config.parent.chmod(0o700)
    found = host.run()
    assert (found["changed"], found["action"], host.told) == (True, "none", [])


def test_only_root_can(host, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "set become: true" in host.run(code=1)["msg"]


# --- clients' keys


def test_keys_are_written_and_shown_as_addresses(host):
    host.run()
    assert host.run(credentials={ADDRESS: BASE32}, check=True)["changed"]
    assert not host.credentials.exists()
    first = host.run(credentials={ADDRESS: BASE32})
    assert (first["changed"], first["diff"][0]["after"]) == (True, f"{ADDRESS}\n")
    assert json.loads(host.credentials.read_text()) == {ADDRESS: BASE64}
    assert os.stat(host.credentials).st_mode & 0o777 == 0o600
    assert not host.run(credentials={ADDRESS: BASE64})["changed"]
    assert host.told == [], "it reads them by itself"


def test_another_key_of_the_same_client_is_a_change_that_shows_none(host):
    host.run(credentials={ADDRESS: BASE32})
    again = host.run(credentials={ADDRESS: base64.b64encode(KEY[::-1]).decode()})
    assert again["changed"]
    assert "hidden value differs" in again["diff"][0]["after"]


def test_what_is_not_named_goes_and_without_names_all_stays(host):
    host.run(credentials={})
    assert not host.credentials.exists()
    host.run(credentials={ADDRESS: BASE32})
    assert not host.run()["changed"]
    assert json.loads(host.credentials.read_text()) == {ADDRESS: BASE64}
    assert host.run(credentials={})["changed"]
    assert json.loads(host.credentials.read_text()) == {}


def test_what_is_no_key_is_refused_before_anything_is_written(host):
    assert "no x25519 private key" in host.run(credentials={ADDRESS: "nonsense"}, code=1)["msg"]
    assert not host.config.exists()
