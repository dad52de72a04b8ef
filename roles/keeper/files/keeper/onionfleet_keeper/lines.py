# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon's list of services, as raw lines in tor's order (GETCONF HiddenServiceOptions). Pure.

    armed(lines)            the list that changes every descriptor: proof of work on
    configured(lines)       the list as the operator wrote it, where proof of work is off
    is_armed(lines)         is it on?

For daemons whose services have proof of work off; with it on, tor publishes at any SETCONF (docs/keeper.md).
"""

from __future__ import annotations

from collections.abc import Sequence

Lines = list[tuple[str, "str | None"]]
_SERVICE, _POW = "hiddenservicedir", "hiddenservicepowdefensesenabled"


def configured(lines: Sequence[tuple[str, str | None]]) -> Lines:
    """Without a line on proof of work, which is off by default."""
    return [(key, value) for key, value in lines if key.lower() != _POW]


def armed(lines: Sequence[tuple[str, str | None]]) -> Lines:
    found: Lines = []
    for key, value in configured(lines):
        found.append((key, value))
        if key.lower() == _SERVICE:
            found.append(("HiddenServicePoWDefensesEnabled", "1"))
    return found


def is_armed(lines: Sequence[tuple[str, str | None]]) -> bool:
    return any(key.lower() == _POW and value == "1" for key, value in lines)
