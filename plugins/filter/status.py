# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.status import (
    fleet_status,
    probe_targets,
    redacted,
)


class FilterModule:
    """The filters that verification is made of."""

    def filters(self) -> dict[str, t.Any]:
        """Name them."""
        return {"fleet_status": fleet_status, "probe_targets": probe_targets, "redacted": redacted}
