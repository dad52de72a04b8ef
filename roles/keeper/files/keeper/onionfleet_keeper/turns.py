# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is, and who goes first. Pure; nothing but the clock and the plan's list of replicas is shared.

    slot(rules, wall)               the number of the present turn
    since(rules, wall)              seconds since it began
    turn_delay(rules, slot, held)   seconds into a turn after which this replica publishes, if nobody has
    place_delay(rules, wall, holds) seconds that this replica waits before it takes over
"""

from __future__ import annotations

import functools
import hashlib

from onionfleet_keeper.model import Rules

EQUALS_STEP = 10.0
PLACE_SECONDS, ROUND_SECONDS = 4.0, 16.0  # of one replica; at most of all
WITHOUT_TURNS = 3600.0  # seconds of a slot where nobody takes turns


def slot(rules: Rules, wall: float) -> int:
    length = rules.interval or WITHOUT_TURNS
    return int((wall - _shift(rules.service, length)) // length)


def since(rules: Rules, wall: float) -> float:
    length = rules.interval or WITHOUT_TURNS
    return (wall - _shift(rules.service, length)) % length


@functools.lru_cache(maxsize=None)
def _shift(service: str, length: float) -> float:
    """Services change at different moments."""
    return int.from_bytes(hashlib.sha256(service.encode()).digest()[:4], "big") / 2**32 * length


def _rank(rules: Rules, number: int) -> int:
    return (rules.replicas.index(rules.own) - number) % len(rules.replicas)


def turn_delay(rules: Rules, number: int, held: int | None) -> float:
    """Who has not held for the longest time goes first, so that the healthy share evenly, whoever is missing.

    With all replicas there, that is a rotation in the plan's order. A replica that does not remember counts as one that
    has waited long; equals go by rank.
    """
    count = len(rules.replicas)
    waited = count if held is None else min(max(number - held, 0), count)
    step = min(EQUALS_STEP * count, rules.interval / (2 * count + 2))  # also the last one gets its turn in time
    return step * (count - waited + _rank(rules, number) / count)


def place_delay(rules: Rules, wall: float, holds: bool) -> float:
    """Each replica has a place of its own in a round of the clock that all share: they notice the same fault seconds
    apart, and would otherwise publish at the same time. Whoever holds a service that does not answer has reason to
    doubt itself, and waits for a round more.
    """
    count = len(rules.replicas)
    length = min(PLACE_SECONDS, ROUND_SECONDS / count)
    round_ = length * count
    return (rules.replicas.index(rules.own) * length - wall) % round_ + (round_ if holds else 0)
