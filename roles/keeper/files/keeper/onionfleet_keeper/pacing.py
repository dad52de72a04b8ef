# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often what is asked. Pure.

    probe_due(interval, now, began, doubt, under_way)     is it time for the next probe?
    slow(now, begins)                                     the first probe under way that should have ended
"""

from __future__ import annotations

from collections.abc import Iterable

CONFIRM_SECONDS = 5.0  # until a probe that is slow, or one that failed, is followed by another
AT_ONCE = 3  # probes under way
TARGETS_SECONDS = 5.0  # between two checks of the own targets


def probe_due(interval: float, now: float, began: float | None, *, doubt: bool, under_way: int) -> bool:
    """`began` is when the last probe did; `doubt`: the last one that ended failed.

    A probe of a host that hangs takes all its time, so the next one does not wait for its end.
    """
    if began is None:
        return under_way == 0
    return under_way < AT_ONCE and now - began >= (min(CONFIRM_SECONDS, interval) if doubt or under_way else interval)


def slow(now: float, begins: Iterable[float]) -> float | None:
    """`begins` are those of the probes under way."""
    return min((began for began in begins if now - began >= CONFIRM_SECONDS), default=None)
