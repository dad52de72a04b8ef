# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations, systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import address_from_public_key
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import keeper_status, onionbalance
from ansible_collections.onionfleet.balance.plugins.modules import rolling_info


def address(number):
    return address_from_public_key(bytes([number] * 32))


@pytest.fixture
def run(tmp_path, monkeypatch, capfd, publisher):
    monkeypatch.setattr(locations, "REBOOT_WANTED", str(tmp_path / "reboot"))
    monkeypatch.setattr(locations, "PUBLISHER_PROGRAM", str(tmp_path / "program"))
    monkeypatch.setattr(locations, "PUBLISHER_UNIT", str(tmp_path / "unit"))
    monkeypatch.setattr(locations, "PUBLISHER_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def run(**processes):
        monkeypatch.setattr(systemd, "processes", lambda names: {name: processes[name] for name in names})
        with patch_module_args({"daemons": list(processes)}), pytest.raises(SystemExit):
            rolling_info.main()
        return json.loads(capfd.readouterr().out)
    return run


def test_a_program_that_was_replaced(run, tmp_path):
    program = tmp_path / "tor"
    shutil.copy(shutil.which("sleep"), program)
    with subprocess.Popen([program, "60"]) as process:
        try:
            assert run(shop1=process.pid, stopped=0)["outdated"] == []
            shutil.copy(shutil.which("sleep"), tmp_path / "new")
            os.replace(tmp_path / "new", program)
            assert run(shop1=process.pid, stopped=0)["outdated"] == ["shop1"]
        finally:
            process.kill()
    assert run(shop1=process.pid)["outdated"] == [], "it has just ended"


def test_a_publisher_older_than_its_program(run, tmp_path, publisher):
    assert not run()["publisher"], "none runs"
    (tmp_path / "program").mkdir()
    (tmp_path / "program/launcher.py").write_text("")
    written = os.stat(tmp_path / "program/launcher.py").st_ctime
    publisher.says(started=written + 1)
    assert not run()["publisher"]
    publisher.says(started=written - 1)
    assert run()["publisher"]


def test_a_reboot_is_asked_for_by_a_file(run, tmp_path):
    assert not run()["reboot"]
    (tmp_path / "reboot").touch()
    assert run()["reboot"]


def test_whom_the_publisher_or_the_keeper_leaves_out(run, tmp_path, monkeypatch):
    instances = [
        {"name": f"app{number}/ab1", "address": address(number), "drained": number == 2, "directory": "a"}
        for number in (1, 2)
    ]
    assert run()["left_out"] == [], "there is neither"
    service = {"name": "a", "address": address(3), "port": 80, "instances": instances}
    (tmp_path / "config.yaml").write_text(onionbalance.render([service], {}))
    assert run()["left_out"] == ["app2/ab1"]
    replicas = [{"name": "web1/bw1", "drained": True}, {"name": "web1/bw2", "drained": False}]
    told = {"services": [{"name": "b", "replicas": replicas}]}
    monkeypatch.setattr(keeper_status, "read_status", lambda path, _timeout: told)
    assert run()["left_out"] == ["app2/ab1", "web1/bw1"]
    (tmp_path / "config.yaml").write_text("torn")
    assert run()["left_out"] == ["web1/bw1"]
