# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.onionfleet.balance.plugins.filter.leavers import FilterModule
from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.leavers import find_leavers


def test_the_filter_is_the_function_of_the_utils():
    assert FilterModule().filters() == {"leavers": find_leavers}
