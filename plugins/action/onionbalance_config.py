# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.host_action import (
    HostAction,
    Variables,
    named,
    only,
)


class ActionModule(HostAction):
    """Sends a publisher the keys of what it publishes, and of nothing else."""

    def sent(self, arguments: Variables) -> Variables:
        """Without keys of services that are not among those to publish."""
        return only(arguments, secrets=[name for name, _service in named(arguments.get("services"))])
