# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backends a descriptor lists, and with which introduction points. Pure: no input, no output, no clock.

    listing(backends, previous)                    the backends that belong into the descriptor
    spread(points, previous, limit, turn)          their introduction points
    common_flow_control(offers)                    what clients may be told of congestion control
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence

MAX_POINTS = 20  # clients refuse a descriptor with more (tor: HS_CONFIG_V3_MAX_INTRO_POINTS)


@dataclasses.dataclass(frozen=True)
class Backend:
    """What is known of one backend."""

    address: str
    state: str  # "up", "down", "unknown"
    failures: int = 0  # probes without an answer, in a row
    drained: bool = False
    points: tuple[str, ...] = ()  # identities of its introduction points

    @property
    def answers(self) -> bool:
        return bool(self.points) and (self.state == "up" or (self.state == "unknown" and not self.failures))


@dataclasses.dataclass(frozen=True)
class Listing:
    addresses: tuple[str, ...]
    kept: str | None = None  # why backends stay that would otherwise have left


def listing(backends: Sequence[Backend], previous: Iterable[str] = ()) -> Listing:
    """The backends to list, where `previous` are those in the descriptor now.

    A dead or drained backend leaves. A descriptor never gets empty by that: where nobody else answers, drained backends
    that do are listed, and where nobody answers at all the descriptor stays as it is.
    """
    good = _addresses(one for one in backends if one.answers and not one.drained)
    if good:
        return Listing(good)
    before = frozenset(previous)
    drained = [one for one in backends if one.answers and one.drained]
    if drained:
        left = _addresses(one for one in drained if one.address in before) or _addresses(drained)
        all_drained = all(one.drained for one in backends)
        return Listing(left, "all backends are drained" if all_drained else "only drained backends answer")
    usable = [one for one in backends if one.points]
    left = _addresses(one for one in usable if one.address in before) or _addresses(usable)
    return Listing(left, "no backend answers" if left else None)


def _addresses(backends: Iterable[Backend]) -> tuple[str, ...]:
    return tuple(one.address for one in backends)


def spread(points: Mapping[str, Sequence[str]], previous: Mapping[str, Sequence[str]], *, limit: int, turn: int = 0) -> dict[str, tuple[str, ...]]:
    """Introduction points for a descriptor: {address: identities}, at most `limit` in all.

    Every listed backend gets the same number as far as it has that many, because clients choose among points and not among
    backends. What is in `previous` and still exists stays. Where there are more backends than fit, `turn` (a count that
    goes up with time) says whose turn it is; after a full circle each has been listed equally often. The order depends on
    the addresses alone, so that several publishers agree.
    """
    order = sorted((address for address in points if points[address]), key=_rank)
    if len(order) > limit:
        start = turn * limit % len(order)
        order = (order + order)[start:start + limit]
    share = limit // len(order) if order else 0
    return {address: _stable(points[address], previous.get(address, ()), share) for address in order}


def _stable(available: Sequence[str], previous: Sequence[str], count: int) -> tuple[str, ...]:
    known = set(available)
    kept = [point for point in previous if point in known]
    new = sorted(known - set(kept), key=_rank)
    return tuple((kept + new)[:count])


def _rank(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def turn(now: float, interval: float, offset: float = 0.0) -> int:
    """The number of the present turn: the same on all publishers with synchronized clocks, up to their `offset`, seconds."""
    return int((now - offset) // interval)


def common_flow_control(offers: Sequence[str | None]) -> str | None:
    """The value of `flow-control` that all backends offer ("1-2 31"), or None (tor's proposal 324, section 9.3).

    Versions are ranges, of which the common part counts; the second number must be the same everywhere.
    """
    parsed = [_flow_control(offer) for offer in offers]
    found = [offer for offer in parsed if offer]
    if not found or len(found) != len(parsed) or len({increment for _, _, increment in found}) > 1:
        return None
    low, high = max(low for low, _, _ in found), min(high for _, high, _ in found)
    if low > high:
        return None
    return "%s %d" % (low if low == high else f"{low}-{high}", found[0][2])


def _flow_control(offer: str | None) -> tuple[int, int, int] | None:
    words = (offer or "").split(" ")
    if len(words) != 2:
        return None
    low, _, high = words[0].partition("-")
    numbers = (low, high or low, words[1])
    if not all(number.isascii() and number.isdigit() and len(number) < 4 for number in numbers):
        return None
    return int(numbers[0]), int(numbers[1]), int(numbers[2])
