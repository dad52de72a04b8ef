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
    """Sends a keeper the clients' keys of restricted services that it keeps, and of nothing else."""

    def sent(self, arguments: Variables) -> Variables:
        """Without keys of clients of other services."""
        services = (arguments.get("config") or {}).get("services")
        restricted = [service.get("address") for _name, service in named(services) if service.get("restricted")]
        return only(arguments, credentials=restricted)
