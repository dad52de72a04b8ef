# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.host_action import HostAction, listed


class ActionModule(HostAction):
    """The module's controller side."""

    def longest(self) -> float:
        """Of all daemons, one after another."""
        return super().longest() * len(listed(self._task.args["actions"]))
