# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the publisher knows of its services and backends while it runs. No input or output.

    Clock           both clocks of one moment
    BackendState    one backend: probes, its descriptor, when it is asked next
    ServiceState    one service: what its descriptors are to list, and where they are
    merge           a new configuration, with what is known of services and backends that it keeps
"""

from __future__ import annotations

import dataclasses
import datetime
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from onionfleet_publisher import choice, settings
from onionfleet_publisher.choice import Backend
from onionfleet_publisher.health import Health
from onionfleet_publisher.received import relay_of
from onionfleet_publisher.uploads import LIFETIME, Ledger, Wanted

WHICH = ("first", "second")
FIRST_WAIT = 25.0  # seconds that the first publication waits for backends that have not answered yet
LAST_WAIT = 600.0  # seconds that it waits where none does: what is on the directories may lead to somebody
LOST_AFTER = 3600.0
LOST_MISSES = 8
SETTLE_SECONDS = 3.0  # other introduction points of one backend are often followed by others of the next


@dataclasses.dataclass(frozen=True)
class Clock:
    now: float  # monotonic, seconds
    wall: float  # since the epoch, seconds

    def epoch(self, at: float | None) -> float | None:
        """A moment of the monotonic clock, since the epoch."""
        return None if at is None else round(self.wall - (self.now - at), 3)


@dataclasses.dataclass
class BackendState:
    instance: settings.Instance
    port: int | None
    health: Health = dataclasses.field(default_factory=Health)
    received: Any = None  # received.Received
    received_at: float | None = None
    next_fetch: float = 0.0
    fetched_at: float | None = None  # the last request
    turn: int = dataclasses.field(default_factory=lambda: random.randrange(8))  # which directory is asked
    misses: int = 0  # directories in a row that had no descriptor
    next_probe: float = 0.0
    probing: bool = False
    probes: int = 0
    circuit: int = 0  # which circuit a probe takes; a new number is a new circuit
    circuit_used: bool = False

    @property
    def address(self) -> str:
        return self.instance.address

    def points(self, wall: float) -> dict[str, Any]:
        """Introduction points whose certificates are still valid."""
        then = datetime.datetime.fromtimestamp(wall, datetime.timezone.utc).replace(tzinfo=None)
        known = self.received.points if self.received else {}
        return {
            key: one
            for key, one in known.items()
            if min(one.auth_key_cert.expiration, one.enc_key_cert.expiration) > then
        }

    def view(self, clock: Clock) -> Backend:
        state = self.health.state
        if self.port is None:
            old = self.received_at is not None and clock.now - self.received_at > LOST_AFTER
            state = "down" if old and self.misses >= LOST_MISSES else "unknown"
        return Backend(
            self.address, state, self.health.failures, self.instance.drained, _points(self.points(clock.wall))
        )

    @property
    def known(self) -> bool:
        """Nothing is left to wait for before it is listed, or not."""
        if self.instance.drained or self.health.state == "down":
            return True
        return self.received is not None and (self.port is None or self.health.state == "up")

    def status(self, clock: Clock, listed: Mapping[str, Iterable[str]]) -> dict[str, Any]:
        health, took = self.health, self.health.took
        return {
            "name": self.instance.name,
            "address": self.address,
            "listed": self.address in listed,
            "listed_keys": sorted(listed.get(self.address, ())),
            "state": "drained" if self.instance.drained else self.view(clock).state,
            "known": self.known,
            "answers": health.state == "up",
            "since": clock.epoch(health.since),
            "failures": health.failures,
            "answered": clock.epoch(health.last_answer),
            "last_answer_seconds": None if took is None else round(took, 3),
            "introduction_points": len(self.points(clock.wall)),
            "descriptor_received": clock.epoch(self.received_at),
        }


def _ledgers() -> dict[str, Ledger]:
    """Not all descriptors of a publisher are uploaded again at one moment."""
    return {which: Ledger(lifetime=LIFETIME * random.uniform(0.8, 1)) for which in WHICH}


def _points(points: Mapping[str, Any]) -> tuple[choice.Point, ...]:
    return tuple(choice.Point(identity, relay_of(point)) for identity, point in points.items())


@dataclasses.dataclass
class ServiceState:
    config: settings.Service
    key: Any  # Onionbalance's service, with the key
    backends: dict[str, BackendState]  # by address
    ledgers: dict[str, Ledger] = dataclasses.field(default_factory=_ledgers)
    places: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # engine.Place by "first" and "second"
    listing: choice.Listing = choice.Listing(())
    chosen: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # introduction points by backend
    flow_control: str | None = None
    turn: int = 0
    fits: int = choice.MAX_POINTS  # introduction points that make no descriptor too big
    dirty: bool = True  # something changed that may change the descriptor
    first_received: float | None = None  # when the first descriptor of a backend came
    not_before: float = 0.0
    checked: float = 0.0
    settled_at: float = 0.0  # when a change may be published

    @property
    def published(self) -> bool:
        return any(ledger.attempted is not None for ledger in self.ledgers.values())

    def may_publish(self, clock: Clock) -> bool:
        """The first publication waits until all backends are known, or for a while, and longer where none answers;
        later ones do not wait.
        """
        if self.published or all(one.known for one in self.backends.values()):
            return True
        if self.first_received is None or clock.now < self.first_received + FIRST_WAIT:
            return False
        answers = any(
            one.health.state == "up" if one.port is not None else one.view(clock).answers
            for one in self.backends.values()
        )
        return answers or clock.now >= self.first_received + LAST_WAIT

    def decide(self, clock: Clock, limits: settings.Settings, offset: float) -> choice.Listing:
        """Work out what the descriptors are to list; returns what was listed before."""
        before, backends = self.listing, {address: one.view(clock) for address, one in self.backends.items()}
        after = choice.listing(list(backends.values()), before.addresses)
        self.dirty, self.checked = False, clock.now
        if not after.addresses:
            return before
        self.listing, self.turn = after, choice.turn(clock.wall, limits.rotation_interval, offset)
        points, former = {address: backends[address].points for address in self.listing.addresses}, self.chosen
        self.chosen = choice.spread(
            points, self.chosen, limit=min(limits.introduction_points, self.fits), turn=self.turn
        )
        self.flow_control = choice.common_flow_control(
            [self.backends[address].received.flow_control for address in self.chosen]
        )
        if set(before.addresses) - set(after.addresses):
            self.settled_at = clock.now  # who is gone leaves at once
        elif former != self.chosen and clock.now >= self.settled_at:
            self.settled_at = clock.now + SETTLE_SECONDS
        return before

    def wanted(self, which: str) -> Wanted:
        identities = frozenset(one for points in self.chosen.values() for one in points)
        return Wanted((identities, self.flow_control), self.places[which].period, self.places[which].hsdirs)

    def points(self) -> list[Any]:
        """The introduction points to publish, in an order that tells nothing."""
        found = [
            self.backends[address].received.points[one] for address, points in self.chosen.items() for one in points
        ]
        random.shuffle(found)
        return found

    def status(self, clock: Clock) -> dict[str, Any]:
        listed = self.chosen if self.published else {}
        return {
            "name": self.config.name,
            "address": self.key.onion_address,
            "kept": self.listing.kept,
            "introduction_points": sum(map(len, self.chosen.values())) if self.published else 0,
            "flow_control": self.flow_control,
            "descriptors": [self._descriptor(which, clock) for which in WHICH],
            "instances": [one.status(clock, listed) for one in self.backends.values()],
        }

    def _descriptor(self, which: str, clock: Clock) -> dict[str, Any]:
        ledger, place = self.ledgers[which], self.places.get(which)
        return {
            "which": which,
            "signing_key": ledger.signing_key,
            "revision_counter": ledger.counter,
            "attempted": clock.epoch(ledger.attempted),
            "hsdirs": len(place.hsdirs) if place else 0,
            "uploaded": len(ledger.uploaded()),
            "failed": len(ledger.failed()),
            "current": bool(place and place.current),
            "period": ledger.period,
        }


def merge(
    config: settings.Config, known: Mapping[str, ServiceState], open_key: Callable[[str], Any], now: float
) -> dict[str, ServiceState]:
    """The services of `config` by name; `open_key` reads a key. Raises what that raises, and settings.ConfigFault."""
    keys = {service.name: open_key(service.key) for service in config.services}
    for service in config.services:
        if any(instance.address == keys[service.name].onion_address for instance in service.instances):
            raise settings.ConfigFault(f"{service.name}: one of its instances has the service's own address")
    return {
        service.name: _merged(service, keys[service.name], known.get(service.name), now) for service in config.services
    }


def _merged(service: settings.Service, key: Any, old: ServiceState | None, now: float) -> ServiceState:
    backends = {}
    for instance in service.instances:
        backend = (old.backends.get(instance.address) if old else None) or BackendState(
            instance, service.port, Health(since=now)
        )
        backend.instance, backend.port = instance, service.port
        backends[instance.address] = backend
    if old is None or old.key.onion_address != key.onion_address:
        return ServiceState(service, key, backends)
    old.config, old.key, old.backends, old.dirty, old.fits = service, key, backends, True, choice.MAX_POINTS
    old.chosen = {address: points for address, points in old.chosen.items() if address in backends}
    old.listing = dataclasses.replace(
        old.listing, addresses=tuple(one for one in old.listing.addresses if one in backends)
    )
    return old
