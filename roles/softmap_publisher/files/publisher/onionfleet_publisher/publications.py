# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishes the descriptors of all services, as far as something changed."""

from __future__ import annotations

import stem

from onionfleet_publisher import choice
from onionfleet_publisher.context import Context, log
from onionfleet_publisher.engine import NotMade, TooBig
from onionfleet_publisher.state import WHICH, ServiceState
from onionfleet_publisher.tor import Event
from onionfleet_publisher.uploads import Ledger, Task, Wanted, answering, must_wait

CHECK_SECONDS = 15.0  # certificates of introduction points run out without a word
PAUSE_SECONDS = 30.0  # after a descriptor that could not be made


class Publications:
    """`offset` (seconds) keeps several publishers from taking turns at the very same second."""

    def __init__(self, context: Context, offset: float) -> None:
        self._context, self._offset = context, offset

    async def places(self) -> None:
        """Work out anew where descriptors belong: after each consensus."""
        for service in self._context.services.values():
            if self._context.tor:
                service.places = await self._context.tor.work(
                    self._context.engine.places, service.key._get_identity_pubkey_bytes()
                )

    async def publish(self) -> None:
        for service in list(self._context.services.values()):
            clock = self._context.clock()
            if service.first_received is None and any(backend.received for backend in service.backends.values()):
                service.first_received = clock.now
            if clock.now >= service.not_before and service.places and service.may_publish(clock):
                self._decide(service)
                if service.chosen:
                    await self._upload(service)

    def _decide(self, service: ServiceState) -> None:
        clock, limits = self._context.clock(), self._context.config.settings
        turned = len(service.listing.addresses) > len(service.chosen) and service.turn != choice.turn(
            clock.wall, limits.rotation_interval, self._offset
        )
        if service.dirty or turned or clock.now - service.checked > CHECK_SECONDS:
            before = service.decide(clock, limits, self._offset)
            if service.published:
                _tell(service, before, clock.now)

    async def _upload(self, service: ServiceState) -> None:
        """Upload what is due, the descriptor that clients ask for now before the other."""
        for which in sorted(WHICH, key=lambda one: not service.places[one].current):
            now, ledger, other = (
                self._context.clock().now,
                service.ledgers[which],
                service.ledgers[WHICH[which == "first"]],
            )
            late = ledger.expire(now)
            if late:
                log.info(
                    "%s: %d directories did not answer to the %s descriptor", service.config.name, len(late), which
                )
            wanted = service.wanted(which)
            task = ledger.due(wanted, now)
            if task and (task.reason != "changed" or now >= service.settled_at) and not must_wait(task, other):
                await self._make(service, which, wanted, task)

    async def _make(self, service: ServiceState, which: str, wanted: Wanted, task: Task) -> None:
        context, points, name = self._context, service.points(), service.config.name
        if not context.tor:
            return
        try:
            counter, key = await context.tor.call(
                context.engine.publish, service.key, which, points, service.flow_control, task.hsdirs
            )
        except TooBig as error:
            service.fits, service.dirty = len(points) - 1, True
            log.warning("%s: %s; trying with fewer", name, error)
            return
        except (NotMade, stem.ControllerError, ValueError) as error:
            service.not_before = context.clock().now + PAUSE_SECONDS
            log.warning(
                "%s: the %s descriptor was not uploaded: %s; the last one stays, next try in %d s",
                name,
                which,
                error,
                PAUSE_SECONDS,
            )
            return
        service.ledgers[which].started(task, wanted, context.clock().now, counter, key)
        context.count("publications_total", service=name, reason=task.reason)
        log.info(
            "%s: %s descriptor with %d introduction points of %d backends to %d directories (%s)",
            name,
            which,
            len(points),
            len(service.chosen),
            len(task.hsdirs),
            task.reason,
        )

    def answered(self, event: Event) -> bool:
        """A directory took or refused a descriptor; False: this is none of our services."""
        found = [service for service in self._context.services.values() if service.key.onion_address == event.address]
        for service in found:
            ok, ledger = event.kind == "uploaded", answering(list(service.ledgers.values()), event.hsdir)
            self._context.count("uploads_total", service=service.config.name, result=event.kind)
            if ledger is None:
                continue
            now = self._context.clock().now
            ledger.answered(event.hsdir, ok, now)
            if not ledger.waiting():
                self._context.wake.set()
                _tell_refusals(service, ledger, event.reason, now)
        return bool(found)


def _tell_refusals(service: ServiceState, ledger: Ledger, reason: str, now: float) -> None:
    if ledger.failed():
        which = next(which for which, one in service.ledgers.items() if one is ledger)
        log.warning(
            "%s: %d of %d directories have not taken the %s descriptor%s; next try in %d s",
            service.config.name,
            len(ledger.failed()),
            len(ledger.uploads),
            which,
            f" ({reason})" if reason else "",
            max(0, ledger.retry_at - now),
        )


def _tell(service: ServiceState, before: choice.Listing, now: float) -> None:
    """Who left and who joined, and why."""
    name, old, new = service.config.name, set(before.addresses), set(service.listing.addresses)
    for address in sorted(old - new):
        backend = service.backends.get(address)
        if backend is None:
            continue
        silence = "" if backend.health.last_answer is None else f" for {now - backend.health.last_answer:.0f} s"
        why = "drained" if backend.instance.drained else f"no answer{silence}"
        log.warning("%s: %s leaves the descriptor: %s", name, backend.instance.name, why)
    for address in sorted(new - old):
        log.info("%s: %s joins the descriptor", name, service.backends[address].instance.name)
    if service.listing.kept != before.kept:
        if service.listing.kept:
            log.warning("%s: %s: the last descriptor stays, with %d backends", name, service.listing.kept, len(new))
        else:
            log.info("%s: backends answer again", name)
