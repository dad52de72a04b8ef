# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the publisher's own tor: one worker thread for everything that blocks, events handed to the loop.

    Tor.connect, call, close      a call that takes too long ends the connection: a tor that hangs must not hang us
    Event                         what tor says of descriptors, as plain data
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import stem

CALL_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Event:
    kind: str  # "received", "uploaded", "failed", "consensus"
    address: str = ""  # with ".onion"
    hsdir: str = ""  # fingerprint
    reason: str = ""
    text: str = ""  # the descriptor


class Lost(Exception):
    """Tor's control socket does not answer, or not any more."""


class Tor:
    """`listener` is called in the event loop for each Event; `engine` does the work in the thread."""

    def __init__(self, path: str, engine: Any, listener: Callable[[Event], None]) -> None:
        self._path, self._engine, self._listener = path, engine, listener
        self._loop = asyncio.get_running_loop()
        self._thread = _worker()
        self._controller: Any = None

    @property
    def connected(self) -> bool:
        return self._controller is not None and self._controller.is_alive()

    async def connect(self) -> None:
        """Raises Lost."""
        self.close()
        try:
            self._controller = await self._run(self._engine.connect, self._path, self._heard)
            self._engine.use(self._controller)
        except (stem.ControllerError, OSError, asyncio.TimeoutError) as error:
            raise Lost(_words(error)) from None

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run one of the engine's functions in the thread. Raises Lost, and what the function raises."""
        if not self.connected:
            raise Lost("not connected")
        try:
            return await self._run(function, *arguments)
        except (stem.SocketClosed, stem.SocketError, asyncio.TimeoutError) as error:
            self.close()
            raise Lost(_words(error)) from None

    async def work(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """As call, for what needs no tor."""
        return await self._loop.run_in_executor(self._thread, function, *arguments)

    async def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        future = self._thread.submit(function, *arguments)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), CALL_SECONDS)
        except asyncio.TimeoutError:
            self._thread = _worker()  # the old one is stuck until its socket is closed
            future.add_done_callback(_discard)
            raise

    def close(self) -> None:
        controller, self._controller = self._controller, None
        if controller is not None:  # in a thread of its own: it waits for others
            threading.Thread(target=controller.close, daemon=True).start()

    def _heard(self, text: str) -> None:
        """In stem's thread."""
        event = parse_event(text)
        if event and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._listener, event)


def _discard(future: concurrent.futures.Future[Any]) -> None:
    """A connection that nobody waits for any more is closed."""
    if not future.cancelled() and future.exception() is None and hasattr(future.result(), "close"):
        future.result().close()


def _worker() -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")


def parse_event(text: str) -> Event | None:
    """An event of tor's control port (control-spec, 4.1.25, 4.1.26, 4.1.10), if it is one that we want."""
    line, _other, body = text.partition("\n")
    words = line.split(" ")
    if words[0] == "HS_DESC_CONTENT" and len(words) >= 4:
        descriptor = body.rsplit("\nOK", 1)[0].strip()
        return (
            Event("received", words[1] + ".onion", _fingerprint(words[3]), text=descriptor + "\n")
            if descriptor
            else None
        )
    if words[0] == "HS_DESC" and len(words) >= 5 and words[1] in ("UPLOADED", "FAILED"):
        reason = next((word[7:] for word in words if word.startswith("REASON=")), "")
        return Event(words[1].lower(), words[2] + ".onion", _fingerprint(words[4]), reason)
    if words[:1] == ["STATUS_CLIENT"] and "CONSENSUS_ARRIVED" in words:
        return Event("consensus")
    return None


def _fingerprint(long_name: str) -> str:
    return long_name.lstrip("$").replace("=", "~").partition("~")[0].upper()


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
