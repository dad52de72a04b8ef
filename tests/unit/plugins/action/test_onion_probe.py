# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds, the condition, progress and the final message."""

from __future__ import annotations

import types

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.onionfleet.balance.plugins.action import onion_probe
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate import host_action

ADDRESS = "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion"


OTHER = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"


def result(name="a", *, answered=1, requests=1, errors=None, answered_by=None, address=ADDRESS):
    return {
        "name": name,
        "address": address,
        "port": 80,
        "seconds": [],
        "median": None,
        "requests": requests,
        "answered": answered,
        "failed": requests - answered,
        "errors": errors or {},
        "answered_by": answered_by or {},
    }


def until(answered="all", answered_by=0):
    return {"answered": answered, "answered_by": answered_by}


@pytest.mark.parametrize(
    ("target", "condition", "lacks"),
    [
        (result(), until(), ""),
        (result(requests=3, answered=2, errors={"timeout": 1}), until(), "2 of 3 requests answered: timeout (1)"),
        (result(requests=3), until("any"), ""),
        (result(requests=3, answered=2), until("2"), ""),
        (result(requests=3), until("2"), "1 of 2 requests answered"),
        (result(answered_by={"w1": 4}), until(answered_by=2), "1 of 2 answerers found: w1"),
        (result(answered_by={"w1": 4, "w2": 1}), until(answered_by=2), ""),
    ],
)
def test_condition(target, condition, lacks):
    found = onion_probe.lacking(target, condition)
    assert found.startswith(lacks)
    assert bool(found) == bool(lacks)


