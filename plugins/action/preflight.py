# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

from ansible_collections.onionfleet.balance.plugins.plugin_utils._fleet import clock_offset
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate import greedy
from ansible_collections.onionfleet.balance.plugins.plugin_utils._host_action import HostAction, Variables, keyed, named

NO_SPACE = "No space left on device"


class ActionModule(HostAction):
    """Runs the module, measures the host's clock around it, and holds the keys it asks for against the plan."""

    def act(self, task_vars: Variables) -> Variables:
        """The module's report, with the clock's offset; a disk too full to run a module is a fault like others.

        :raises AnsibleConnectionFailure: the host asks for a key that the plan does not give it.
        """
        before = time.time()
        result = self.ask(task_vars)
        after = time.time()
        if result.get("failed") and any(NO_SPACE in str(value) for value in result.values()):
            fault = "disk: it is so full that nothing runs on this host; make room"
            return {"changed": False, "faults": [fault], "hints": [], "missing_keys": [], "tor": None}
        if "clock" in result:
            result["clock"] = clock_offset(before, result["clock"]["now"], after)
        strange = set(result.get("missing_keys", [])) - self._planned()
        if strange:
            raise self.distrusted(greedy(self.host(task_vars), sorted(strange)), task_vars)
        return result

    def _planned(self) -> set[str]:
        """Services whose key the plan gives this host."""
        publisher = self._task.args.get("publisher") or {}
        return {*keyed(self._task.args.get("daemons")), *(name for name, _service in named(publisher.get("services")))}
