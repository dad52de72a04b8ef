# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running publisher: keeps its tor, reads its configuration, and lets the parts do what is due.

Everything happens in one event loop; what blocks (tor's control port, making descriptors) runs in one thread beside it,
one call after another. What goes wrong in one turn is logged, and the next turn goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import random
import signal

import stem
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import outlets

from onionfleet_publisher import report, settings, state, status_socket
from onionfleet_publisher.context import Context, log
from onionfleet_publisher.engine import Engine, KeyFault
from onionfleet_publisher.overrides import VERSION
from onionfleet_publisher.publications import Publications
from onionfleet_publisher.tor import Event, Lost, Tor
from onionfleet_publisher.watch import Watch

TURN_SECONDS = 1.0
RECONNECT_SECONDS = 2.0
METRICS_SECONDS = 15.0
FIRST_REFRESH = 2.0  # seconds until the consensus is read again where none is live
NEXT_REFRESH, LAST_REFRESH = 30.0, 3600.0  # where relays are still missing; where none is
PATIENCE = 60.0  # seconds that a new tor has to fetch most relays' microdescriptors; with few of them the ring is wrong
WAKE_SECONDS = 3600.0  # tor goes dormant after a day without use


class Publisher:
    """`config` is the file; `control` and `socks` are sockets of tor."""

    def __init__(self, config: pathlib.Path, control: str, socks: str) -> None:
        self._path, self._control = config, control
        parsed = settings.parse(config.read_bytes())
        self._engine = Engine(testnet=parsed.settings.testnet)
        self._context = Context(parsed, self._engine, socks)
        self._context.services = state.merge(parsed, {}, self._engine.open_key, self._context.clock().now)
        self._watch = Watch(self._context)
        self._publications = Publications(self._context, offset=random.uniform(0, 30))
        self._events: list[Event] = []
        self._refresh_at = self._wake_at = self._metrics_at = self._connected_at = 0.0
        self._said = ""
        self._reload_wanted = self._ended = False

    async def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        context, loop = self._context, asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        context.tor = Tor(self._control, self._engine, self._heard)
        server = await status_socket.serve(
            context.config.status_socket, lambda: json.dumps(context.status(VERSION)) + "\n"
        )
        outlets.notify("READY=1")
        log.info(
            "Publisher of %d services with %d backends, by Onionbalance %s",
            len(context.services),
            len(list(context.backends())),
            VERSION,
        )
        while not self._ended:
            await self._safely()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(context.wake.wait(), TURN_SECONDS)
            context.wake.clear()
        outlets.notify("STOPPING=1")
        context.tor.close()
        server.close()
        pathlib.Path(context.config.status_socket).unlink(missing_ok=True)

    def _end(self) -> None:
        self._ended = True
        self._context.wake.set()

    def _hang_up(self) -> None:
        self._reload_wanted = True
        self._context.wake.set()

    def _heard(self, event: Event) -> None:
        self._events.append(event)
        self._context.wake.set()

    async def _safely(self) -> None:
        try:
            await self._turn()
        except Lost as error:
            self._context.network, self._context.own_tor = None, False
            self._say(f"Tor's control socket does not answer ({error}); trying again every {RECONNECT_SECONDS:g} s")
            await asyncio.sleep(RECONNECT_SECONDS)
        except stem.ControllerError as error:
            self._say(f"Tor refuses a command: {error}")
            await asyncio.sleep(RECONNECT_SECONDS)
        except Exception:
            log.exception("This should not happen; going on")
            await asyncio.sleep(5 * TURN_SECONDS)

    async def _turn(self) -> None:
        context = self._context
        if self._reload_wanted:
            self._reload_wanted = False
            await self._reload()
        self._tell_metrics()
        if context.tor and not context.tor.connected:
            await self._connect()
        await self._hear()
        if await self._network():
            await self._watch.check_own_tor()
            self._watch.judge()
            self._watch.probe()
            await self._watch.fetch()
            await self._publications.publish()

    def _say(self, text: str) -> None:
        """Once, until something else is said."""
        if text != self._said:
            log.info("%s", text)
            self._said = text

    # --- tor ---

    async def _connect(self) -> None:
        context = self._context
        context.network = None
        if context.tor:
            await context.tor.connect()
        self._refresh_at, self._connected_at = 0.0, context.clock().now
        context.count("tor_connections_total")
        self._say("Connected to tor's control socket")

    async def _network(self) -> bool:
        """Is there a live consensus? Reads it anew where it may have changed."""
        context, now = self._context, self._context.clock().now
        if context.tor and now >= self._wake_at:
            self._wake_at = now + WAKE_SECONDS
            await context.tor.call(self._engine.wake)
        if context.tor and now >= self._refresh_at:
            before = context.network
            context.network = network = await context.tor.call(self._engine.refresh)
            partial = network.missing * 3 > network.directories and now < self._connected_at + PATIENCE
            if not network.live or partial:
                context.network = None
                self._say(f"Waiting for tor: {await context.tor.call(self._engine.bootstrap)}")
                self._refresh_at = now + FIRST_REFRESH
                return False
            self._refresh_at = now + (NEXT_REFRESH if network.missing * 20 > network.directories else LAST_REFRESH)
            await self._publications.places()
            if before is None or not before.live:
                self._say(f"Tor has a consensus, with {network.directories} directories")
                self._watch.restarted()
            elif before.period != network.period:
                self._watch.refetch()
        return context.ready

    async def _hear(self) -> None:
        events, self._events = self._events, []
        for event in events:
            if event.kind == "consensus":
                self._refresh_at = 0.0
            elif event.kind == "received":
                await self._watch.received(event)
            elif not self._publications.answered(event) and event.kind == "failed":
                self._watch.missed(event)

    # --- configuration and state ---

    async def _reload(self) -> None:
        """A file that cannot be used changes nothing."""
        context, clock = self._context, self._context.clock()
        try:
            parsed = settings.parse(self._path.read_bytes())
            merged = state.merge(parsed, context.services, self._engine.open_key, clock.now)
        except (OSError, settings.ConfigFault, KeyFault) as error:
            log.error("%s is not used, what was configured before stays: %s", self._path, error)
            return
        if (parsed.status_socket, parsed.settings.testnet) != (
            context.config.status_socket,
            context.config.settings.testnet,
        ):
            log.warning("status-socket-location and testnet change with a restart only")
        context.config, context.services = parsed, merged
        log.info("Configuration read anew: %d services with %d backends", len(merged), len(list(context.backends())))
        self._refresh_at = 0.0

    def _tell_metrics(self) -> None:
        context, now = self._context, self._context.clock().now
        if now >= self._metrics_at:
            self._metrics_at = now + METRICS_SECONDS
            path = pathlib.Path(context.config.status_socket).with_name("metrics.prom")
            try:
                outlets.replace(path, report.metrics(context.status(VERSION), context.counters))
            except OSError as error:
                self._say(f"{path} cannot be written: {error}")
