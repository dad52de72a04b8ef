# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.onionfleet.balance.plugins.action import preflight

SERVICES = [{"name": "newsroom", "address": "x.onion"}, {"name": "shop", "address": None}]
PLANNED = {"daemons": [{"name": "newsroomw1", "services": SERVICES}], "publisher": {"services": [{"name": "archive"}]}}
REPORT = {
    "changed": False,
    "faults": [],
    "hints": [],
    "missing_keys": ["newsroom"],
    "tor": "0.4.9.11",
    "there": None,
    "clock": {"now": 1002.0},
}


@pytest.fixture(name="run")
def fixture_run(monkeypatch):
    """The action, with a module that answers as told, and a clock of ours."""
    ticks = iter([1000.0, 1004.0])
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(preflight.time, "time", lambda: next(ticks))

    def run(answer, *, become=None, variables=None, **arguments):
        action = preflight.ActionModule.__new__(preflight.ActionModule)
        args = {**PLANNED, **arguments}
        action._task = types.SimpleNamespace(
            args=args, action="onionfleet.balance.preflight", delegate_to=None, no_log=False, environment=[], vars={}
        )
        action._connection = types.SimpleNamespace(
            transport="ssh", exec_command=None, has_pipelining=True, become=become
        )
        action._execute_module = lambda _name, given, task_vars: answer if given == args else None
        return action.run(task_vars={"inventory_hostname": "web1", **(variables or {})})

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


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("OSError: [Errno 28] Auf dem Gerät ist kein Speicherplatz mehr verfügbar: '/root/.ansible'", "make room"),
        (
            "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']",
            "no folder takes a temporary file",
        ),
    ],
)
def test_a_full_disk_in_any_language(run, said, words):
    (fault,) = run({"failed": True, "module_stderr": said})["faults"]
    assert fault.startswith("disk: ")
    assert words in fault


SU = types.SimpleNamespace(name="su")
NEWER_SU = types.SimpleNamespace(name="su", pipelining=False)
MACHINECTL = types.SimpleNamespace(name="machinectl", pipelining=False)
DOAS, SUDO = types.SimpleNamespace(name="doas"), types.SimpleNamespace(name="sudo", pipelining=True)


@pytest.mark.parametrize("become", [SU, NEWER_SU, MACHINECTL])
def test_secrets_for_a_host_that_no_setting_makes_pipeline_are_a_fault(run, become):
    (fault,) = run(dict(REPORT, faults=[]), become=become)["faults"]
    assert fault.startswith("secrets would be written into a temporary file on the host; become: ")
    assert f"'{become.name}' cannot pipeline; use ansible_become_method: sudo" in fault


def test_a_failure_stays_one_there(run):
    failure = {"failed": True, "msg": "no python", "faults": []}
    assert run(dict(failure), become=SU) == failure


@pytest.mark.parametrize("become", [DOAS, SUDO, None])
def test_others_pipeline(run, become):
    assert run(dict(REPORT, faults=[]), become=become)["faults"] == []


@pytest.mark.parametrize(
    ("variables", "daemons", "faults"),
    [
        ({}, [{"name": "a1", "services": SERVICES}], 0),
        ({"onion_option_secrets": {"Socks5ProxyPassword": "x"}}, [{"name": "a1", "services": []}], 1),
        ({"onion_option_secrets": {"Socks5ProxyPassword": "x"}}, [], 0),
        ({"onion_client_credentials": {"x.onion": "key"}}, [{"name": "a1", "services": SERVICES}], 1),
        ({"onion_client_credentials": {"y.onion": "key"}}, [{"name": "a1", "services": SERVICES}], 0),
        ({"onion_client_credentials": {"y.onion": "key"}}, [{"name": "onionprobe", "socks": True, "services": []}], 1),
    ],
)
def test_without_secrets_it_need_not(run, variables, daemons, faults):
    report = dict(REPORT, faults=[], missing_keys=[])
    assert len(run(report, become=SU, variables=variables, daemons=daemons)["faults"]) == faults


def test_other_failures_stay_failures(run):
    failure = {"failed": True, "msg": "Missing sudo password"}
    assert run(dict(failure)) == failure


def test_a_report_that_mentions_a_full_disk_stays_a_report(run):
    assert run({**REPORT, "hints": ["No space left on device"]})["missing_keys"] == ["newsroom"]


@pytest.mark.parametrize("missing", [[], ["newsroom"], ["archive"], ["newsroom", "archive"]])
def test_a_host_may_ask_for_the_keys_that_the_plan_gives_it(run, missing):
    assert run({**REPORT, "missing_keys": missing})["missing_keys"] == missing


@pytest.mark.parametrize(
    ("arguments", "missing", "words"),
    [
        ({"publisher": {"services": []}}, ["archive", "newsroom"], "'archive', which it does not serve"),
        ({"publisher": None}, ["archive"], "'archive', which it does not serve"),
        ({"daemons": []}, ["newsroom"], "'newsroom', which it does not serve"),
        # its tor makes that one, a backend's
        ({}, ["shop"], "'shop', which it does not serve"),
        ({}, ["shop", "blog"], "'blog', 'shop', which it does not serve"),
        ({}, list("fedcba"), "'a', 'b', 'c', 'd', 'e' and 1 more, which it does not serve"),
    ],
)
def test_a_host_that_asks_for_others_counts_as_unreachable(run, arguments, missing, words):
    sentence = f"host 'web1' asked for the key of {words}: it is not to be trusted"
    with pytest.raises(AnsibleConnectionFailure, match=sentence):
        run({**REPORT, "missing_keys": missing}, **arguments)


def test_it_may_not_when_the_module_failed_either(run):
    with pytest.raises(AnsibleConnectionFailure, match="asked for the key of 'blog'"):
        run({**REPORT, "failed": True, "msg": "no python", "missing_keys": ["blog"]})


def test_a_failure_that_asks_for_keys_and_says_nothing_else_asks_for_none(run):
    assert "missing_keys" not in run({"failed": True, "msg": "no python", "missing_keys": ["blog"]})


@pytest.mark.parametrize(("field", "value"), [("clock", {"now": "1002"}), ("clock", None), ("missing_keys", [7])])
def test_a_report_of_another_shape_is_none(run, field, value):
    sentence = f"host 'web1': its answer to preflight is not to be trusted: {field}"
    with pytest.raises(AnsibleConnectionFailure, match=sentence):
        run({**REPORT, field: value})
