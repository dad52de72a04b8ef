# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question to a backend: does it take a connection? Through the SOCKS socket of our own tor.

    ask(socks, host, port, isolation, timeout)      an Answer

Tor answers a SOCKS request for an onion address after the rendezvous, when the backend has connected to its target.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time

# RFC 1928 and tor's extended errors (tor manual, SocksPort, ExtendedErrors).
_REASONS = {
    1: "no connection",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "refused by its target",
    6: "timed out",
    0xF0: "no descriptor",
    0xF1: "bad descriptor",
    0xF2: "introduction failed",
    0xF3: "rendezvous failed",
    0xF6: "bad address",
    0xF7: "introduction timed out",
}


@dataclasses.dataclass(frozen=True)
class Answer:
    ok: bool
    seconds: float
    why: str = ""
    asked: bool = True  # False: our own tor did not take the question, which says nothing of the backend


async def ask(socks: str, host: str, port: int, *, isolation: str, timeout: float) -> Answer:
    """Connect to `host`:`port` and close; requests with the same `isolation` share circuits. `timeout` in seconds."""
    began = time.monotonic()
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_unix_connection(socks), timeout)
    except (OSError, asyncio.TimeoutError) as error:
        return Answer(False, time.monotonic() - began, f"tor's SOCKS socket: {error}", asked=False)
    try:
        code = await asyncio.wait_for(_request(reader, writer, host, port, isolation), timeout)
    except asyncio.TimeoutError:
        return Answer(False, time.monotonic() - began, "no answer")
    except (OSError, EOFError) as error:
        return Answer(False, time.monotonic() - began, f"tor's SOCKS socket: {error}", asked=False)
    finally:
        with contextlib.suppress(OSError):
            writer.close()
    return Answer(code == 0, time.monotonic() - began, "" if code == 0 else _REASONS.get(code, f"error {code}"))


async def _request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, isolation: str
) -> int:
    """SOCKS 5 with a user name, by which tor keeps circuits apart; returns the reply code."""
    writer.write(b"\x05\x01\x02")
    if await reader.readexactly(2) != b"\x05\x02":
        raise ConnectionError("speaks no SOCKS 5")
    name = isolation.encode()
    writer.write(b"\x01" + bytes([len(name)]) + name + b"\x01x")
    if await reader.readexactly(2) != b"\x01\x00":
        raise ConnectionError("takes no user name")
    target = host.encode()
    writer.write(b"\x05\x01\x00\x03" + bytes([len(target)]) + target + port.to_bytes(2, "big"))
    code: int = (await reader.readexactly(4))[1]
    return code
