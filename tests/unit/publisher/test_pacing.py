# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from onionfleet_publisher import pacing


def test_probes_are_bounded_whatever_the_number_of_backends() -> None:
    assert pacing.probe_interval(0, 20, 120) == 20
    assert pacing.probe_interval(40, 20, 120) == 20
    assert pacing.probe_interval(500, 20, 120) == 250


def test_a_failed_probe_is_repeated_at_once_and_a_dead_backend_is_left_in_peace() -> None:
    def after(state: str, failures: int, now: float = 100.0) -> float:
        return pacing.next_probe(now, 20.0, state=state, failures=failures, needed=2, since=0.0) - now

    assert after("up", 0) == 20
    assert after("up", 1) == 1
    assert after("up", 2) == 20
    assert after("down", 5) == 20
    assert after("down", 50, now=1000.0) == 60


def test_fetches_are_frequent_only_where_something_is_wrong() -> None:
    def after(now: float = 100.0, **known: object) -> float:
        return (
            pacing.next_fetch(
                now, **({"state": "up", "failures": 0, "received": 50.0, "since": 0.0, "tries": 0} | known)
            )
            - now
        )

    assert after() == 600
    assert after(tries=1) == 10
    assert after(tries=8) == 600
    assert after(received=None, tries=7) == 3
    assert after(received=None, tries=80) == 60
    assert after(failures=1) == 10
    assert after(state="down") == 30
    assert after(state="down", now=1000.0) == 60


def test_a_budget_holds_in_the_long_run_and_allows_a_burst() -> None:
    budget = pacing.Budget(60)
    assert sum(budget.take(0.0) for _index in range(100)) == 10
    assert sum(budget.take(second / 10) for second in range(1, 6001)) == 600
    assert not budget.take(0.0)
