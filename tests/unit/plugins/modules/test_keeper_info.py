# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a keeper says of itself (keeper_info, _keeper_status, _status_socket)."""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import sys

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.modules import keeper_info

PROGRAM = pathlib.Path(__file__).parents[4] / "roles/keeper/files/keeper"
SERVICE = {
    "name": "newsroom",
    "address": "a" * 56 + ".onion",
    "replicas": ["web1/w1"],
    "daemons": [{"name": "w1", "replica": "web1/w1"}],
    "probe": {"port": 80},
}


@pytest.fixture(name="asked")
def fixture_asked(publisher, monkeypatch, capfd):
    monkeypatch.setattr(locations, "KEEPER_STATUS", publisher.path)

    def run(**parameters):
        with patch_module_args(parameters), pytest.raises(SystemExit) as ended:
            keeper_info.main()
        result = json.loads(capfd.readouterr().out)
        assert ended.value.code == 0, result
        return result

    return run


def _status(monkeypatch):
    """As the program itself makes it."""
    monkeypatch.setattr(sys, "path", [str(PROGRAM), *sys.path])
    settings, watch = (importlib.import_module(f"onionfleet_keeper.{name}") for name in ("settings", "watch"))
    (service,) = settings.parse(json.dumps({"services": [SERVICE]})).services
    return {"time": 5.0, "turned": 0.1, "services": [watch.Watch(service, None, None).status()]}


def test_what_the_program_says_is_read(asked, publisher, monkeypatch):
    status = _status(monkeypatch)
    publisher.answers(json.dumps(status).encode())
    found = asked()
    assert (found["changed"], found["error"], found["status"]) == (False, "", status)


def test_what_changed_since_its_start_is_seen(asked, publisher, monkeypatch, tmp_path):
    (tmp_path / "program").mkdir()
    (tmp_path / "program/turns.py").write_text("")
    monkeypatch.setattr(locations, "KEEPER_PROGRAM", str(tmp_path / "program"))
    monkeypatch.setattr(locations, "KEEPER_CONFIG", str(tmp_path / "config.json"))
    publisher.answers(json.dumps(_status(monkeypatch)).encode())
    os.chmod(publisher.path, 0o600)  # it has just started
    assert asked()["stale"] is False
    _change(tmp_path / "config.json", publisher.path)
    assert asked()["stale"] is True
    os.chmod(publisher.path, 0o600)
    assert asked()["stale"] is False
    _change(tmp_path / "program/turns.py", publisher.path)
    assert asked()["stale"] is True


def _change(path, socket):
    """The file system's clock ticks every few milliseconds only."""
    while not path.exists() or os.stat(path).st_ctime <= os.stat(socket).st_ctime:
        path.write_text("new")


def test_nobody_there_is_said(asked):
    found = asked()
    assert (found["status"], found["stale"]) == (None, False)
    assert "nobody listens" in found["error"]
    assert "journalctl -u onionfleet-keeper" in found["error"]


def test_another_answer_is_none(asked, publisher):
    publisher.answers(b'{"services": [], "time": "noon", "turned": 1}')
    assert "not a keeper's" in asked()["error"]


def test_one_that_hangs_does_not_hang_us(asked, publisher):
    publisher.answers(b"", hang=True)
    assert "timed out" in asked(timeout=1)["error"]
