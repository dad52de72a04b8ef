# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visitors of an onion service, each with a tor of its own, who ask at a steady rate however long answers take.

visitors.py SETTINGS, a JSON object:

    address     of the service
    path        what to ask for; of /bytes/N and /bytes/N/SECONDS all N bytes must come
    visitors    numbers of the tors to use
    every       seconds from one request of a visitor to its next; all of them together ask evenly spread
    fresh       whether a visitor forgets descriptors and circuits before each request (NEWNYM; every must exceed 10);
                "first": before the first one only
    count       requests in all; null: until the input ends
    timeout     seconds for a whole request

Each request takes a circuit of its own. A line of JSON for each tells when it began, and what came of it.
"""

import asyncio
import json
import re
import sys
import time

SETTINGS = json.loads(sys.argv[1])
PATH = SETTINGS["path"]
ERRORS = {
    0xF0: "no descriptor",
    0xF1: "bad descriptor",
    0xF2: "introduction failed",
    0xF3: "rendezvous failed",
    0xF6: "bad address",
    0xF7: "introduction timed out",
    1: "no connection",
    4: "host unreachable",
    5: "refused",
    6: "TTL expired",
}


class Failed(Exception):
    pass


async def forget(visitor):
    """And wait until tor has: within ten seconds of the last time it puts that off, and would drop the next request."""
    reader, writer = await asyncio.open_unix_connection(f"/run/visitors/{visitor}/control")
    writer.write(b"AUTHENTICATE\r\nSETEVENTS SIGNAL\r\nSIGNAL NEWNYM\r\n")
    try:
        await asyncio.wait_for(reader.readuntil(b"650 SIGNAL NEWNYM\r\n"), 20)
    except (asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
        raise Failed("NEWNYM did not happen") from error
    finally:
        writer.close()


async def connect(visitor, isolation):
    reader, writer = await asyncio.open_unix_connection(f"/run/visitors/{visitor}/socks")
    name, address = isolation.encode(), SETTINGS["address"].encode()
    writer.write(b"\x05\x01\x02")
    await reader.readexactly(2)
    writer.write(b"\x01" + bytes([len(name)]) + name + b"\x01x")
    await reader.readexactly(2)
    writer.write(b"\x05\x01\x00\x03" + bytes([len(address)]) + address + (80).to_bytes(2, "big"))
    _version, error, _zero, kind = await reader.readexactly(4)
    await reader.readexactly({1: 4, 4: 16}[kind] + 2)
    if error:
        writer.close()
        raise Failed(ERRORS.get(error, f"SOCKS error {error:#x}"))
    return reader, writer


async def fetch(visitor, isolation, told):
    """The page; or of many bytes, how many came."""
    began = time.monotonic()
    reader, writer = await connect(visitor, isolation)
    told["connected"] = time.monotonic() - began
    try:
        writer.write(b"GET %s HTTP/1.0\r\nHost: x\r\n\r\n" % PATH.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise Failed(head.partition(b"\r\n")[0].decode())
        if PATH.startswith("/bytes/"):
            told["bytes"] = await count(reader)
            complete = told["bytes"] == int(PATH.split("/")[2])
        else:
            page = (await reader.read()).decode()
            found = re.search("hello from (.*)\n", page)
            told["by"] = found.group(1) if found else ""
            complete = bool(found)
        if not complete:
            raise Failed("broke off")
    finally:
        writer.close()


async def count(reader):
    total = 0
    while True:
        data = await reader.read(262144)
        if not data:
            return total
        total += len(data)


async def visit(visitor, number, forgets):
    told, began = {"visitor": visitor, "fresh": forgets, "at": time.time(), "ok": False}, time.monotonic()
    try:
        if forgets:
            await forget(visitor)
            told["at"], began = time.time(), time.monotonic()
        await asyncio.wait_for(fetch(visitor, f"{number}-{time.time_ns()}", told), SETTINGS["timeout"])
        told["ok"] = True
    except asyncio.TimeoutError:
        told["error"] = "timed out"
    except (Failed, OSError, EOFError) as error:
        told["error"] = str(error) or type(error).__name__
    told["seconds"] = time.monotonic() - began
    print(json.dumps(told), flush=True)


async def ask(visitor, place, ended, turns):
    """All requests of one visitor."""
    loop, under_way, turn = asyncio.get_running_loop(), set(), 0
    began = loop.time() + SETTINGS["every"] * place / len(SETTINGS["visitors"])
    while True:
        try:
            await asyncio.wait_for(asyncio.shield(ended), max(began + turn * SETTINGS["every"] - loop.time(), 0.001))
            break
        except asyncio.TimeoutError:
            pass
        turn += 1
        # forgetting ends what is under way, so a fresh visitor who still waits misses a turn
        if SETTINGS["fresh"] is True and any(not task.done() for task in under_way):
            continue
        number = next(turns, None)
        if number is None:
            break
        under_way.add(
            asyncio.create_task(
                visit(visitor, number, SETTINGS["fresh"] is True or (SETTINGS["fresh"] == "first" and turn == 1))
            )
        )
    await asyncio.gather(*under_way)


async def main():
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def end():
        loop.remove_reader(sys.stdin)
        ended.set_result(None)

    loop.add_reader(sys.stdin, end)
    turns = iter(range(SETTINGS["count"] or sys.maxsize))
    await asyncio.gather(*(ask(visitor, place, ended, turns) for place, visitor in enumerate(SETTINGS["visitors"])))


asyncio.run(main())
