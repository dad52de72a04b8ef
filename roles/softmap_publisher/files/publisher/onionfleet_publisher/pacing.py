# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often backends are probed and their descriptors fetched. Pure.

    probe_interval(backends, wanted, per_minute)    seconds between two probes of one backend
    next_probe(...)                                 when a backend is asked again
    next_fetch(...)                                 when its descriptor is fetched again
    Budget                                          a bound on what happens per minute
"""

from __future__ import annotations

import dataclasses

FRESH_EVERY = 6  # of so many probes one goes over a new circuit, the others over the one that exists: a few cells only
CONFIRM_SECONDS = 1.0  # a probe that failed is repeated at once
LONG_DOWN_SECONDS, LONG_DOWN_INTERVAL = 600.0, 60.0  # a backend that has been away for long is asked less often
FETCH_SECONDS = 600.0  # a backend's descriptor, in quiet times (as stock Onionbalance)
FETCH_DOWN_SECONDS = 30.0  # of a backend that is down: its return brings new introduction points
FETCH_AGAIN_SECONDS = 10.0  # not found, or a probe failed: the next directory is asked
FETCH_FIRST_SECONDS = 3.0  # never seen yet
FETCHES_PER_MINUTE = 300  # at most; in quiet times it is one for each backend in ten minutes


def probe_interval(backends: int, wanted: float, per_minute: float) -> float:
    """Seconds between two probes of one backend, such that all of them together stay below `per_minute`."""
    return max(wanted, 60.0 * backends / per_minute)


def next_probe(now: float, interval: float, *, state: str, failures: int, needed: int, since: float) -> float:
    """When a backend is probed again that has just been probed."""
    if state == "down":
        return now + (max(interval, LONG_DOWN_INTERVAL) if now - since > LONG_DOWN_SECONDS else interval)
    if 0 < failures < needed:
        return now + CONFIRM_SECONDS
    return now + interval


def next_fetch(now: float, *, state: str, failures: int, received: float | None, since: float, tries: int) -> float:
    """When to fetch a backend's descriptor again after a request at `now`; `tries` HSDirs had none since the last."""
    if state == "down":
        return now + (LONG_DOWN_INTERVAL if now - since > LONG_DOWN_SECONDS else FETCH_DOWN_SECONDS)
    if received is None and tries < 8:
        return now + FETCH_FIRST_SECONDS
    if failures or received is None:
        return now + min(FETCH_AGAIN_SECONDS * (1 + tries // 8), LONG_DOWN_INTERVAL)
    if 0 < tries < 8:
        return now + FETCH_AGAIN_SECONDS
    return now + FETCH_SECONDS


@dataclasses.dataclass
class Budget:
    """At most `per_minute` in the long run, and a sixth of that at one moment."""

    per_minute: float
    spare: float = 0.0
    at: float | None = None

    def take(self, now: float) -> bool:
        most = max(1.0, self.per_minute / 6)
        passed = 0.0 if self.at is None else max(0.0, now - self.at)
        self.spare = most if self.at is None else min(most, self.spare + passed * self.per_minute / 60)
        self.at = now
        if self.spare < 1:
            return False
        self.spare -= 1
        return True
