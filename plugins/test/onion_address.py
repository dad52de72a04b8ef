# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import is_address


class TestModule:
    """The test about addresses of onion services."""

    def tests(self) -> dict[str, t.Callable[[t.Any], bool]]:
        """Name to test."""
        return {"onion_address": is_address}
