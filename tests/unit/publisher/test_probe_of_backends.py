# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Awaitable, Callable

import pytest
from onionfleet_publisher import probe

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _ask(folder: pathlib.Path, handler: Handler, timeout: float = 2.0) -> probe.Answer:
    async def run() -> probe.Answer:
        server = await asyncio.start_unix_server(handler, folder / "socks")
        async with server:
            return await probe.ask(str(folder / "socks"), "x.onion", 80, isolation="archive-1", timeout=timeout)

    return asyncio.run(run())


def _tor(code: int, seen: list[bytes] | None = None) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(3)
        writer.write(b"\x05\x02")
        name = await reader.readexactly(13)
        writer.write(b"\x01\x00")
        request = await reader.readexactly(14)
        if seen is not None:
            seen.extend((name, request))
        if code < 0:
            await asyncio.sleep(-code)
        writer.write(b"\x05" + bytes([max(code, 0)]) + b"\x00\x01" + bytes(6))
        writer.close()

    return handle


def test_an_answer(tmp_path: pathlib.Path) -> None:
    seen: list[bytes] = []
    answer = _ask(tmp_path, _tor(0, seen))
    assert answer.ok
    assert answer.asked
    assert seen == [b"\x01\x09archive-1\x01x", b"\x05\x01\x00\x03\x07x.onion\x00\x50"]


@pytest.mark.parametrize(
    ("code", "why"), [(5, "refused by its target"), (0xF2, "introduction failed"), (99, "error 99")]
)
def test_a_refusal(tmp_path: pathlib.Path, code: int, why: str) -> None:
    answer = _ask(tmp_path, _tor(code))
    assert (answer.ok, answer.why, answer.asked) == (False, why, True)


def test_silence(tmp_path: pathlib.Path) -> None:
    answer = _ask(tmp_path, _tor(-5), timeout=0.1)
    assert (answer.ok, answer.why, answer.asked) == (False, "no answer", True)
    assert 0.1 <= answer.seconds < 1


def test_a_tor_that_does_not_take_the_question_says_nothing_of_the_backend(tmp_path: pathlib.Path) -> None:
    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 400 Bad Request\r\n")
        await reader.read()
        writer.close()

    for handler in (close, other):
        assert not _ask(tmp_path, handler).asked
    gone = asyncio.run(probe.ask(str(tmp_path / "nobody"), "x.onion", 80, isolation="x", timeout=1))
    assert not gone.asked
    assert "No such file" in gone.why
