# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the service's targets on this host answer?

    answer(groups)     for each port of the service, at least one of its targets accepts a connection
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.onionfleet.balance.plugins.module_utils._host.targets import refusal


def answer(groups: Sequence[Sequence[str]]) -> bool:
    return all(any(not refusal(target) for target in group) for group in groups)
