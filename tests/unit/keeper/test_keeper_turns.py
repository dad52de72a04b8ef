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
    assert all(
        later - earlier >= min(turns.EQUALS_STEP, 900 / (count + 1) / count) - 1e-6
        for earlier, later in zip(delays, delays[1:])
    )


@given(st.integers(2, 20), st.integers(0, 10**6), st.lists(st.integers(0, 30), min_size=2, max_size=20))
def test_whoever_waited_longer_goes_first_and_all_in_time(count, number, ago):
    fleet = [
        (turns.turn_delay(rules, number, number - slots), min(slots, count)) for rules, slots in zip(_fleet(count), ago)
    ]
    assert all(0 <= delay <= 900 for delay, _slots in fleet)
    for delay, slots in fleet:
        assert not [other for other, longer in fleet if longer > slots and other >= delay]


@given(st.integers(2, 30), st.floats(0, 1e6))
def test_each_has_a_place_of_its_own_in_a_round_that_fits_into_the_promise(count, wall):
    delays = sorted(turns.place_delay(rules, wall, False) for rules in _fleet(count))
    assert all(later - earlier > 0.5 for earlier, later in zip(delays, delays[1:]))
    assert delays[0] >= 0 and delays[-1] <= turns.ROUND_SECONDS
    assert min(turns.place_delay(rules, wall, True) for rules in _fleet(count)) >= turns.ROUND_SECONDS / 2


@given(st.floats(0, 1e6), st.floats(0, 11))
def test_who_notice_at_different_moments_do_not_act_at_the_same(wall, skew):
    one, other = _fleet(3)[:2]
    first, second = (
        wall + turns.place_delay(one, wall, False),
        wall + skew + turns.place_delay(other, wall + skew, False),
    )
    assert abs(first - second) > turns.PLACE_SECONDS - 0.01


def test_services_change_at_different_moments_and_all_replicas_at_the_same():
    one, other = _fleet(2)
    assert turns.since(one, WALL) == turns.since(other, WALL)
    archive = Rules("archive", one.replicas, one.own)
    assert turns.since(archive, WALL) != turns.since(one, WALL)
    assert turns.slot(one, WALL + 1800) == turns.slot(one, WALL) + 1
