# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A day of a hardmap with keepers, faults included, in a fraction of a second.

    Fault       something that happens to one replica
    World       replicas, HSDirs and what the decider of each sees; run() plays it
    Report      who held for how long, how long a dead one did, who published how often
    random_day  faults by a seed

Times that operations take are those of docs/keeper.md (private network) stretched to what the Tor network takes, about
tenfold; tor's own timers are those of its source.
"""

from __future__ import annotations

import collections
import dataclasses
import random

from onionfleet_keeper import pacing, turns
from onionfleet_keeper.decider import decide
from onionfleet_keeper.model import Look, Probe, Rules, State, View

DAY = 86400.0
PROBE_INTERVAL, PROBE_TIMEOUT = 10.0, 15.0
ANSWER_SECONDS = (0.3, 6.0)  # a probe that succeeds
REFUSED_SECONDS = (0.2, 3.0)  # targets down
FAILED_SECONDS = (1.6, 8.0)  # tor down: introduction fails
LOOK_SECONDS, LOOK_TIMEOUT = (0.3, 5.0), 10.0
UPLOAD_SECONDS = (0.3, 2.0)  # from the command until the HSDirs have it
START_SECONDS = (10.0, 30.0)  # from tor's start until its introduction points are there
OWN_TIMER_SECONDS = (3600.0, 7200.0)
CIRCUITS_LAST = 60.0  # seconds that introduction circuits live on a cut link
LIMPS_LONGEST = 120.0  # after a cut, connections are dead for up to as long again: until TCP has tried
CONVALESCENCE = 30.0  # seconds after that in which a replica has to find out
CALM_SECONDS = 240.0

KINDS = ("kill", "cut", "pause", "targets", "tor", "restart", "keeper", "clock", "hup", "drain")


@dataclasses.dataclass(frozen=True)
class Fault:
    """`kind` of KINDS befalls `replica` (a number) from `at` for `seconds`; "restart" (of tor), "keeper" and "hup" are
    momentary, "clock" sets it off by `seconds`."""

    at: float
    replica: int
    kind: str
    seconds: float


@dataclasses.dataclass
class Report:
    held: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # seconds by replica
    fair: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # of the healthy, share alike
    orders: list[list[float]] = dataclasses.field(
        default_factory=list
    )  # publications that deciders ordered, by replica
    published: list[tuple[float, int]] = dataclasses.field(default_factory=list)  # all, tor's own too
    outages: list[tuple[float, float]] = dataclasses.field(
        default_factory=list
    )  # end, seconds that a healthy one watched a dead one hold

    def worst_outage(self) -> float:
        return max((seconds for _at, seconds in self.outages), default=0.0)

    def busiest_hour(self) -> int:
        return max(
            (sum(at - 3600 < other <= at for other in orders) for orders in self.orders for at in orders), default=0
        )


class Replica:
    def __init__(self, number: int, rules: Rules) -> None:
        self.number, self.rules = number, rules
        self.down: collections.Counter = collections.Counter()  # kinds of faults that last
        self.points = 0  # the generation of its introduction points
        self.ready_at = 0.0
        self.publishes, self.armed, self.own_timer = True, False, 0.0
        self.uploaded: float | None = None
        self.pending: list[tuple[float, str, object]] = []
        self.clock = 0.0
        self.cut_at = self.limps_until = self.well_at = 0.0
        self.forget()

    def forget(self) -> None:
        self.state, self.look, self.probe, self.probed = State(), None, None, None
        self.pending = [one for one in self.pending if one[1] == "upload"]

    def serves(self, now: float) -> bool:
        return now >= max(self.ready_at, self.limps_until) and not any(
            self.down[kind] for kind in ("kill", "cut", "pause", "targets", "tor")
        )

    def healthy(self, now: float) -> bool:
        return now >= self.well_at and self.serves(now) and not self.down["drain"]

    @property
    def connected(self) -> bool:
        return not self.down["cut"]

    @property
    def thinks(self) -> bool:
        return not (self.down["kill"] or self.down["pause"])


class World:
    """`seed` gives all delays, `lossy` the share of probes that fail for no reason; `pow`: proof of work for good."""

    def __init__(
        self,
        replicas: int,
        faults: list[Fault],
        *,
        seed: int = 0,
        interval: float = 1800.0,
        bound: int = 6,
        lossy: float = 0.002,
        pow: bool = False,
    ):
        names = tuple(f"web{number + 1}" for number in range(replicas))
        self.random, self.lossy, self.wall = random.Random(seed), lossy, 1_790_000_000.0 + seed * 977.0
        self.replicas = [
            Replica(number, Rules("newsroom", names, name, 0.0 if pow else interval, bound, not pow))
            for number, name in enumerate(names)
        ]
        self.faults = sorted(((fault.at, True, fault) for fault in faults), key=lambda one: one[0])
        self.faults += [
            (fault.at + fault.seconds, False, fault)
            for fault in faults
            if fault.kind not in ("restart", "keeper", "hup", "clock")
        ]
        self.faults.sort(key=lambda one: (one[0], one[1]))
        self.now, self.revision, self.holder, self.points = 0.0, 0, 0, 0
        self.report = Report(orders=[[] for _other in names])
        self.healthy_since: list[float | None] = [0.0] * replicas
        self.dead_since: float | None = None
        for one in self.replicas:
            self._start(one, stagger=one.number * 5.0)

    def run(self, seconds: float = DAY) -> Report:
        while self.now < seconds:
            self._faults()
            for one in self.replicas:
                self._tor(one)
                if one.thinks:
                    self._keeper(one)
                else:
                    one.pending = [entry for entry in one.pending if entry[1] == "upload"]
            pause = self._pause()
            self._step(min(pause, seconds - self.now))
            if pause > 1.0:
                self._answer_all()
        return self.report

    # --- the network ---

    def answers(self) -> bool:
        one = self.replicas[self.holder]
        return one.serves(self.now) and one.points == self.points

    def _between(self, span: tuple[float, float]) -> float:
        return self.random.uniform(*span)

    def _start(self, one: Replica, stagger: float = 0.0) -> None:
        one.points += 1
        one.publishes, one.armed, one.uploaded = True, False, None
        one.ready_at = one.own_timer = self.now + stagger + self._between(START_SECONDS)

    def _tor(self, one: Replica) -> None:
        """What tor does without being told."""
        if one.down["kill"] or one.down["tor"] or one.down["pause"] or not one.connected or self.now < one.ready_at:
            return
        if self.now >= one.own_timer:
            self._upload(one)
        for entry in [entry for entry in one.pending if entry[1] == "upload" and entry[0] <= self.now]:
            one.pending.remove(entry)
            self.revision, self.holder, self.points, one.uploaded = self.revision + 1, one.number, one.points, self.now
            self.report.published.append((self.now, one.number))

    def _upload(self, one: Replica) -> None:
        one.own_timer = self.now + self._between(OWN_TIMER_SECONDS)
        if one.publishes:
            one.pending.append((self.now + self._between(UPLOAD_SECONDS), "upload", None))

    def _faults(self) -> None:
        while self.faults and self.faults[0][0] <= self.now:
            _at, begins, fault = self.faults.pop(0)
            one = self.replicas[fault.replica % len(self.replicas)]
            if fault.kind == "clock":
                one.clock += fault.seconds
            elif fault.kind == "keeper":
                one.forget()
            elif fault.kind == "hup":
                armed, one.publishes, one.armed = one.armed, True, False
                if armed:
                    self._upload(one)
            elif fault.kind == "restart":
                self._start(one)
            else:
                self._lasting(one, fault.kind, begins)

    def _lasting(self, one: Replica, kind: str, begins: bool) -> None:
        one.down[kind] += 1 if begins else -1
        if kind == "cut" and begins:
            one.cut_at = self.now
        elif kind == "cut" and one.connected:
            limps = min(self.now - one.cut_at, LIMPS_LONGEST)
            one.limps_until, one.well_at = self.now + self.random.uniform(0.0, limps), self.now + limps + CONVALESCENCE
        lost = kind in ("kill", "tor") or (kind == "cut" and self.now - one.cut_at > CIRCUITS_LAST)
        if not begins and not one.down[kind] and lost:
            if kind == "cut":  # other introduction points, the same settings
                one.points += 1
                one.ready_at = self.now + self._between(START_SECONDS)
                one.own_timer = one.ready_at
            else:
                self._start(one)
            if kind == "kill":
                one.forget()

    # --- a keeper ---

    def _keeper(self, one: Replica) -> None:
        ended = [entry for entry in one.pending if entry[1] != "upload" and entry[0] <= self.now]
        one.pending = [entry for entry in one.pending if entry not in ended]
        for _at, kind, value in sorted(ended, key=lambda entry: entry[0]) or [(0.0, "", None)]:
            if kind == "probe":
                one.probe = value
            elif kind == "look":
                one.look = value
            self._decide(one)
        under_way = sum(entry[1] == "probe" for entry in one.pending)
        doubt = one.probe is not None and not one.probe.answered
        if pacing.probe_due(PROBE_INTERVAL, self.now, one.probed, doubt=doubt, under_way=under_way):
            self._ask(one)

    def _decide(self, one: Replica) -> None:
        running = not one.down["tor"]
        view = View(
            now=self.now,
            wall=self.wall + self.now + one.clock,
            ready=running and self.now >= one.ready_at,
            publishes=one.publishes if running else None,
            armed=one.armed,
            targets=not one.down["targets"],
            drained=bool(one.down["drain"]),
            uploaded=one.uploaded,
            probe=one.probe,
            look=one.look,
            slow=pacing.slow(self.now, [value.began for _at, kind, value in one.pending if kind == "probe"]),
        )
        one.state, action = decide(one.rules, one.state, view)
        if action.kind == "stand_by":
            one.publishes, one.armed = False, True
        elif action.kind == "publish":
            one.publishes, one.armed = True, False
            self.report.orders[one.number].append(self.now)
            if one.connected:
                self._upload(one)
        elif action.kind == "release":
            one.publishes, one.armed = True, False
        elif action.kind == "look" and not any(entry[1] == "look" for entry in one.pending):
            self._read(one)

    def _ask(self, one: Replica) -> None:
        one.probed = self.now
        holder = self.replicas[self.holder]
        if self.answers() and one.connected and self.now >= one.limps_until and self.random.random() >= self.lossy:
            result, seconds = True, self._between(ANSWER_SECONDS)
        elif (
            not one.connected
            or self.now < one.limps_until
            or not holder.connected
            or holder.down["pause"]
            or holder.down["kill"]
        ):
            result, seconds = False, PROBE_TIMEOUT
        else:
            result, seconds = False, self._between(REFUSED_SECONDS if holder.down["targets"] else FAILED_SECONDS)
        one.pending.append((self.now + seconds, "probe", Probe(self.now, result)))

    def _read(self, one: Replica) -> None:
        """What it reads is what the HSDirs hold when it begins."""
        if one.connected:
            own = self.holder == one.number and one.points == self.points
            known = own or (None if one.uploaded is None else False) if (self.wall + self.now) % DAY < DAY / 2 else None
            look = Look(self.now, True, 1, self.revision, known)
            one.pending.append((self.now + self._between(LOOK_SECONDS), "look", look))
        else:
            one.pending.append((self.now + LOOK_TIMEOUT, "look", Look(self.now, False)))

    # --- time ---

    def _answer_all(self) -> None:
        """What each would have heard in a calm that was skipped."""
        for one in self.replicas:
            if one.thinks and one.connected:
                one.pending = [entry for entry in one.pending if entry[1] != "probe"]
                one.probe, one.probed = Probe(self.now - 1.0, True), self.now - 1.0
            elif one.thinks:
                one.pending = [entry for entry in one.pending if entry[1] == "upload"]
                one.look = Look(self.now - 1.0, False)
                self._decide(one)

    def _pause(self) -> float:
        """A second, or longer where nothing is going to happen."""
        if not self._calm():
            return 1.0
        boundaries = [self._next_turn(one) for one in self.replicas if one.thinks and one.connected]
        coming = [self.faults[0][0]] if self.faults else []
        coming += [
            one.own_timer
            for one in self.replicas
            if one.publishes and one.thinks and one.connected and not one.down["tor"]
        ]
        return max(1.0, min([CALM_SECONDS, *boundaries, *(at - self.now for at in coming)]))

    def _next_turn(self, one: Replica) -> float:
        """Seconds until its decider might want a turn."""
        wall = self.wall + self.now + one.clock
        number, since = turns.slot(one.rules, wall), turns.since(one.rules, wall)
        if one.rules.interval and one.state.slot is not None and one.state.slot < number:
            return turns.turn_delay(one.rules, number, one.state.held) - since
        return (one.rules.interval or turns.WITHOUT_TURNS) - since

    def _calm(self) -> bool:
        thinking = [one for one in self.replicas if one.thinks and one.connected]
        return self.answers() and all(self._settled(one) and self.now >= one.limps_until for one in thinking)

    def _settled(self, one: Replica) -> bool:
        """It knows what there is to know, its tor is as it wants it, and nothing is under way but probes."""
        publishes = bool(one.state.holds) or not one.rules.stands_by
        return (
            one.state.revision == self.revision
            and not one.state.failures
            and self.now >= one.ready_at
            and one.publishes == publishes
            and not any(entry[1] != "probe" for entry in one.pending)
        )

    def _step(self, seconds: float) -> None:
        answers = self.answers()
        healthy = [one for one in self.replicas if one.healthy(self.now)]
        for one in self.replicas:
            since = self.healthy_since[one.number]
            self.healthy_since[one.number] = (
                (self.now if since is None else since) if one in healthy and one.connected else None
            )
        self.report.held[self.holder] += seconds
        for one in healthy:
            self.report.fair[one.number] += seconds / len(healthy)
        self._outage(answers)
        self.now += seconds

    def _outage(self, answers: bool) -> None:
        """How long has one healthy replica watched this dead one hold?"""
        if answers or self.dead_since is None:
            self.dead_since = None if answers else self.now
            self.dead_revision = self.revision
            return
        if self.dead_revision != self.revision:
            self.dead_since, self.dead_revision = self.now, self.revision
        watched = [self.now - max(self.dead_since, since) for since in self.healthy_since if since is not None]
        if watched and (
            not self.report.outages
            or self.report.outages[-1][0] != self.dead_since
            or max(watched) > self.report.outages[-1][1]
        ):
            if self.report.outages and self.report.outages[-1][0] == self.dead_since:
                self.report.outages.pop()
            self.report.outages.append((self.dead_since, max(watched)))


def random_day(seed: int, replicas: int, count: int = 12) -> list[Fault]:
    """Faults of a bad day."""
    chance = random.Random(seed)
    faults = []
    for _index in range(chance.randint(0, count)):
        kind = chance.choice(KINDS)
        seconds = chance.choice((20.0, 120.0, 900.0, 7200.0)) * chance.uniform(0.5, 1.5)
        if kind == "clock":
            seconds = chance.uniform(-5.0, 5.0)
        faults.append(Fault(chance.uniform(600.0, DAY), chance.randrange(replicas), kind, seconds))
    return faults
