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
import math
import re
from collections.abc import Iterable, Mapping, Sequence

MAX_POINTS = 20  # clients refuse a descriptor with more (tor: HS_CONFIG_V3_MAX_INTRO_POINTS)

EVEN = 0.97  # Jain's fairness index of the backends' shares, at least


@dataclasses.dataclass(frozen=True)
class Point:
    """An introduction point: `identity` is its authentication key, `relay` tells the relay that it is on."""

    identity: str
    relay: str


@dataclasses.dataclass(frozen=True)
class Backend:
    """What is known of one backend."""

    address: str
    state: str  # "up", "down", "unknown"
    failures: int = 0  # probes without an answer, in a row
    drained: bool = False
    points: tuple[Point, ...] = ()  # its introduction points

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


def spread(
    points: Mapping[str, Sequence[Point]], previous: Mapping[str, Sequence[str]], *, limit: int, turn: int = 0
) -> dict[str, tuple[str, ...]]:
    """Introduction points for a descriptor: {address: identities}, at most `limit` in all.

    Every listed backend gets the same number, or nearly, as far as it has that many, because clients choose among
    points and not among backends; and no relay is listed twice, because a client takes the first point on a relay for
    all of them (tor: find_desc_intro_point_by_legacy_id). What is in `previous` and still exists stays. Where more
    backends exist than fit, `turn` (a count that goes up with time) says whose turn it is; after a full circle each has
    been listed equally often. The order depends on the addresses alone, so that several publishers agree.
    """
    options = {address: _by_relay(points[address], previous.get(address, ())) for address in points if points[address]}
    order = sorted(options, key=_rank)
    listed = _fitting(order, options, limit)
    if len(listed) < len(order):
        circle = len(order) // math.gcd(len(order), len(listed))
        start = (turn * len(listed) + turn // circle) % len(order)
        listed = _fitting(order[start:] + order[:start], options, limit)
    for share in range(limit // max(1, len(listed)), 0, -1):
        taken = _assign(listed, options, share)
        if (
            _evenness([list(taken.values()).count(address) / min(share, len(options[address])) for address in listed])
            >= EVEN
        ):
            chosen = {
                address: tuple(identity for relay, identity in options[address].items() if taken.get(relay) == address)
                for address in listed
            }
            return dict(previous) if _does_as_well(previous, chosen, options, limit) else chosen
    return {}


def _does_as_well(
    previous: Mapping[str, Sequence[str]],
    chosen: Mapping[str, Sequence[str]],
    options: Mapping[str, Mapping[str, str]],
    limit: int,
) -> bool:
    """Is what was listed still there, and less than a point per backend behind? A new descriptor costs uploads."""
    if previous.keys() != chosen.keys() or not all(previous.values()):
        return False
    still = all(
        identity in options[address].values() for address, identities in previous.items() for identity in identities
    )
    before, after = sum(map(len, previous.values())), sum(map(len, chosen.values()))
    return still and before <= limit and after - before < len(chosen)


def _by_relay(points: Sequence[Point], previous: Sequence[str]) -> dict[str, str]:
    """Identity by relay, those in `previous` first."""
    before = {identity: index for index, identity in enumerate(previous)}
    found: dict[str, str] = {}
    for point in sorted(points, key=lambda one: (before.get(one.identity, len(before)), _rank(one.identity))):
        found.setdefault(point.relay, point.identity)
    return found


def _fitting(order: Sequence[str], options: Mapping[str, Mapping[str, str]], limit: int) -> list[str]:
    """As many backends as can be listed on a relay each, the first in `order` before others."""
    taken: dict[str, str] = {}
    return [address for address in order if len(taken) < limit and _add(address, options, taken, set())]


def _assign(listed: Sequence[str], options: Mapping[str, Mapping[str, str]], share: int) -> dict[str, str]:
    """Address by relay, such that each backend has `share` relays, or all of its own, as far as there are enough."""
    taken: dict[str, str] = {}
    for address in listed:
        for relay in list(options[address])[:share]:
            taken.setdefault(relay, address)
    for address in listed:
        for _index in range(min(share, len(options[address])) - list(taken.values()).count(address)):
            _add(address, options, taken, set())
    return taken


def _evenness(shares: Sequence[float]) -> float:
    """Jain's fairness index: 1 where all are equal."""
    return sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares))


def _add(address: str, options: Mapping[str, Mapping[str, str]], taken: dict[str, str], seen: set[str]) -> bool:
    """Give a backend one more relay; others move where that helps (an augmenting path of bipartite matching)."""
    for relay in options[address]:
        if relay not in taken:
            taken[relay] = address
            return True
    for relay in options[address]:
        if relay not in seen:
            seen.add(relay)
            if taken[relay] != address and _add(taken[relay], options, taken, seen):
                taken[relay] = address
                return True
    return False


def _rank(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def turn(now: float, interval: float, offset: float = 0.0) -> int:
    """The present turn's number: the same on all publishers with synchronized clocks, up to their `offset`, seconds."""
    return int((now - offset) // interval)


def common_flow_control(offers: Sequence[str | None]) -> str | None:
    """The value of `flow-control` that all backends offer ("1-2 31"), or None (tor's proposal 324, section 9.3).

    Versions are ranges, of which the common part counts; the second number must be the same everywhere.
    """
    parsed = [_flow_control(offer) for offer in offers]
    found = [offer for offer in parsed if offer]
    if not found or len(found) != len(parsed) or len({increment for _first, _second, increment in found}) > 1:
        return None
    low, high = max(low for low, _first, _second in found), min(high for _third, high, _fourth in found)
    if low > high:
        return None
    return "%s %d" % (low if low == high else f"{low}-{high}", found[0][2])


def _flow_control(offer: str | None) -> tuple[int, int, int] | None:
    found = re.fullmatch(r"([0-9]{1,3})(?:-([0-9]{1,3}))? ([0-9]{1,3})", offer or "")
    return (int(found[1]), int(found[2] or found[1]), int(found[3])) if found else None
