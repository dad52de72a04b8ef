# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from onionfleet_publisher.uploads import Ledger, Task, Wanted, answering, must_wait

WANTED = Wanted("content", 7, ("a", "b", "c"))


def _published(now: float = 0.0) -> Ledger:
    ledger = Ledger()
    task = ledger.due(WANTED, now)
    assert task == Task("first", ("a", "b", "c"))
    ledger.started(task, WANTED, now, 1, "key")
    for hsdir in WANTED.hsdirs:
        ledger.answered(hsdir, True, now + 1)
    return ledger


def test_nothing_is_due_while_nothing_changed() -> None:
    ledger = _published()
    assert ledger.due(WANTED, 3599) is None
    assert ledger.due(WANTED, 3600) == Task("age", WANTED.hsdirs)
    assert len(ledger.uploaded()) == 3
    assert ledger.due(Wanted("content", 7, ()), 9999) is None


def test_a_change_goes_to_all_but_not_twice_within_seconds() -> None:
    ledger, other = _published(), Wanted("other", 7, WANTED.hsdirs)
    assert ledger.due(other, 9) is None
    task = ledger.due(other, 10)
    assert task == Task("changed", WANTED.hsdirs)
    ledger.started(task, other, 10, 2, "key")
    assert ledger.due(other, 11) is None
    assert ledger.due(WANTED, 15) is None


def test_new_directories_and_new_periods() -> None:
    ledger = _published()
    moved = Wanted("content", 7, ("b", "c", "d"))
    task = ledger.due(moved, 1)
    assert task == Task("directories", ("d",))
    ledger.started(task, moved, 1, 2, "key")
    assert set(ledger.uploads) == {"b", "c", "d"}
    assert ledger.due(Wanted("content", 8, WANTED.hsdirs), 2) == Task("time period", WANTED.hsdirs)


def test_refused_uploads_are_tried_again_for_ten_minutes_and_more() -> None:
    ledger, tries, now = Ledger(), [], 0.0
    while now < 2000:
        task = ledger.due(WANTED, now)
        if task:
            tries.append((now, task.hsdirs))
            ledger.started(task, WANTED, now, 1, "key")
            for hsdir in task.hsdirs:
                ledger.answered(hsdir, hsdir != "b", now)
        now += 1
    assert tries[0] == (0, ("a", "b", "c"))
    assert {hsdirs for _other, hsdirs in tries[1:]} == {("b",)}
    gaps = [later - earlier for (earlier, _first), (later, _second) in zip(tries, tries[1:])]
    assert gaps == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300]
    ledger.started(Task("retry", ("b",)), WANTED, now, 2, "key")
    ledger.answered("b", True, now)
    assert ledger.due(WANTED, now) is None
    assert ledger.tries == 0


def test_a_refusal_is_not_tried_again_at_once_while_others_have_not_answered() -> None:
    ledger = Ledger()
    ledger.started(Task("first", WANTED.hsdirs), WANTED, 100, 1, "key")
    ledger.answered("a", False, 101)
    assert ledger.due(WANTED, 102) is None
    assert ledger.due(WANTED, 106) == Task("retry", ("a",))


def test_a_directory_that_says_nothing_has_not_taken_it() -> None:
    ledger = Ledger()
    ledger.started(Task("first", WANTED.hsdirs), WANTED, 0, 1, "key")
    ledger.answered("a", True, 1)
    assert ledger.expire(45) == ()
    assert ledger.expire(46) == ("b", "c")
    assert ledger.due(WANTED, 51) == Task("retry", ("b", "c"))
    ledger.answered("stranger", True, 60)
    assert set(ledger.uploads) == set(WANTED.hsdirs)


def test_answers_go_to_the_descriptor_that_waits_for_them() -> None:
    first, second = _published(), Ledger()
    assert answering([first, second], "a") is None
    second.started(Task("first", ("a",)), Wanted("content", 8, ("a",)), 5, 1, "key")
    assert answering([first, second], "a") is second
    assert must_wait(Task("age", ("a", "b")), second)
    assert not must_wait(Task("age", ("b",)), second)