class Rounds:
    """An action whose module answers as listed, round by round."""

    def __init__(self, monkeypatch, rounds):
        self.rounds, self.asked, self.shown, self.now = iter(rounds), [], [], 0.0
        monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
        monkeypatch.setattr(onion_probe.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(onion_probe.time, "sleep", self.sleep)
        monkeypatch.setattr(host_action.display, "display", lambda text, **_color: self.shown.append(text))
        monkeypatch.setattr(ActionBase, "_is_pipelining_enabled", lambda *_arguments, **_options: True)
        self.action = onion_probe.ActionModule.__new__(onion_probe.ActionModule)
        self.action._connection = types.SimpleNamespace(transport="ssh", exec_command=None)
        self.action._execute_module = self.execute

    def sleep(self, seconds):
        assert 0 < seconds <= 5
        self.now += seconds

    def execute(self, module_name, module_args, *, task_vars):
        assert module_name == "onionfleet.balance.onion_probe"
        self.now += 10
        self.asked.append([target["name"] for target in module_args["targets"]])
        self.credentials = module_args.get("credentials")
        answer = next(self.rounds)
        return answer if isinstance(answer, dict) else {"changed": False, "targets": answer}

    def run(self, names="a", **options):
        targets = [{"name": name, "address": ADDRESS, "port": None, **TARGET} for name in names]
        params = {"until": until(), "wait": 0, "fail": True, "requests": 1, "timeout": 9, "targets": targets, **options}
        task = {
            "args": params,
            "action": "onionfleet.balance.onion_probe",
            "delegate_to": None,
            "no_log": False,
            "environment": [],
            "vars": {},
        }
        self.action._task = types.SimpleNamespace(**task)
        self.action.validate_argument_spec = lambda argument_spec: (None, self.action._task.args)
        return self.action.run(task_vars={"inventory_hostname": "probe1"})


TARGET = {
    "scheme": "http",
    "path": "/",
    "status": [],
    "contains": "",
    "send": "",
    "capture": "",
    "validate_certs": False,
}


def test_one_round_is_enough(monkeypatch):
    rounds = Rounds(monkeypatch, [[result()]])
    found = rounds.run()
    assert (found["satisfied"], found["rounds"], found["changed"], found.get("failed")) == (True, 1, False, None)
    assert rounds.shown == []


def test_only_what_lacks_is_asked_again(monkeypatch):
    late = result("b", answered=0, errors={"descriptor not found": 1})
    rounds = Rounds(monkeypatch, [[result(), late], [late], [result("b")]])
    found = rounds.run("ab", wait=60)
    assert rounds.asked == [["a", "b"], ["b"], ["b"]]
    assert (found["satisfied"], found["rounds"], [target["name"] for target in found["targets"]]) == (
        True,
        3,
        ["a", "b"],
    )
    assert rounds.shown[0] == (
        "[probe1] 10 s of at most 60 s: waiting for b (0 of 1 requests answered: descriptor not found (1))"
    )


def test_no_wait_is_one_round(monkeypatch):
    rounds = Rounds(monkeypatch, [[result(answered=0, errors={"timeout": 1})]])
    found = rounds.run()
    assert found["failed"]
    assert found["msg"] == "service 'a': 0 of 1 requests answered: timeout (1), after 10 s"
    assert rounds.asked == [["a"]]


def test_the_end_of_the_wait(monkeypatch):
    silent = result(answered=0, errors={"timeout": 1})
    rounds = Rounds(monkeypatch, [[silent]] * 9)
    found = rounds.run(wait=30, fail=False)
    assert (found["satisfied"], found["rounds"], found["elapsed"], found.get("failed")) == (False, 3, 40.0, None)


def test_answerers_of_all_rounds_count(monkeypatch):
    rounds = Rounds(monkeypatch, [[result(answered_by={"w1": 1})], [result(answered_by={"w2": 1})]])
    monkeypatch.setitem(TARGET, "capture", "(w.)")
    found = rounds.run(wait=60, until=until(answered_by=2))
    assert found["targets"][0]["answered_by"] == {"w1": 1, "w2": 1}
    assert found["satisfied"]


def test_a_failed_module_ends_it(monkeypatch):
    rounds = Rounds(monkeypatch, [{"failed": True, "msg": "no tor"}])
    assert rounds.run(wait=60)["msg"] == "no tor"


@pytest.mark.parametrize(
    "options",
    [{"until": until("most")}, {"until": until("2")}, {"requests": 0}, {"wait": -1}, {"until": until(answered_by=1)}],
)
def test_faults_come_before_the_first_round(monkeypatch, options):
    rounds = Rounds(monkeypatch, [])
    with pytest.raises(onion_probe.AnsibleActionFail):
        rounds.run(**options)


def test_clients_keys_are_sent_for_targets_only(monkeypatch):
    rounds = Rounds(monkeypatch, [[result()]])
    rounds.run(credentials={ADDRESS: "secret", OTHER: "secret"})
    assert rounds.credentials == {ADDRESS: "secret"}


def test_no_answer_shows_a_clients_key(monkeypatch):
    rounds = Rounds(monkeypatch, [[{**result(), "body": "it is very-secret"}]])
    assert "very-secret" not in str(rounds.run(credentials={ADDRESS: "very-secret"}))


def test_an_answer_about_another_address_is_none(monkeypatch):
    rounds = Rounds(monkeypatch, [[result(address=OTHER)]])
    strange = f"host 'probe1': .* targets.address: is '{OTHER}', which it was not asked about"
    with pytest.raises(AnsibleConnectionFailure, match=strange):
        rounds.run(wait=60)


def test_each_round_passes_the_gate(monkeypatch):
    late = result(answered=0, errors={"timeout": 1})
    rounds = Rounds(monkeypatch, [[late], [{**late, "answered": "all"}]])
    with pytest.raises(AnsibleConnectionFailure, match=r"host 'probe1': .* targets\[0\].answered: is no whole number"):
        rounds.run(wait=60)
    assert rounds.asked == [["a"], ["a"]]


@pytest.mark.parametrize("answer", [[], [result("b")], [result(), result()], [result("b"), result("a")]])
def test_an_answer_about_other_targets_is_none(monkeypatch, answer):
    rounds = Rounds(monkeypatch, [answer])
    with pytest.raises(AnsibleConnectionFailure, match="targets: are not those that it was asked for"):
        rounds.run()
