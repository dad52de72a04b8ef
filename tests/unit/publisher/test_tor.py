# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import pathlib
import time

import pytest
from fake_tor import FakeTor, Network
from onionfleet_publisher import tor
from onionfleet_publisher.engine import Engine
from onionfleet_publisher.tor import Event, parse_event


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("HS_DESC UPLOADED abc UNKNOWN $AB12~nick", Event("uploaded", "abc.onion", "AB12")),
        (
            "HS_DESC FAILED abc NO_AUTH $ab12=nick id REASON=NOT_FOUND",
            Event("failed", "abc.onion", "AB12", "NOT_FOUND"),
        ),
        (
            "HS_DESC_CONTENT abc id $AB12~nick\nhs-descriptor 3\nx\nOK",
            Event("received", "abc.onion", "AB12", text="hs-descriptor 3\nx\n"),
        ),
        ("HS_DESC_CONTENT abc id $AB12\n\nOK", None),
        ("HS_DESC REQUESTED abc NO_AUTH $AB12 id", None),
        ("STATUS_CLIENT NOTICE CONSENSUS_ARRIVED", Event("consensus")),
        ("STATUS_CLIENT NOTICE CIRCUIT_ESTABLISHED", None),
        ("HS_DESC", None),
        ("", None),
        ("HS_DESC FAILED", None),
        ("HS_DESC_CONTENT", None),
        ("\n\n", None),
    ],
)
def test_events(text: str, event: Event | None) -> None:
    assert parse_event(text) == event


def test_a_tor_that_hangs_does_not_hang_us(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tor, "CALL_SECONDS", 0.3)
    fake = FakeTor(tmp_path, Network(1), []).start()

    async def run() -> None:
        connection = tor.Tor(fake.control, Engine(), lambda event: None)
        with pytest.raises(tor.Lost):
            await connection.call(print)
        await connection.connect()
        assert await connection.call(lambda: "done") == "done"
        with pytest.raises(tor.Lost):
            await connection.call(time.sleep, 2)
        assert not connection.connected
        await connection.connect()
        assert await connection.call(lambda: "done") == "done"
        connection.close()

    asyncio.run(run())
    fake.stop()


def test_no_tor_at_all(tmp_path: pathlib.Path) -> None:
    async def run() -> None:
        connection = tor.Tor(str(tmp_path / "nobody"), Engine(), lambda event: None)
        with pytest.raises(tor.Lost):
            await connection.connect()

    asyncio.run(run())


def test_a_connection_that_comes_too_late_is_closed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tor, "CALL_SECONDS", 0.2)
    fake, made = FakeTor(tmp_path, Network(1), []).start(), []

    class Slow(Engine):
        def connect(self, path: str, listener: object) -> object:
            made.append(super().connect(path, listener))
            time.sleep(0.5)
            return made[-1]

    async def run() -> None:
        connection = tor.Tor(fake.control, Slow(), lambda event: None)
        with pytest.raises(tor.Lost):
            await connection.connect()
        assert not connection.connected
        await asyncio.sleep(1)

    asyncio.run(run())
    assert not made[0].is_alive()
    fake.stop()
