# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole program beside a tor that is not one: what it uploads, to whom, and when."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fake_tor import Backend, FakeTor, Network, blinding, period_now, tor_key
from onionfleet_publisher import loop, pacing, received, state, uploads, watch
from onionfleet_publisher.engine import KeyFault
from onionfleet_publisher.loop import Publisher
from onionfleet_publisher.settings import ConfigFault
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3, _blinded_pubkey


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second takes 20 ms, but for the budgets."""
    seconds = {
        pacing: (
            "CONFIRM_SECONDS",
            "FETCH_AGAIN_SECONDS",
            "FETCH_DOWN_SECONDS",
            "FETCH_FIRST_SECONDS",
            "FETCH_SECONDS",
            "LONG_DOWN_INTERVAL",
        ),
        uploads: ("MIN_GAP", "ANSWER_SECONDS", "FIRST_RETRY", "LONGEST_RETRY"),
        state: ("SETTLE_SECONDS", "FIRST_WAIT"),
        watch: ("OWN_TOR_SECONDS", "FIRST_DESCRIPTOR_SECONDS"),
        loop: ("TURN_SECONDS", "RECONNECT_SECONDS", "FIRST_REFRESH", "METRICS_SECONDS"),
    }
    for module, names in seconds.items():
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name) / 50)
    monkeypatch.setattr(pacing, "FETCHES_PER_MINUTE", 100_000)


class Stage:
    def __init__(self, folder: pathlib.Path, backends: int = 3, **settings: object) -> None:
        self.folder = folder
        self.backends = [Backend(points=6) for _index in range(backends)]
        self.tor = FakeTor(folder, Network(), self.backends)
        (folder / "key").write_bytes(tor_key(b"archive"))
        self.settings = {"probes_per_minute": 6000, "probe_interval": 5, "rotation_interval": 60} | settings
        self.drained: set[int] = set()
        self.configure()

    def configure(self, backends: list[int] | None = None) -> None:
        instances = [
            {"name": f"app{number}/w1", "address": self.backends[number].address, "drained": number in self.drained}
            for number in backends or range(len(self.backends))
        ]
        config = {
            "status-socket-location": str(self.folder / "status.sock"),
            "onionfleet": self.settings,
            "services": [
                {"name": "archive", "key": str(self.folder / "key"), "probe": {"port": 80}, "instances": instances}
            ],
        }
        (self.folder / "config.yaml").write_text(json.dumps(config))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Publisher]:
        publisher = Publisher(self.folder / "config.yaml", self.tor.control, self.tor.socks)
        self.publisher = publisher
        task = asyncio.create_task(publisher.run())
        try:
            yield publisher
            assert not task.done()
        finally:
            publisher._end()
            await asyncio.wait_for(task, 5)

    def listed(self, upload: int = -1) -> set[int]:
        """The backends in an uploaded descriptor, by number."""
        known = {
            received.point_identity(point): number
            for number, backend in enumerate(self.backends)
            for point in backend.points
        }
        return {known.get(identity, -1) for identity in self.read(upload).points}

    def read(self, upload: int = -1) -> received.Received:
        address = self.publisher._context.services["archive"].key.onion_address
        public = HiddenServiceDescriptorV3.identity_key_from_address(address)
        keys = [_blinded_pubkey(public, blinding(public, period_now() + shift)) for shift in (-1, 0, 1)]
        return received.read(self.tor.uploads[upload][2], address, keys)

    async def until(self, condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
        for _index in range(int(seconds / 0.02)):
            if condition():
                return
            await asyncio.sleep(0.02)
        status = await self.status()
        raise AssertionError(f"{what}: not within {seconds} s: {json.dumps(status)}")

    async def status(self) -> dict:
        reader, writer = await asyncio.open_unix_connection(self.folder / "status.sock")
        answer = json.loads(await reader.read())
        writer.close()
        return answer

    async def quick_probes(self) -> None:
        """Every backend is probed all the time, as a test cannot wait for 5 seconds."""
        for backend in self.publisher._context.services["archive"].backends.values():
            backend.next_probe = 0.0

    async def until_probed(self, condition: Callable[[], object], what: str) -> None:
        async def keep_asking() -> None:
            while True:
                await self.quick_probes()
                await asyncio.sleep(0.05)

        asking = asyncio.create_task(keep_asking())
        try:
            await self.until(condition, what)
        finally:
            asking.cancel()


def _run(stage: Stage, scene: Callable[[Stage], Awaitable[None]]) -> None:
    async def play() -> None:
        async with stage.running():
            await scene(stage)

    stage.tor.start()
    try:
        asyncio.run(play())
    finally:
        stage.tor.stop()


async def _published(stage: Stage) -> None:
    await stage.until(lambda: len(stage.tor.uploads) >= 2, "both descriptors are uploaded")
    ledgers = stage.publisher._context.services["archive"].ledgers.values()
    await stage.until(lambda: all(ledger.attempted and not ledger.waiting() for ledger in ledgers), "answers are in")


def test_it_publishes_all_backends_with_equal_shares_and_flow_control(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        for upload in (0, 1):
            assert stage.listed(upload) == {0, 1, 2}
            assert len(stage.read(upload).points) == 18
            assert stage.read(upload).flow_control == "1-2 31"
            assert len(stage.tor.uploads[upload][1]) == 8
            assert len(stage.tor.uploads[upload][2]) <= 50_000
        status = await stage.status()
        assert status["tor"] == {"connected": True, "consensus": True, "circuits": True}
        assert status["probes"]["per_minute"] == 36
        service = status["services"][0]
        assert (service["name"], service["introduction_points"]) == ("archive", 18)
        assert [(one["which"], one["hsdirs"], one["uploaded"], one["failed"]) for one in service["descriptors"]] == [
            ("first", 8, 8, 0),
            ("second", 8, 8, 0),
        ]
        assert all(
            one["signing_key"] and one["revision_counter"] and one["attempted"] for one in service["descriptors"]
        )
        assert [
            (one["name"], one["state"], one["listed"], one["introduction_points"]) for one in service["instances"]
        ] == [(f"app{number}/w1", "up", True, 6) for number in range(3)]
        await asyncio.sleep(0.5)
        assert len(stage.tor.uploads) == 2
        assert 'backend_up{service="archive",instance="app1/w1"} 1' in (tmp_path / "metrics.prom").read_text()

    _run(Stage(tmp_path), scene)


def test_25_backends_never_more_than_20_points(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        assert len(stage.read().points) == 20
        assert len(stage.listed()) == 20
        assert sum(one["listed"] for one in (await stage.status())["services"][0]["instances"]) == 20

    _run(Stage(tmp_path, backends=25), scene)


def test_points_that_are_too_big_are_fewer(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        assert stage.listed() == {0, 1, 2, 3}
        assert 8 <= len(stage.read().points) < 20
        assert 30_000 < len(stage.tor.uploads[-1][2]) <= 50_000

    stage = Stage(tmp_path, backends=4)
    for backend in stage.backends:
        backend.points = [
            one._replace(link_specifiers=one.link_specifiers + one.link_specifiers[:1] * 70) for one in backend.points
        ]
    _run(stage, scene)


def test_a_dead_backend_leaves_and_comes_back_with_its_new_introduction_points(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        stage.tor.dead.add(stage.backends[1].address)
        await stage.until_probed(lambda: stage.listed() == {0, 2}, "it left")
        instance = (await stage.status())["services"][0]["instances"][1]
        assert (instance["state"], instance["listed"]) == ("down", False)
        stage.tor.dead.clear()
        stage.backends[1].renew(points=6)
        await stage.until_probed(lambda: stage.listed() == {0, 1, 2}, "it is back")

    _run(Stage(tmp_path), scene)


def test_when_all_are_dead_or_our_own_tor_is_the_descriptor_stays(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        before = len(stage.tor.uploads)
        stage.tor.dead.update(stage.tor.backends)
        await stage.until_probed(lambda: stage.publisher._context.suspended, "our own Tor is suspected")
        stage.tor.dead.discard(stage.backends[2].address)
        await stage.until_probed(lambda: not stage.publisher._context.suspended, "one answers again")
        stage.tor.dead.clear()
        await stage.until_probed(
            lambda: all(one.health.failures == 0 for _other, one in stage.publisher._context.backends()), "all do"
        )
        assert len(stage.tor.uploads) == before
        stage.tor.dead = {stage.backends[0].address}
        stage.tor.circuits = False
        for _index in range(10):
            await stage.quick_probes()
            await asyncio.sleep(0.05)
        assert len(stage.tor.uploads) == before
        assert {one["state"] for one in (await stage.status())["services"][0]["instances"]} == {"up"}
        stage.tor.circuits = True
        await stage.until_probed(lambda: stage.listed() == {1, 2}, "only now the dead one leaves")

    _run(Stage(tmp_path), scene)


def test_two_of_three_may_die_where_the_third_answers_on_a_new_circuit(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        stage.tor.dead.update(backend.address for backend in stage.backends[:2])
        await stage.until_probed(lambda: stage.listed() == {2}, "they left")

    _run(Stage(tmp_path), scene)


def test_draining_by_sighup_and_never_the_last_one(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        stage.drained = {0}
        stage.configure()
        signal.raise_signal(signal.SIGHUP)
        await stage.until(lambda: stage.listed() == {1, 2}, "the drained one left")
        instance = (await stage.status())["services"][0]["instances"][0]
        assert (instance["state"], instance["listed"]) == ("drained", False)
        stage.drained = {0, 1, 2}
        stage.configure()
        signal.raise_signal(signal.SIGHUP)
        await stage.until(
            lambda: stage.publisher._context.services["archive"].listing.kept == "all backends are drained",
            "it is said that the last one stays",
        )
        assert stage.listed() == {1, 2}
        stage.drained = set()
        stage.configure()
        signal.raise_signal(signal.SIGHUP)
        await stage.until(lambda: stage.listed() == {0, 1, 2}, "all are back")

    _run(Stage(tmp_path), scene)


def test_a_torn_file_changes_nothing_and_a_good_one_brings_new_backends(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        before = len(stage.tor.uploads)
        text = (tmp_path / "config.yaml").read_text()
        for cut in (0, 10, len(text) // 2, len(text) - 3):
            (tmp_path / "config.yaml").write_text(text[:cut])
            signal.raise_signal(signal.SIGHUP)
            await asyncio.sleep(0.1)
        assert len(stage.tor.uploads) == before
        assert caplog.text.count("what was configured before stays") == 4
        stage.configure([0, 1, 2])
        signal.raise_signal(signal.SIGHUP)
        await stage.until(lambda: stage.listed() == {0, 1, 2}, "the new backend is listed")

    stage = Stage(tmp_path)
    stage.configure([0, 1])
    _run(stage, scene)


def test_refused_uploads_go_again_to_those_that_refused(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        refusing = stage.tor.network.fingerprints[:6]
        stage.tor.takes = lambda fingerprint: None if fingerprint == refusing[0] else fingerprint not in refusing
        await stage.until(
            lambda: sum(len(hsdirs) < 8 for _first, hsdirs, _second in stage.tor.uploads) >= 4, "they are tried again"
        )
        assert all(set(hsdirs) <= set(refusing) for _first, hsdirs, _second in stage.tor.uploads if len(hsdirs) < 8)
        stage.tor.takes = lambda fingerprint: True
        ledgers = stage.publisher._context.services["archive"].ledgers.values()
        await stage.until(lambda: all(len(ledger.uploaded()) == 8 for ledger in ledgers), "all have it")

    _run(Stage(tmp_path), scene)


def test_it_waits_for_tor_and_its_consensus_and_survives_a_restart(tmp_path: pathlib.Path) -> None:
    stage = Stage(tmp_path)
    stage.tor.bootstrapped = False

    async def play() -> None:
        async with stage.running():
            await asyncio.sleep(0.3)
            assert (await stage.status())["tor"] == {"connected": False, "consensus": False, "circuits": False}
            stage.tor.start()
            await stage.until(
                lambda: stage.publisher._context.tor and stage.publisher._context.tor.connected, "connected"
            )
            await asyncio.sleep(0.3)
            assert not stage.tor.uploads
            stage.tor.bootstrapped = True
            await _published(stage)
            stage.tor.stop()
            await stage.until(lambda: not stage.publisher._context.tor.connected, "the loss is noticed")
            stage.tor.start()
            stage.backends[0].renew(points=6)
            stage.tor.dead.add(stage.backends[1].address)
            await stage.until_probed(lambda: stage.listed() == {0, 2}, "it goes on")

    try:
        asyncio.run(play())
    finally:
        stage.tor.stop()


def test_with_few_relays_known_it_waits_for_the_others(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.publisher._context.tor and stage.publisher._context.tor.connected, "connected")
        await asyncio.sleep(0.3)
        assert not stage.tor.fetched
        stage.tor.network = Network()
        await _published(stage)

    stage = Stage(tmp_path)
    del stage.tor.network.microdescriptors[4:]
    _run(stage, scene)


def test_damaged_descriptors_neither_kill_it_nor_reach_ours(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        before, dice, address = len(stage.tor.uploads), random.Random(7), stage.backends[0].address
        good = stage.backends[0].descriptor()
        for _index in range(60):
            text = list(good)
            for _index in range(dice.randint(1, 30)):
                text[dice.randrange(len(text))] = dice.choice("A=-\n \x00z\u00e9.")
            stage.tor.tell(
                f"650+HS_DESC_CONTENT {address[:-6]} id ${'A' * 40}~relay\n{''.join(text).rstrip()}\n.\n650 OK"
            )
        for rest in ("", " x", f" {address[:-6]} id", f" {address[:-6]} id $x\n.\n650 OK"):
            stage.tor.tell(
                f"650+HS_DESC_CONTENT{rest}\n.\n650 OK" if "\n" not in rest else f"650+HS_DESC_CONTENT{rest}"
            )
        stage.tor.texts[address] = good[: len(good) // 2]
        stage.publisher._watch.refetch()
        await asyncio.sleep(1)
        assert len(stage.tor.uploads) == before
        stage.tor.texts.clear()
        stage.backends[0].renew(points=6)
        stage.publisher._watch.refetch()
        await stage.until(lambda: stage.listed() == {0, 1, 2} and len(stage.tor.uploads) > before, "a good one is used")

    _run(Stage(tmp_path), scene)


def test_missing_descriptors_take_nobody_out(tmp_path: pathlib.Path) -> None:
    async def scene(stage: Stage) -> None:
        await _published(stage)
        before = len(stage.tor.uploads)
        for backend in stage.backends:
            stage.tor.texts[backend.address] = ""
        for _index in range(20):
            stage.publisher._watch.refetch()
            await asyncio.sleep(0.03)
        assert len(stage.tor.uploads) == before

    _run(Stage(tmp_path), scene)


def test_what_it_cannot_start_with(tmp_path: pathlib.Path) -> None:
    stage = Stage(tmp_path)
    (tmp_path / "key").write_bytes(b"x" * 96)
    with pytest.raises(KeyFault, match="cannot be read"):
        Publisher(tmp_path / "config.yaml", "x", "x")
    (tmp_path / "config.yaml").write_text("{")
    with pytest.raises(ConfigFault):
        Publisher(tmp_path / "config.yaml", "x", "x")
    (tmp_path / "key").write_bytes(tor_key(b"archive"))
    stage.configure()
    own = Publisher(tmp_path / "config.yaml", "x", "x")._context.services["archive"].key.onion_address
    text = (tmp_path / "config.yaml").read_text().replace(stage.backends[0].address, own)
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigFault, match="own address"):
        Publisher(tmp_path / "config.yaml", "x", "x")
