# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._whole_host.preflight import Report
from ansible_collections.onionfleet.balance.plugins.modules import preflight


@pytest.fixture(name="run")
def fixture_run(monkeypatch, capfd):
    asked = []

    def inspect(*wanted):
        asked.append(wanted)
        return Report(faults=["disk: full"], missing_keys=["newsroom"], tor="0.4.9.11")

    monkeypatch.setattr(preflight, "inspect", inspect)
    monkeypatch.setattr(preflight.time, "time", lambda: 1000.5)
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 0)
    monkeypatch.setattr(preflight, "survey", lambda: {"daemons": [], "installed": True})

    def run(**arguments):
        with patch_module_args(arguments), pytest.raises(SystemExit):
            preflight.main()
        return json.loads(capfd.readouterr().out), asked

    return run


def test_faults_are_returned_and_not_raised(run):
    told, asked = run(daemons=[{"name": "newsroom"}], publisher={"services": []})
    assert asked == [([{"name": "newsroom"}], {"services": []}, "0.4.9.11")]
    assert {key: told[key] for key in ("changed", "faults", "hints", "missing_keys", "tor", "clock", "there")} == {
        "changed": False,
        "faults": ["disk: full"],
        "hints": [],
        "missing_keys": ["newsroom"],
        "tor": "0.4.9.11",
        "clock": {"now": 1000.5},
        "there": {"daemons": [], "installed": True},
    }


def test_what_cannot_be_looked_at_is_a_hint(run, monkeypatch):
    def survey():
        raise OnionfleetError("systemctl: it hangs")

    monkeypatch.setattr(preflight, "survey", survey)
    told = run(daemons=[])[0]
    assert told["there"] is None
    assert told["hints"] == ["what of this collection is on it could not be looked at: systemctl: it hangs"]


def test_without_root_nobody_looks(run, monkeypatch):
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
    assert run(daemons=[])[0]["there"] is None


def test_check_mode_looks_as_well(run):
    assert run(daemons=[], _ansible_check_mode=True)[0]["faults"] == ["disk: full"]


def test_daemons_are_required(run):
    assert "daemons" in run()[0]["msg"]


def test_documented_returns_are_those_of_the_report(run):
    told, _asked = run(daemons=[])
    assert set(yaml.safe_load(preflight.RETURN)) == set(told) - {"changed", "invocation"}
