# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name in rounds, until its condition holds or its time is over."""

from __future__ import annotations

import collections
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.probe import ARGUMENTS, checked_targets
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.admission import distrust
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.host_action import (
    HostAction,
    Variables,
    named,
    only,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.shapes import clean

_PAUSE = 5.0


def lacking(target: t.Mapping[str, t.Any], until: t.Mapping[str, t.Any]) -> str:
    """What a target's result still lacks, in a few words; empty if nothing."""
    wanted = {"all": target["requests"], "any": 1}.get(until["answered"]) or int(until["answered"])
    if target["answered"] < wanted:
        errors = ", ".join(f"{error} ({count})" for error, count in target["errors"].items())
        return f"{target['answered']} of {wanted} requests answered: {errors or 'too few requests'}"
    if len(target["answered_by"]) < until["answered_by"]:
        known = ", ".join(target["answered_by"]) or "none"
        return f"{len(target['answered_by'])} of {until['answered_by']} answerers found: {known}"
    return ""


def faults(params: t.Mapping[str, t.Any]) -> list[str]:
    """Whatever is wrong with the options; nothing has been asked yet."""
    found = []
    answered = params["until"]["answered"]
    if answered not in ("all", "any") and not (answered.isdecimal() and 1 <= int(answered) <= params["requests"]):
        found.append("until: answered: has to be all, any, or a number from 1 to that of requests")
    if params["requests"] < 1 or params["timeout"] < 1 or params["wait"] < 0:
        found.append("requests and timeout have to be at least 1, wait at least 0")
    try:
        for name, target in checked_targets(params["targets"]).items():
            if params["until"]["answered_by"] and not target.capture:
                found.append(f"target {name!r}: capture: is needed to tell answerers apart, as until wants")
    except OnionfleetError as error:
        found += error.faults
    return found


def _add(found: dict[str, dict[str, t.Any]], targets: t.Iterable[dict[str, t.Any]]) -> None:
    for target in targets:
        before = found.get(target["name"], {}).get("answered_by", {})
        answerers = collections.Counter(before) + collections.Counter(target["answered_by"])
        found[target["name"]] = {**target, "answered_by": dict(answerers)}


def _lacks(found: t.Mapping[str, t.Mapping[str, t.Any]], until: t.Mapping[str, t.Any]) -> dict[str, str]:
    lacks = {name: lacking(target, until) for name, target in found.items()}
    return {name: lack for name, lack in lacks.items() if lack}


def _verdict(
    found: t.Mapping[str, t.Any], params: t.Mapping[str, t.Any], rounds: int, elapsed: float
) -> dict[str, t.Any]:
    verdict: dict[str, t.Any] = {"changed": False, "rounds": rounds, "elapsed": round(elapsed, 1)}
    lacks = _lacks(found, params["until"])
    if lacks and params["fail"]:
        verdict["failed"] = True
        verdict["msg"] = "\n".join(f"service {name!r}: {lack}, after {elapsed:.0f} s" for name, lack in lacks.items())
    return {**verdict, "satisfied": not lacks, "targets": list(found.values())}


class ActionModule(HostAction):
    _requires_connection = True

    def sent(self, arguments: Variables) -> Variables:
        """Without clients' keys for addresses that are not asked for."""
        return only(arguments, credentials=[target.get("address") for _name, target in named(arguments.get("targets"))])

    def act(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Rounds of the module."""
        _validation, params = self.validate_argument_spec(argument_spec=ARGUMENTS)
        wrong = faults(params)
        if wrong:
            raise AnsibleActionFail("\n".join(wrong))
        start = time.monotonic()
        found: dict[str, dict[str, t.Any]] = {}
        waiting, rounds, elapsed = list(params["targets"]), 0, 0.0
        while waiting and (not rounds or elapsed < params["wait"]):
            if rounds:
                missing = [f"{name} ({lack})" for name, lack in _lacks(found, params["until"]).items()]
                self.show_wait(task_vars, elapsed, params["wait"], missing)
                time.sleep(min(_PAUSE, params["wait"] - elapsed))
            answer = self.ask(task_vars, targets=waiting)
            if answer.get("failed"):
                return answer
            if [target["name"] for target in answer["targets"]] != [clean(name) for name in checked_targets(waiting)]:
                odd = "targets: are not those that it was asked for"
                raise self.distrusted(distrust(self.host(task_vars), "onion_probe", odd), task_vars)
            _add(found, answer["targets"])
            lacks = _lacks(found, params["until"])
            waiting = [given for given, target in zip(waiting, answer["targets"]) if target["name"] in lacks]
            rounds, elapsed = rounds + 1, time.monotonic() - start
        return _verdict(found, params, rounds, elapsed)
