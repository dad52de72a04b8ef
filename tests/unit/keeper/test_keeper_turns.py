# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given
from onionfleet_keeper import turns
from onionfleet_keeper.model import Rules

WALL = 1_790_000_000.0


def _fleet(count, interval=1800.0):
    names = tuple(f"web{number}" for number in range(count))
    return [Rules("newsroom", names, name, interval) for name in names]


@given(st.integers(2, 20), st.integers(0, 10**6))
def test_equals_go_one_after_another(count, number):
    delays = sorted(turns.turn_delay(rules, number, None) for rules in _fleet(count))
    assert delays[0] == 0
    assert all(later - earlier >= min(turns.EQUALS_STEP, 900 / (count + 1) / count) - 1e-6 for earlier, later in zip(delays, delays[1:]))


@given(st.integers(2, 20), st.integers(0, 10**6), st.lists(st.integers(0, 30), min_size=2, max_size=20))
def test_whoever_waited_longer_goes_first_and_all_in_time(count, number, ago):
    fleet = [(turns.turn_delay(rules, number, number - slots), min(slots, count)) for rules, slots in zip(_fleet(count), ago)]
    assert all(0 <= delay <= 900 for delay, _slots in fleet)
    for delay, slots in fleet:
        assert not [other for other, longer in fleet if longer > slots and other >= delay]


@given(st.integers(2, 30), st.integers(0, 10**6))
def test_take_overs_have_an_order_that_fits_into_the_promise(count, number):
    delays = sorted(turns.rank_delay(rules, number, False) for rules in _fleet(count))
    assert delays[0] == 0
    assert len(set(delays)) == count
    assert delays[-1] < turns.RANKS_SECONDS
    assert turns.rank_delay(_fleet(count)[0], number, True) > delays[-1]


def test_services_change_at_different_moments_and_all_replicas_at_the_same():
    one, other = _fleet(2)
    assert turns.since(one, WALL) == turns.since(other, WALL)
    archive = Rules("archive", one.replicas, one.own)
    assert turns.since(archive, WALL) != turns.since(one, WALL)
    assert turns.slot(one, WALL + 1800) == turns.slot(one, WALL) + 1
