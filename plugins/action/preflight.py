# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.admission import greedy
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.host_action import (
    HostAction,
    Variables,
    keyed,
    named,
    unpipelined,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.preflights import clock_offset

# an error of Python has its number in every language
NO_SPACE = re.compile(r"\[Errno 28\]|No space left on device")
NO_ROOM = "No usable temporary directory"


class ActionModule(HostAction):
    """Runs the module, measures the host's clock around it, and holds the keys it asks for against the plan."""

    def act(self, task_vars: Variables) -> Variables:
        """The module's report, with the clock's offset; a disk too full to run a module is a fault like others.

        :raises AnsibleConnectionFailure: the host asks for a key that the plan does not give it.
        """
        before = time.time()
        result = self.ask(task_vars)
        after = time.time()
        full = _full(result) if result.get("failed") else ""
        if full:
            return {"changed": False, "faults": [full], "hints": [], "missing_keys": [], "tor": None, "there": None}
        if "clock" in result:
            result["clock"] = clock_offset(before, result["clock"]["now"], after)
        strange = set(result.get("missing_keys", [])) - self._planned()
        if strange:
            raise self.distrusted(greedy(self.host(task_vars), sorted(strange)), task_vars)
        barred = unpipelined(self._connection)
        if barred and not result.get("failed") and self._gets_secrets(result["missing_keys"], task_vars):
            result["faults"].append(f"secrets would be written into a temporary file on the host; {barred}")
        return result

    def _gets_secrets(self, missing_keys: t.Sequence[str], task_vars: Variables) -> bool:
        """Whether a deployment sends this host keys, its daemons' passwords, or clients' keys to ask services with."""
        daemons = [daemon for _name, daemon in named(self._task.args.get("daemons"))]
        addresses = {service.get("address") for daemon in daemons for _name, service in named(daemon.get("services"))}
        credentials = task_vars.get("onion_client_credentials") or {}
        asks = (
            any(daemon.get("socks") for daemon in daemons)
            or not isinstance(credentials, t.Mapping)
            or addresses & {*credentials}
        )
        return bool(missing_keys or (daemons and task_vars.get("onion_option_secrets")) or (credentials and asks))

    def _planned(self) -> set[str]:
        """Services whose key the plan gives this host."""
        publisher = self._task.args.get("publisher") or {}
        return {*keyed(self._task.args.get("daemons")), *(name for name, _service in named(publisher.get("services")))}


def _full(result: Variables) -> str:
    """The fault of a host on which no module runs for want of room; empty where that is not why."""
    texts = [str(value) for value in result.values()]
    if any(NO_SPACE.search(text) for text in texts):
        return "disk: it is so full that nothing runs on this host; make room"
    return (
        "disk: no folder takes a temporary file; make room, and see that /tmp can be written to"
        if any(NO_ROOM in text for text in texts)
        else ""
    )
