# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the decider is told, what it remembers, what it answers. Data only.

    Rules       settings of one replica of one service; the same on all hosts but for `own`
    Probe       the last request to the service through Tor that has ended
    Look        the last reading of the HSDirs that has ended
    View        everything that is seen at one moment
    State       what is remembered from one moment to the next; an empty one is always right to begin with
    Action      what to do now, and why, in words for the log and for who asks
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Rules:
    service: str
    replicas: tuple[str, ...]  # all of them, in the plan's order
    own: str  # one of them
    interval: float = 1800.0  # seconds of a turn; 0: take-overs only
    bound: int = 6  # publications that we may order in any hour
    stands_by: bool = True  # False: it publishes by its own timers, too, because any command costs (proof of work)


@dataclasses.dataclass(frozen=True)
class Probe:
    began: float  # seconds, monotonic
    answered: bool
    why: str = ""  # it failed


@dataclasses.dataclass(frozen=True)
class Look:
    """One reading. Revision counters compare within a time period only."""

    began: float  # seconds, monotonic
    answered: bool  # at least one HSDir did: our client's Tor works
    period: int = 0
    revision: int | None = None  # the newest; None: no HSDir has a descriptor
    own: bool | None = None  # made by this daemon; None: cannot be told


@dataclasses.dataclass(frozen=True)
class View:
    now: float  # seconds, monotonic
    wall: float  # seconds since the epoch
    ready: bool  # the daemon runs and its introduction circuits are there
    publishes: bool | None  # it publishes by itself; None: nobody knows
    armed: bool  # it will publish as soon as it may
    targets: bool  # the service's targets on this host answer
    drained: bool
    uploaded: float | None = None  # when an HSDir last took a descriptor of this daemon; monotonic
    probe: Probe | None = None
    slow: float | None = None  # when a probe began that is under way for suspiciously long; monotonic
    look: Look | None = None


@dataclasses.dataclass(frozen=True)
class State:
    """Times are monotonic."""

    began: float | None = None  # first moment
    period: int = 0  # these two: the descriptor that clients get
    revision: int | None = None
    changed: float | None = None  # when it was published, as far as we saw; None: before we looked
    slot: int | None = None  # the turn in which that was
    looked: float | None = None  # begin of the last reading that was answered
    holds: bool | None = None  # None: not known yet
    held: int | None = None  # the turn in which this replica last published
    credited: float | None = None  # the upload that made it the holder
    probed: float | None = None  # begin of the last probe
    answered: float | None = None  # begin of the last probe that the service answered
    failures: int = 0  # in a row, of the descriptor that clients get
    failing: float | None = None  # since when they are enough to act
    away: float | None = None  # since when the daemon's tor says nothing
    back: float | None = None  # when it last said something again
    well: float | None = None  # when our client's Tor last did anything
    silent: float | None = None  # the same, while no HSDir answers
    trusted: float | None = None  # it answers again: when failed probes count again, at the latest
    published: tuple[float, ...] = ()  # when we ordered publications in the last hour
    futile: int = 0  # publications of ours in a row after which the service did not answer


@dataclasses.dataclass(frozen=True)
class Action:
    kind: str  # "wait", "look", "stand_by", "publish", "release" (to tor's own behaviour)
    why: str = ""
    done: str = ""  # what a publication is: TOOK_OVER, AGAIN or TURN


TOOK_OVER, AGAIN, TURN = "took over", "published again", "took its turn"


WAIT = Action("wait")
