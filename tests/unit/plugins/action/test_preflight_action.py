# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.action import preflight

REPORT = {"changed": False, "faults": [], "hints": [], "missing_keys": ["newsroom"], "tor": "0.4.9.11"}


@pytest.fixture(name="run")
def fixture_run(monkeypatch):
    """The action, with a module that answers as told, and a clock of ours."""
    ticks = iter([1000.0, 1004.0])
    monkeypatch.setattr(preflight.ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(preflight.time, "time", lambda: next(ticks))

    def run(answer):
        action = preflight.ActionModule.__new__(preflight.ActionModule)
        action._execute_module = lambda task_vars: answer
        return action.run(task_vars={})

    return run


def test_the_clock_is_measured_around_the_module(run):
    assert run({**REPORT, "clock": {"now": 1012.0}}) == {**REPORT, "clock": {"offset": 10.0, "uncertainty": 2.0}}


@pytest.mark.parametrize("key", ["msg", "module_stderr", "module_stdout"])
def test_a_full_disk_is_a_fault_and_no_failure(run, key):
    told = run({"failed": True, key: "OSError: [Errno 28] No space left on device: '/root/.ansible'"})
    assert "failed" not in told
    assert told["missing_keys"] == []
    assert len(told["faults"]) == 1
    assert told["faults"][0].startswith("disk: ")


def test_other_failures_stay_failures(run):
    failure = {"failed": True, "msg": "Missing sudo password"}
    assert run(dict(failure)) == failure


def test_a_report_that_mentions_a_full_disk_stays_a_report(run):
    assert run({**REPORT, "hints": ["No space left on device"], "clock": {"now": 1002.0}})["missing_keys"] == ["newsroom"]
