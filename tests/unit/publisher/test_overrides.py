# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import datetime
import hashlib
import time
import types

import pytest
from onionbalance.hs_v3 import consensus, hashring, tor_ed25519
from onionbalance.hs_v3.ext import ed25519_exts_ref
from onionbalance.hs_v3.onionbalance import my_onionbalance
from onionfleet_publisher import overrides

STOCK_PUBLIC_KEY = ed25519_exts_ref.publickeyFromESK
STOCK_RUNS = (
    consensus.Consensus.get_start_time_of_current_srv_run,
    consensus.Consensus.get_start_time_of_previous_srv_run,
)
STOCK_PERIOD = consensus.Consensus.get_time_period_num
SECRET = bytes([8]) + bytes(range(1, 31)) + bytes([64]) + bytes(range(32))


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """A live consensus of the real network."""
    hour = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    later = hour + datetime.timedelta(hours=1)
    document = types.SimpleNamespace(valid_after=hour, fresh_until=later, valid_until=later, params={})
    known = consensus.Consensus(do_refresh_consensus=False)
    known.consensus = document
    monkeypatch.setattr(my_onionbalance, "consensus", known, raising=False)
    monkeypatch.setattr(my_onionbalance, "is_testnet", False)
    monkeypatch.setattr(overrides.Counters, "last", {})
    return document


def test_everything_is_as_the_program_knows_it() -> None:
    assert overrides.check() == []


@pytest.mark.parametrize("place", sorted(overrides.SIGNATURES))
def test_whatever_takes_something_else_is_noticed(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place.replace(":", "."), lambda surprise: None)
    assert [fault.split(": ")[0] for fault in overrides.check()] == [place]


