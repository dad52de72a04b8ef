# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay of TCP connections that holds every byte for a while, in both directions.

delay.py ADDRESS MILLISECONDS FROM:TO ...: what connects to port FROM of the address is connected to its port TO.
"""

import asyncio
import collections
import socket
import sys

WAITING = 8_000_000  # bytes held of one direction, beyond which its sender waits; a megabyte per second needs far less


class Direction(asyncio.Protocol):
    """Takes bytes from one connection and gives them to `other` when they have waited."""

    def __init__(self, delay):
        self.delay, self.transport, self.other = delay, None, None
        self.held, self.size, self.loop = collections.deque(), 0, asyncio.get_running_loop()

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self._hold(data)
        self.size += len(data)
        if self.size > WAITING:
            self.transport.pause_reading()

    def connection_lost(self, _reason):
        self._hold(None)

    def _hold(self, data):
        self.held.append(data)
        self.loop.call_later(self.delay, self._pass)

    def _pass(self):
        data = self.held.popleft()
        if data is None:
            self.other.transport.close()
            return
        self.size -= len(data)
        if self.size <= WAITING and not self.transport.is_closing():
            self.transport.resume_reading()
        if not self.other.transport.is_closing():
            self.other.transport.write(data)


class Accepted(Direction):
    def __init__(self, delay, address, port):
        super().__init__(delay)
        self.target, self.early = (address, port), []

    def connection_made(self, transport):
        super().connection_made(transport)
        transport.pause_reading()
        self.opening = self.loop.create_task(self._open())

    async def _open(self):
        try:
            _transport, self.other = await self.loop.create_connection(lambda: Direction(self.delay), *self.target)
        except OSError:
            self.transport.abort()
            return
        self.other.other = self
        self.transport.resume_reading()

    def connection_lost(self, reason):
        if self.other:
            super().connection_lost(reason)
        else:
            self.opening.cancel()


async def main():
    address, delay = sys.argv[1], int(sys.argv[2]) / 1000
    loop = asyncio.get_running_loop()
    for pair in sys.argv[3:]:
        taken, given = map(int, pair.split(":"))
        await loop.create_server(lambda given=given: Accepted(delay, address, given), address, taken)
    await asyncio.Event().wait()


asyncio.run(main())
