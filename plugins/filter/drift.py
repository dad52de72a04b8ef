# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.drift import (
    host_drift,
    left_behind,
    with_drift,
)


class FilterModule:
    """The filters by which verification finds what somebody changed by hand."""

    def filters(self) -> dict[str, t.Any]:
        """Name them."""
        return {"host_drift": host_drift, "left_behind": left_behind, "with_drift": with_drift}
