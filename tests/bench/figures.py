# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures out of measurements. Pure.

    jain            how evenly shares are spread
    upper_bound     what a share of failures is at most
    percentile      of a list of numbers
    table           Markdown
    Series          what HSDirs held over time: when did a backend leave, or join?
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

Z = 1.96  # of a normal distribution, 95 % lie within


def jain(shares: Sequence[float]) -> float:
    """Jain's fairness index: 1 where all have the same, 1/n where one has all (Jain, Chiu, Hawe 1984)."""
    return sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares))


def upper_bound(failed: int, requests: int) -> float:
    """What the probability of a failure is at most, with 95 % confidence: rule of three, or Wilson's interval."""
    if not requests:
        return 1.0
    if not failed:
        return min(1.0, 3 / requests)
    share, weight = failed / requests, Z * Z / requests
    return (share + weight / 2 + Z * math.sqrt(share * (1 - share) / requests + weight / (4 * requests))) / (1 + weight)


def percentile(numbers: Sequence[float], share: float) -> float:
    """The smallest number that at least this share of all does not exceed; 0.5 is the median of an odd count."""
    return sorted(numbers)[max(0, math.ceil(share * len(numbers)) - 1)]


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [list(header), ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


@dataclasses.dataclass
class Series:
    """Looks at the HSDirs: when, on how many of how many the backend was listed."""

    looks: list[tuple[float, int, int]] = dataclasses.field(default_factory=list)

    def add(self, at: float, listed: int, responsible: int) -> None:
        self.looks.append((at, listed, responsible))

    def left(self, since: float) -> float | None:
        """Seconds after `since` when more than half of the HSDirs did not list it any more, and stayed so."""
        return self._settled(since, lambda listed, responsible: 2 * (responsible - listed) > responsible)

    def gone(self, since: float) -> float | None:
        """The same of all HSDirs."""
        return self._settled(since, lambda listed, _responsible: not listed)

    def joined(self, since: float) -> float | None:
        """The same of more than half of them listing it."""
        return self._settled(since, lambda listed, responsible: 2 * listed > responsible)

    def everywhere(self, since: float) -> float | None:
        """The same of all of them."""
        return self._settled(since, lambda listed, responsible: listed == responsible)

    def _settled(self, since: float, holds: Callable[[int, int], bool]) -> float | None:
        found = None
        for at, listed, responsible in self.looks:
            if at >= since:
                found = (found if found is not None else at) if holds(listed, responsible) else None
        return None if found is None else found - since