@pytest.mark.parametrize(
    "place",
    sorted({*overrides.SIGNATURES, *overrides.ATTRIBUTES} - {one for one in overrides.SIGNATURES if "__init__" in one}),
)
def test_whatever_is_missing_is_noticed(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(place.replace(":", "."))
    # where a parent class has it too, it is not missing
    assert f"{place}: is not there" in overrides.check() or overrides._find(place) is not None


def test_another_version_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onionbalance.__version__", "0.2.5")
    assert overrides.check() == ["onionbalance: is 0.2.5, and this program is made for 0.2.4"]
    monkeypatch.delattr("onionbalance.hs_v3.hashring._get_hidden_service_index")
    assert len(overrides.check()) == 2


# What tor 0.4.9.11 made of a key of its own on a private network whose time periods have 24 minutes, by its own log:
# number of the time period, seconds of the shared random run, revision counter.
TORS_SECRET = bytes.fromhex(
    "c0fa520f21071643b6492f4245b1b97ad09742696454e07a86c51311ff272a78"
    "d2e391a303549b3f0dd0e6bfbf90917e1f08e8df0fff13507f1affe6de64da7a"
)
TORS_COUNTERS = ((1247033, 2078, 68841565), (1247034, 638, 21474793))


@pytest.mark.parametrize(("period", "seconds", "counter"), TORS_COUNTERS)
def test_revision_counters_are_tors(
    network: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch, period: int, seconds: int, counter: int
) -> None:
    monkeypatch.setattr(my_onionbalance.consensus, "get_time_period_length", lambda: 24)
    blinding = my_onionbalance.consensus.get_blinding_param(STOCK_PUBLIC_KEY(TORS_SECRET), period)
    assert overrides.revision_counter(TORS_SECRET, blinding, seconds) == counter


def test_revision_counters_tell_the_seconds_of_their_run(
    network: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tor_ed25519.load_tor_key_from_disk(b"== ed25519v1-secret: type0 ==\0\0\0" + SECRET)
    monkeypatch.setattr(overrides.Counters, "blinding", b"blinding" * 4)
    for is_first, run in ((True, STOCK_RUNS[1]), (False, STOCK_RUNS[0])):
        before, ours, after = time.time(), overrides.Counters.next(key, is_first), time.time()
        seconds = [int(moment) - int(run(my_onionbalance.consensus)) + 1 for moment in (before, after)]
        assert ours in [overrides.revision_counter(SECRET, b"blinding" * 4, each) for each in seconds]


def test_revision_counters_only_grow(network: types.SimpleNamespace) -> None:
    key = tor_ed25519.load_tor_key_from_disk(b"== ed25519v1-secret: type0 ==\0\0\0" + SECRET)
    counters = [overrides.Counters.next(key, True) for _index in range(5)]
    assert counters == sorted(set(counters))


def test_periods_and_runs_are_onionbalances_on_the_real_network(network: types.SimpleNamespace) -> None:
    known = my_onionbalance.consensus
    assert overrides._period_length(known) == 1440
    assert overrides._phase_duration(known) == 720
    assert (overrides._current_run(known), overrides._previous_run(known)) == tuple(
        stock(known) for stock in STOCK_RUNS
    )


def test_testing_networks_tell_their_voting_interval(
    network: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(my_onionbalance, "is_testnet", True)
    known = my_onionbalance.consensus
    for seconds, minutes in ((20, 8), (300, 120)):
        network.fresh_until = network.valid_after + datetime.timedelta(seconds=seconds)
        assert overrides._period_length(known) == minutes
        assert overrides._phase_duration(known) == minutes // 2
        assert overrides._current_run(known) - overrides._previous_run(known) == minutes * 60
    network.fresh_until = network.valid_after + datetime.timedelta(seconds=20)
    assert (overrides._current_run(known), overrides._previous_run(known)) == tuple(
        stock(known) for stock in STOCK_RUNS
    )


def test_public_keys_are_onionbalances() -> None:
    assert overrides._public_key(SECRET) == STOCK_PUBLIC_KEY(SECRET)


def test_a_ring_is_worked_out_once(network: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(overrides.Rings, "original", lambda is_first: calls.append(is_first) or {})
    monkeypatch.setattr(overrides.Rings, "known", {})
    monkeypatch.setattr(hashring, "get_srv_and_time_period", lambda is_first: (b"random", 7))
    my_onionbalance.consensus.nodes = []
    for is_first in (True, True, False):
        overrides.Rings.ring(is_first)
    assert calls == [True, False]
    my_onionbalance.consensus.nodes = []
    overrides.Rings.ring(True)
    assert calls == [True, False, True]


def test_flow_control_is_in_the_inner_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overrides.FlowControl, "offered", "1-2 31")
    assert overrides.FlowControl.create(introduction_points=[]).get_bytes() == b"create2-formats 2\nflow-control 1-2 31"
    monkeypatch.setattr(overrides.FlowControl, "offered", None)
    assert overrides.FlowControl.create(introduction_points=[]).get_bytes() == b"create2-formats 2"


def test_directories_are_onionbalances_and_all_of_them_at_the_end_of_the_ring_too(
    network: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ring(count: int) -> dict[bytes, types.SimpleNamespace]:
        relays = {
            number: types.SimpleNamespace(get_hex_fingerprint=lambda number=number: f"F{number}")
            for number in range(count)
        }
        return {hashlib.sha256(b"%d" % number).digest(): relay for number, relay in relays.items()}

    monkeypatch.setattr(hashring, "get_srv_and_time_period", lambda is_first: (b"random", 7))
    my_onionbalance.consensus.nodes = []
    for count, found in ((2, 2), (4, 4), (5, 5), (7, 7), (8, 8), (9, 8), (500, 8)):
        monkeypatch.setattr(hashring, "_get_hash_ring_for_descriptor", lambda is_first, count=count: ring(count))
        monkeypatch.setattr(overrides.Rings, "original", hashring._get_hash_ring_for_descriptor)
        monkeypatch.setattr(overrides.Rings, "known", {})
        for key in range(50):
            ours = overrides.responsible_hsdirs(b"%d" % key, True)
            assert len(ours) == len(set(ours)) == found
            with contextlib.suppress(hashring.EmptyHashRing):
                assert count < 9 or ours == hashring.get_responsible_hsdirs(b"%d" % key, True)
