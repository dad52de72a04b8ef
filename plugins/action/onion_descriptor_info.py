# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.host_action import (
    HostAction,
    Variables,
    listed,
    only,
)


class ActionModule(HostAction):
    """Asks about descriptors; clients' keys go along for the addresses asked for."""

    def sent(self, arguments: Variables) -> Variables:
        """A daemon's own descriptor needs the key of its service, which the daemon's name does not tell."""
        if arguments.get("addresses") is None:
            return arguments
        return only(arguments, credentials=listed(arguments["addresses"]))
