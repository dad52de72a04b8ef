# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backends are alive, by what probes found. Pure: times are given, in seconds of one monotonic clock.

    Health      what probes found of one backend
    judge       who is to leave and who comes back, and whether our own Tor is to blame
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

FLAPPING_SECONDS = 1800.0  # a backend that was lost this often within that time must answer as often before it is back
FLAPPING_ANSWERS = 5  # at most


@dataclasses.dataclass
class Health:
    """One backend. `state` is "unknown" until a probe decides, then "up" or "down"."""

    state: str = "unknown"
    since: float = 0.0  # when `state` began
    failures: int = 0  # in a row
    failing_since: float = 0.0  # when the first of these probes was sent
    last_failed: float = float("-inf")  # when the last probe without an answer was sent
    answers: int = 0  # in a row
    last_answer: float | None = None  # when
    last_fresh: float | None = None  # when last on a new circuit, which needs introductions and a rendezvous
    took: float | None = None  # seconds that the last answer took
    lost: list[float] = dataclasses.field(default_factory=list)  # when it was evicted

    def answered(self, now: float, took: float, *, fresh: bool) -> None:
        self.failures, self.answers, self.last_answer, self.took = 0, self.answers + 1, now, took
        if fresh:
            self.last_fresh = now

    def failed(self, asked: float) -> None:
        """No answer to a probe that was sent at `asked`."""
        if not self.failures:
            self.failing_since = asked
        self.last_failed = max(asked, self.last_failed)
        self.failures, self.answers = self.failures + 1, 0

    def forget(self) -> None:
        """What was found while our own Tor was away says nothing."""
        self.failures = 0

    def move(self, state: str, now: float) -> None:
        self.state, self.since = state, now
        if state == "down":
            self.lost = [*(at for at in self.lost if at > now - FLAPPING_SECONDS), now]

    def answers_needed(self, now: float) -> int:
        """Answers in a row that bring it back: one, and more while it comes and goes."""
        return max(1, min(FLAPPING_ANSWERS, sum(at > now - FLAPPING_SECONDS for at in self.lost)))


@dataclasses.dataclass(frozen=True)
class Verdict:
    down: tuple[str, ...] = ()  # to be evicted
    up: tuple[str, ...] = ()  # answered for the first time, or again
    suspended: bool = False  # our own Tor is suspected: nobody is evicted
    proof_wanted: bool = False  # an answer on a new circuit would tell whether our own Tor works
    recovered: bool = False  # it works again: what failed while it did not says nothing


def judge(
    backends: Mapping[str, Health], *, failures: int, own_tor: bool, now: float, ignored: frozenset[str] = frozenset()
) -> Verdict:
    """Compare all backends with each other.

    A backend goes down after `failures` probes in a row without an answer, if there is a witness that our own Tor
    works: another backend that has answered since the first of them was sent, and has not failed itself since then.
    Where more than half of those that were not down fail at once, the witness must have answered over a new circuit;
    where all of them fail, nobody goes; nor while `own_tor` is false. Where others answer again that had failed too, it
    was our own Tor, and everybody is asked anew. `ignored` (drained backends) do not count as failing.
    """
    up = tuple(key for key, one in backends.items() if one.state != "up" and one.answers >= one.answers_needed(now))
    watched = [one for key, one in backends.items() if one.state != "down" and key not in ignored]
    failing = [one for one in watched if one.failures]
    overdue = {key: one for key, one in backends.items() if one.state != "down" and one.failures >= failures}
    most = len(failing) * 2 > len(watched)
    if not overdue or not own_tor or len(failing) == len(watched):
        return Verdict(up=up, suspended=not own_tor or (bool(overdue) and most))
    first, last = (edge(one.failing_since for one in overdue.values()) for edge in (min, max))
    answered = [
        one
        for one in backends.values()
        if not one.failures and _since(one.last_fresh if most else one.last_answer, last)
    ]
    if any(one.last_failed < first for one in answered):
        return Verdict(down=tuple(overdue), up=up)
    if any(_since(one.last_fresh, last) for one in answered):
        return Verdict(up=up, recovered=True)
    return Verdict(up=up, suspended=most, proof_wanted=True)


def _since(at: float | None, then: float) -> bool:
    return at is not None and at > then
