# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the backends: probes them, fetches their descriptors, and moves them up and down."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import stem

from onionfleet_publisher import pacing
from onionfleet_publisher.context import Context, log
from onionfleet_publisher.health import Health, judge
from onionfleet_publisher.probe import Answer, ask
from onionfleet_publisher.received import Rejected
from onionfleet_publisher.state import BackendState, ServiceState
from onionfleet_publisher.tor import Event

OWN_TOR_SECONDS = 10.0  # how often our tor is asked whether it builds circuits
AT_ONCE = 50  # probes under way
FIRST_DESCRIPTOR_SECONDS = 10.0  # a probe waits so long for the first descriptor, or tor would fetch it twice


class Watch:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._probes: set[asyncio.Task[None]] = set()
        self._fetches = pacing.Budget(pacing.FETCHES_PER_MINUTE)
        self._questions = pacing.Budget(context.config.settings.probes_per_minute)
        self._asked_own_tor = 0.0
        self._since = 0.0
        self._trouble = ""  # what was said of probes that were not possible
        self._complained: dict[str, str] = {}  # what was said of rejected descriptors

    # --- our own tor ---

    def restarted(self) -> None:
        """Tor is there, for the first time or again: what failed in between says nothing."""
        self._since, self._asked_own_tor = self._context.clock().now, 0.0
        for service, backend in self._context.backends():
            backend.health.forget()
            backend.next_fetch = backend.next_probe = 0.0
            backend.circuit += 1
            service.dirty = True

    async def check_own_tor(self) -> None:
        context, now = self._context, self._context.clock().now
        doubts = any(backend.health.failures for _other, backend in context.backends())
        if context.tor and now - self._asked_own_tor >= (OWN_TOR_SECONDS if not doubts and context.own_tor else 2.0):
            self._asked_own_tor, before = now, context.own_tor
            context.own_tor = await context.tor.call(context.engine.own_tor)
            if context.own_tor and not before:
                self._ask_anew()

    def _ask_anew(self) -> None:
        """Our own Tor works again: what failed while it did not says nothing."""
        now = self._context.clock().now
        for service, backend in self._context.backends():
            if backend.health.failures and backend.health.state != "down":
                backend.health.forget()
                backend.circuit, backend.circuit_used, backend.next_probe = backend.circuit + 1, False, now
                service.dirty = True

    # --- probes ---

    def probe(self) -> None:
        """Start the probes that are due."""
        context, now = self._context, self._context.clock().now
        limits = context.config.settings
        probed = [(service, backend) for service, backend in context.backends() if backend.port is not None]
        context.interval = pacing.probe_interval(len(probed), limits.probe_interval, limits.probes_per_minute)
        self._questions.per_minute = limits.probes_per_minute
        due = [
            pair
            for pair in probed
            if not pair[1].probing and pair[1].next_probe <= now and self._may_probe(pair[1], now)
        ]
        # whoever fails is confirmed first
        for service, backend in sorted(due, key=lambda pair: (-pair[1].health.failures, pair[1].next_probe)):
            if len(self._probes) >= AT_ONCE or not self._questions.take(now):
                return
            backend.probing = True
            task = asyncio.create_task(self._probe(service, backend))
            self._probes.add(task)
            task.add_done_callback(self._probes.discard)

    def _may_probe(self, backend: BackendState, now: float) -> bool:
        return backend.received is not None or now - self._since > FIRST_DESCRIPTOR_SECONDS

    async def _probe(self, service: ServiceState, backend: BackendState) -> None:
        context, limits, asked = self._context, self._context.config.settings, self._context.clock().now
        if backend.health.state != "up" or backend.health.failures or backend.probes % pacing.FRESH_EVERY == 0:
            backend.circuit, backend.circuit_used = backend.circuit + 1, False
        fresh, backend.circuit_used, backend.probes = not backend.circuit_used, True, backend.probes + 1
        try:
            answer = await ask(
                context.socks,
                backend.address,
                backend.port or 0,
                timeout=limits.probe_timeout,
                isolation=f"{service.config.name}-{backend.address[:16]}-{backend.circuit}",
            )
        finally:
            backend.probing = False
        self._note(service, backend, answer, asked, fresh)

    def _note(self, service: ServiceState, backend: BackendState, answer: Answer, asked: float, fresh: bool) -> None:
        context, now, health = self._context, self._context.clock().now, backend.health
        if not answer.asked or not context.ready or asked < self._since:
            backend.next_probe = now + pacing.CONFIRM_SECONDS * 5
            if not answer.asked and context.ready and answer.why != self._trouble:
                self._trouble = answer.why
                log.warning("Backends cannot be probed: %s", answer.why)
            return
        self._trouble = ""
        context.count("probes_total", service=service.config.name, result="answered" if answer.ok else "failed")
        if answer.ok:
            health.answered(now, answer.seconds, fresh=fresh)
        else:
            log.debug("%s: %s: %s after %.1f s", service.config.name, backend.instance.name, answer.why, answer.seconds)
            health.failed(asked)
            if health.state != "down" and (
                backend.fetched_at is None or now - backend.fetched_at > pacing.FETCH_AGAIN_SECONDS
            ):
                backend.next_fetch = now  # it may have been restarted, with new introduction points
        service.dirty = True
        backend.next_probe = pacing.next_probe(
            now,
            context.interval,
            state=health.state,
            failures=health.failures,
            needed=context.config.settings.probe_failures,
            since=health.since,
        )
        context.wake.set()

    # --- verdicts ---

    def judge(self) -> None:
        """Move backends up and down by what their probes found."""
        context, clock = self._context, self._context.clock()
        known = {
            f"{service.config.name} {backend.address}": (service, backend)
            for service, backend in context.backends()
            if backend.port is not None
        }
        verdict = judge(
            {key: backend.health for key, (_other, backend) in known.items()},
            failures=context.config.settings.probe_failures,
            own_tor=context.own_tor,
            now=clock.now,
            ignored=frozenset(key for key, (_other, one) in known.items() if one.instance.drained),
        )
        if verdict.suspended != context.suspended:
            context.suspended = verdict.suspended
            log.warning(
                "Most backends do not answer at once, or our own Tor does not work: "
                "it is suspected, and no backend is evicted"
                if verdict.suspended
                else "Our own Tor works"
            )
        if verdict.recovered:
            self._ask_anew()
        if verdict.proof_wanted:
            self._want_proof([backend for _other, backend in known.values()], clock.now)
        for key in verdict.down:
            self._move(*known[key], "down", clock.now)
        for key in verdict.up:
            self._move(*known[key], "up", clock.now)

    def _want_proof(self, backends: list[BackendState], now: float) -> None:
        """Ask two backends that answered before, over new circuits and before their time."""
        well = sorted(
            (one for one in backends if not one.health.failures and one.health.state == "up"),
            key=lambda one: one.health.last_answer or 0.0,
        )
        if any(one.probing for one in well):
            return
        for one in well[:2]:
            if now - (one.health.last_answer or 0.0) > pacing.CONFIRM_SECONDS:
                one.circuit, one.circuit_used, one.next_probe, one.probes = one.circuit + 1, False, now, 1

    def _move(self, service: ServiceState, backend: BackendState, state: str, now: float) -> None:
        health, before = backend.health, backend.health.state
        away = _silence(health, now)
        health.move(state, now)
        service.dirty = True
        if state == "down":
            self._context.count("evictions_total", service=service.config.name)
            log.warning("%s: %s is down: no answer %s", service.config.name, backend.instance.name, away)
        elif before == "down":
            self._context.count("returns_total", service=service.config.name)
            log.info("%s: %s answers again, in %.1f s", service.config.name, backend.instance.name, health.took or 0.0)
            backend.next_fetch = now
        else:
            log.info("%s: %s answers, in %.1f s", service.config.name, backend.instance.name, health.took or 0.0)

    # --- descriptors ---

    async def fetch(self) -> None:
        """Ask for the backends' descriptors that are due."""
        context = self._context
        begun = context.clock().now
        due = sorted(
            (one for _other, one in context.backends() if one.next_fetch <= begun), key=lambda one: one.next_fetch
        )
        for backend in due:
            now = context.clock().now
            if not context.tor or not self._fetches.take(now):
                return
            backend.fetched_at, backend.turn = now, backend.turn + 1
            self._schedule_fetch(backend, now)
            with contextlib.suppress(stem.OperationFailed, stem.ProtocolError, stem.InvalidRequest):
                await context.tor.call(context.engine.fetch, backend.address, backend.turn)

    def _schedule_fetch(self, backend: BackendState, now: float) -> None:
        health = backend.health
        backend.next_fetch = pacing.next_fetch(
            now,
            state=health.state,
            failures=health.failures,
            received=backend.received_at,
            since=health.since,
            tries=backend.misses,
        )

    def refetch(self) -> None:
        """A new time period began: all backends have other introduction points."""
        for _other, backend in self._context.backends():
            backend.next_fetch = 0.0

    def missed(self, event: Event) -> bool:
        """A directory had no descriptor of a backend; False: this is none of our backends."""
        found = [backend for _other, backend in self._context.backends() if backend.address == event.address]
        now = self._context.clock().now
        for backend in found:
            self._context.count("fetches_total", result="failed")
            if event.reason == "NOT_FOUND":
                backend.misses += 1
                self._schedule_fetch(backend, now)
            else:
                backend.next_fetch = min(backend.next_fetch, now + pacing.FETCH_DOWN_SECONDS)
        return bool(found)

    async def received(self, event: Event) -> None:
        """A descriptor has come, whoever asked for it."""
        for service, backend in list(self._context.backends()):
            if backend.address == event.address:
                await self._received(service, backend, event.text)

    async def _received(self, service: ServiceState, backend: BackendState, text: str) -> None:
        context = self._context
        try:
            new: Any = await context.tor.work(context.engine.read, backend.address, text) if context.tor else None
        except Rejected as error:
            context.count("rejected_descriptors_total", service=service.config.name)
            if self._complained.get(backend.address) != str(error):
                self._complained[backend.address] = str(error)
                log.warning("%s: %s: its descriptor is not used: %s", service.config.name, backend.instance.name, error)
            return
        if new is None or not new.replaces(backend.received):
            return
        now, before = context.clock().now, backend.received
        backend.received, backend.received_at, backend.misses = new, now, 0
        context.count("fetches_total", result="received")
        self._complained.pop(backend.address, None)
        service.dirty = True
        self._schedule_fetch(backend, now)
        if before is None or set(before.points) != set(new.points):
            log.info(
                "%s: %s has %s%d introduction points",
                service.config.name,
                backend.instance.name,
                "other " if before else "",
                len(new.points),
            )
            if backend.health.state != "up" or backend.health.failures:
                backend.next_probe = now  # it is worth another question
        context.wake.set()


def _silence(health: Health, now: float) -> str:
    return "yet" if health.last_answer is None else f"for {now - health.last_answer:.0f} s"
