# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings
from onionfleet_publisher import choice
from onionfleet_publisher.choice import Backend, Point


def _points(name: str, count: int, relays: int = 10**6) -> tuple[Point, ...]:
    return tuple(Point(f"{name}-{number}", str(hash((name, number)) % relays)) for number in range(count))


def _fleet(backends: int, points: int = 3, relays: int = 10**9) -> dict[str, tuple[Point, ...]]:
    return {f"b{number}": _points(f"b{number}", points, relays) for number in range(backends)}


def _up(name: str, **changed: object) -> Backend:
    return Backend(**({"address": name, "state": "up", "points": _points(name, 3)} | changed))


def test_who_answers_is_listed() -> None:
    backends = [
        _up("a"),
        _up("b", state="down"),
        _up("c", drained=True),
        _up("d", points=()),
        _up("e", state="unknown"),
        _up("f", state="unknown", failures=1),
    ]
    assert choice.listing(backends) == choice.Listing(("a", "e"))


def test_the_last_one_is_not_drained_and_a_dead_service_keeps_its_descriptor() -> None:
    drained, dead = _up("a", drained=True), _up("b", state="down")
    assert choice.listing([drained, _up("b", drained=True)], ["b"]) == choice.Listing(
        ("b",), "all backends are drained"
    )
    assert choice.listing([drained, dead], ["b"]) == choice.Listing(("a",), "only drained backends answer")
    assert choice.listing([_up("a", state="down"), dead], ["b"]) == choice.Listing(("b",), "no backend answers")
    assert choice.listing([_up("a", state="down"), dead]) == choice.Listing(("a", "b"), "no backend answers")
    assert choice.listing([_up("a", points=())], ["a"]) == choice.Listing(())


@pytest.mark.parametrize(("backends", "each"), [(1, 10), (2, 10), (3, 6), (6, 3), (10, 2), (11, 1), (20, 1)])
def test_a_share_for_each(backends: int, each: int) -> None:
    chosen = choice.spread(_fleet(backends, points=10), {}, limit=20)
    assert {len(points) for points in chosen.values()} == {each}
    assert len(chosen) == backends


def test_turns_are_fair() -> None:
    fleet, listed = _fleet(25), []
    for turn in range(5):
        chosen = choice.spread(fleet, {}, limit=20, turn=turn)
        assert sum(map(len, chosen.values())) == 20
        listed += chosen
    assert {listed.count(address) for address in fleet} == {4}


@example(3, 7, 24, 18, 0)  # it moved, and moved back
@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 40), st.integers(3, 20), st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_never_too_many_never_twice_on_a_relay(backends: int, points: int, relays: int, limit: int, turn: int) -> None:
    fleet = _fleet(backends, points, relays)
    chosen = choice.spread(fleet, {}, limit=limit, turn=turn)
    relay_of = {point.identity: point.relay for points in fleet.values() for point in points}
    used = [relay_of[identity] for identities in chosen.values() for identity in identities]
    assert 0 < len(used) <= limit
    assert len(used) == len(set(used))
    assert all(
        identity in {point.identity for point in fleet[address]}
        for address, identities in chosen.items()
        for identity in identities
    )
    assert all(chosen.values())
    assert choice.spread(fleet, chosen, limit=limit, turn=turn) == chosen


def test_with_few_relays_everybody_gets_a_turn() -> None:
    fleet = {f"b{number}": (Point(f"p{number}", "r0" if number < 2 else f"r{number}"),) for number in range(12)}
    listed = {address for turn in range(24) for address in choice.spread(fleet, {}, limit=6, turn=turn)}
    assert listed == set(fleet)


def test_a_backend_moves_for_another() -> None:
    fleet = {"a": (Point("a1", "r1"), Point("a2", "r2")), "b": (Point("b1", "r1"),)}
    for previous in ({}, {"a": ("a1",)}):
        assert choice.spread(fleet, previous, limit=2) == {"a": ("a2",), "b": ("b1",)}


def test_what_is_listed_stays_and_what_is_gone_is_replaced() -> None:
    fleet = _fleet(4, points=10)
    before = choice.spread(fleet, {}, limit=20)
    more = {address: (*points, Point(f"new-{address}", f"new-{address}")) for address, points in fleet.items()}
    assert choice.spread(more, before, limit=20) == before
    lost = before["b0"][0]
    fewer = more | {"b0": tuple(point for point in more["b0"] if point.identity != lost)}
    after = choice.spread(fewer, before, limit=20)
    assert {address: after[address] for address in ("b1", "b2", "b3")} == {
        address: before[address] for address in ("b1", "b2", "b3")
    }
    assert set(before["b0"]) - {lost} < set(after["b0"])


def test_turns_are_the_same_on_all_publishers() -> None:
    assert choice.turn(6005.0, 600.0) == 10
    assert choice.turn(6005.0, 600.0, offset=10.0) == 9


@pytest.mark.parametrize(
    ("offers", "common"),
    [
        (["1-2 31", "1-2 31"], "1-2 31"),
        (["1-2 31", "2-3 31"], "2 31"),
        (["1-2 31", None], None),
        (["1-2 31", "1-2 30"], None),
        (["1 31", "2 31"], None),
        ([], None),
        (["x"], None),
        (["1-2"], None),
        (["1-2-3 31"], None),
        (["-1 31"], None),
        (["1- 31"], None),
    ],
)
def test_flow_control_that_all_offer(offers: list[str | None], common: str | None) -> None:
    assert choice.common_flow_control(offers) == common


def test_one_relay_in_common_costs_one_point() -> None:
    fleet = {
        f"b{number}": tuple(Point(f"b{number}-{one}", f"r{number}-{one}") for one in range(3)) for number in range(6)
    }
    fleet["b5"] = (Point("same", "r0-0"), *fleet["b5"][1:])
    assert sorted(len(points) for points in choice.spread(fleet, {}, limit=20).values()) == [2, 3, 3, 3, 3, 3]
    fleet["b4"] = (Point("same too", "r1-0"), *fleet["b4"][1:])
    fleet["b3"] = (Point("and this", "r2-0"), *fleet["b3"][1:])
    assert sorted(len(points) for points in choice.spread(fleet, {}, limit=20).values()) == [2, 2, 2, 2, 2, 2]
