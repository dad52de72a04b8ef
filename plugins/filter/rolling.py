# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.handover import (
    concerned,
    handover,
    left_out,
    still_held,
    taken_away,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.publish_now import publish_now
from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.rolling import roll_batches, worse


class FilterModule:
    """The filters that say who publishes while something is done to others."""

    def filters(self) -> dict[str, t.Any]:
        """Name them."""
        return {
            "concerned": concerned,
            "handover": handover,
            "left_out": left_out,
            "publish_now": publish_now,
            "roll_batches": roll_batches,
            "still_held": still_held,
            "taken_away": taken_away,
            "worse": worse,
        }
