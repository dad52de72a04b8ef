# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.host_action import (
    HostAction,
    Variables,
    keyed,
    named,
    only,
)


class ActionModule(HostAction):
    """Sends a host the keys of services that its daemons have the address of, and of nothing else."""

    def sent(self, arguments: Variables) -> Variables:
        """Without keys of other services; passwords in options are for hosts with a daemon."""
        daemons = arguments.get("daemons")
        return only(arguments, secrets=keyed(daemons), **({} if daemons else {"option_secrets": []}))

    def act(self, task_vars: Variables) -> Variables:
        """The result, with revision counters of services the daemon has; others would change the order of restarts."""
        answer = super().act(task_vars)
        declared = dict(named(self._task.args.get("daemons")))
        for action in answer.get("actions", []):
            own = dict(named(declared.get(action["name"], {}).get("services")))
            action["revisions"] = {name: counter for name, counter in action["revisions"].items() if name in own}
        return answer
