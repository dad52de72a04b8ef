# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from onionfleet_publisher.health import Health, Verdict, judge


def _well(at: float, fresh: float | None = None) -> Health:
    return Health("up", answers=3, last_answer=at, last_fresh=fresh)


def _failing(since: float, failures: int = 2, state: str = "up") -> Health:
    return Health(state, failures=failures, failing_since=since, last_answer=since - 20)


def _judge(backends: dict[str, Health], **changed: object) -> Verdict:
    return judge(backends, **({"failures": 2, "own_tor": True, "now": 200.0} | changed))


def test_a_backend_that_failed_often_enough_is_down() -> None:
    assert _judge({"a": _failing(100), "b": _well(110), "c": _well(90)}).down == ("a",)
    assert _judge({"a": _failing(100, failures=1), "b": _well(110)}) == Verdict()


def test_nobody_is_down_before_another_has_answered() -> None:
    assert _judge({"a": _failing(100), "b": _well(90), "c": _well(99)}) == Verdict(proof_wanted=True)


def test_where_most_fail_the_answer_must_come_over_a_new_circuit() -> None:
    fleet = {"a": _failing(100), "b": _failing(105), "c": _well(150, fresh=90)}
    assert _judge(fleet) == Verdict(suspended=True, proof_wanted=True)
    fleet["c"].last_fresh = 104
    assert not _judge(fleet).down
    fleet["c"].last_fresh = 106
    assert _judge(fleet) == Verdict(down=("a", "b"))


def test_where_all_fail_or_our_own_tor_does_nobody_is_down() -> None:
    fleet = {"a": _failing(100), "b": _failing(105), "gone": Health("down", answers=0, failures=9)}
    assert _judge(fleet) == Verdict(suspended=True)
    assert _judge({"a": _failing(100), "b": _well(110)}, own_tor=False) == Verdict(suspended=True)
    assert _judge({"a": _failing(100)}) == Verdict(suspended=True)


def test_when_our_own_tor_comes_back_nobody_pays_for_it() -> None:
    fleet = {"a": _failing(100, failures=5), "b": _failing(105, failures=5), "c": _well(150, fresh=150)}
    fleet["c"].last_failed = 120
    assert _judge(fleet) == Verdict(recovered=True)
    fleet["a"].forget()
    fleet["a"].failed(160.0)
    fleet["a"].failed(170.0)
    fleet["b"].answered(155.0, 0.5, fresh=True)
    fleet["c"].answered(165.0, 0.5, fresh=True)
    assert _judge(fleet).down == ("a",)


def test_half_of_them_may_die_at_once() -> None:
    fleet = {"a": _failing(100), "b": _failing(101), "c": _well(110), "d": _well(111)}
    assert set(_judge(fleet).down) == {"a", "b"}


def test_drained_backends_prove_and_are_not_counted() -> None:
    fleet = {"a": _failing(100), "b": _well(110), "drained": _failing(90, failures=9)}
    assert set(_judge(fleet, ignored=frozenset({"drained"})).down) == {"a", "drained"}
    fleet = {"a": _failing(100), "b": _failing(100), "c": _well(90), "drained": _well(150, fresh=150)}
    assert set(_judge(fleet, ignored=frozenset({"drained"})).down) == {"a", "b"}


def test_one_answer_brings_it_back_and_more_while_it_comes_and_goes() -> None:
    health = Health()
    for lost in (100.0, 200.0, 300.0):
        health.move("down", lost)
        for _index in range(2):
            health.failed(lost + 1)
    health.answered(310.0, 0.5, fresh=True)
    assert health.answers_needed(310.0) == 3
    assert not _judge({"a": health}, now=310.0).up
    health.answered(330.0, 0.5, fresh=True)
    health.answered(350.0, 0.5, fresh=True)
    assert _judge({"a": health}, now=350.0).up == ("a",)
    assert health.answers_needed(5000.0) == 1


def test_failures_begin_with_the_first_question_without_an_answer() -> None:
    health = Health()
    health.answered(10.0, 0.2, fresh=True)
    health.failed(30.0)
    health.failed(46.0)
    assert (health.failures, health.failing_since, health.last_answer, health.answers) == (2, 30.0, 10.0, 0)
    health.forget()
    assert health.failures == 0
