# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from simulation import DAY, KINDS, Fault, World, random_day

PROMISE = 60.0  # seconds that a dead replica holds while a healthy one is there
HOUR = 3600.0


@pytest.mark.parametrize("replicas", [2, 3, 5])
def test_the_healthy_share_evenly(replicas):
    report = World(replicas, [], seed=replicas, lossy=0.0).run()
    assert max(report.held.values()) / DAY <= 1.1 / replicas
    assert len(report.published) <= DAY / 1800 + 3 * replicas


@pytest.mark.parametrize("missing", [1, 2])
def test_those_who_are_left_share_evenly(missing):
    report = World(5, [Fault(1.0, number * 2, "kill", DAY) for number in range(missing)], seed=missing, lossy=0.0).run()
    assert max(report.held.values()) / DAY <= 1.1 / (5 - missing)


@pytest.mark.parametrize("seed", range(6))
def test_bad_days(seed):
    _check(
        World(*_with(random_day(seed, (2, 3, 5)[seed % 3]), (2, 3, 5)[seed % 3]), seed=seed, pow=seed % 2 == 1).run()
    )


def test_two_of_five_lose_tor_and_return():
    """No storm: what is published is what would have been without them, and one replica holds."""
    faults = [Fault(4 * HOUR, number, "cut", 0.7 * HOUR) for number in (1, 3)]
    world = World(5, faults, seed=3, lossy=0.0)
    report = world.run(8 * HOUR)
    _check(report)
    around = [at for at, _replica in report.published if 4 * HOUR <= at < 6 * HOUR]
    assert len(around) <= 4 + 2
    assert sum(bool(one.state.holds) for one in world.replicas) == 1


@pytest.mark.parametrize("seconds", [30.0, 100.0, 600.0])
def test_a_replica_whose_tor_returns_does_not_doubt_the_others(seconds):
    """Found on hosts: HSDirs answered it again, its old connections did not, and it took over from one that served."""
    for seed in range(20):
        world = World(3, [], seed=seed, interval=0.0, lossy=0.0)
        world.run(0.5 * HOUR)
        before = [list(orders) for orders in world.report.orders]
        standby = (world.holder + 1) % 3
        world.faults = [
            (world.now + 60.0, True, Fault(0.0, standby, "cut", 0.0)),
            (world.now + 60.0 + seconds, False, Fault(0.0, standby, "cut", 0.0)),
        ]
        world.run(world.now + 60.0 + seconds + 300.0)
        assert world.report.orders == before


def _with(faults, replicas):
    return replicas, faults


def _check(report, bound=6, promise=PROMISE):
    assert report.worst_outage() <= promise
    assert report.busiest_hour() <= bound


def test_a_holder_that_dies_right_after_it_published():
    """Found by a search: others noticed the publication after the death, and began to judge it only then (61 s)."""
    faults = [Fault(1000.0, 0, "restart", 0.0), Fault(1035.0, 0, "kill", 600.0)]
    for seed in range(12):
        _check(World(2, faults, seed=seed, pow=True).run(1400.0), promise=57.0)


def _faults(kinds, seconds):
    return st.builds(
        Fault, at=st.floats(300.0, 3 * HOUR), replica=st.integers(0, 4), kind=st.sampled_from(kinds), seconds=seconds
    )


# clocks are set forward and back
FAULTS = st.lists(_faults(KINDS, st.floats(5.0, 2 * HOUR)) | _faults(["clock"], st.floats(-2 * HOUR, 0.0)), max_size=6)


@settings(max_examples=15, deadline=None)
@given(replicas=st.integers(2, 5), faults=FAULTS, seed=st.integers(0, 10**6), pow=st.booleans())
def test_no_day_breaks_the_promise(replicas, faults, seed, pow):
    _check(World(replicas, faults, seed=seed, pow=pow).run(4 * HOUR))
