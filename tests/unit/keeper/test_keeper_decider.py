# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from onionfleet_keeper import decider, turns
from onionfleet_keeper.decider import decide
from onionfleet_keeper.model import TOOK_OVER, TURN, Look, Probe, Rules, State, View

REPLICAS = ("web1", "web2", "web3")
WALL = 1_790_000_000.0
FAILS = WALL + 15  # about when services fail in these tests


def _rules(**changed):
    return Rules(**{"service": "newsroom", "replicas": REPLICAS, "own": "web1", **changed})


def _first(rules=None):
    """The replica that takes over first at the wall time of these tests."""
    rules = rules or _rules()
    return min(
        (dataclasses.replace(rules, own=name) for name in REPLICAS),
        key=lambda one: turns.place_delay(one, FAILS, False),
    )


class Replica:
    """A decider with a view that a test changes as it goes; a second passes with each step."""

    def __init__(self, rules=None, **view):
        self.rules, self.state, self.actions, self.revision = rules or _first(), State(), [], 7
        self.released = 0
        self.view = View(
            **{
                "now": 1000.0,
                "wall": WALL,
                "ready": True,
                "publishes": False,
                "armed": True,
                "targets": True,
                "drained": False,
                **view,
            }
        )

    def step(self, count=1, **view):
        for _index in range(count):
            self.view = dataclasses.replace(self.view, now=self.view.now + 1, wall=self.view.wall + 1, **view)
            self.state, action = decide(self.rules, self.state, self.view)
            if action.kind == "look":
                self.view = dataclasses.replace(self.view, look=Look(self.view.now, True, 1, self.revision))
            elif action.kind == "release":
                self.released += 1
                self.view = dataclasses.replace(self.view, publishes=True, armed=False)
            elif action.kind != "wait":
                self.view = dataclasses.replace(
                    self.view, publishes=action.kind == "publish", armed=action.kind == "stand_by"
                )
                self.actions.append(action)
        return self

    def probe(self, answered, **view):
        return self.step(probe=Probe(self.view.now, answered), **view)

    @property
    def kinds(self):
        return [action.kind for action in self.actions]


def _standby(rules=None):
    """A replica that has looked: somebody else holds, and answers."""
    return Replica(rules).step(3).probe(True).step(10)


def test_whoever_does_not_hold_stands_by():
    replica = Replica(publishes=True, armed=False).step(3)
    assert replica.kinds == ["stand_by"]
    assert replica.state.holds is False


def test_whoever_made_the_descriptor_holds_though_its_keeper_is_new():
    replica = Replica(publishes=True, armed=False)
    replica.step(look=Look(1000.5, True, 1, 7, own=True))
    assert replica.state.holds is True
    assert replica.step(30).kinds == []


def test_whoever_learns_late_that_the_descriptor_is_its_own_holds():
    """Seen on hosts: its upload had not reached HSDirs at the first reading, and at the second its tor did not tell."""
    replica = _standby()
    replica.step(look=Look(replica.view.now, True, 1, 8))
    assert replica.state.holds is False
    replica.step(look=Look(replica.view.now, True, 1, 8, own=True))
    assert replica.state.holds is True
    assert replica.step(30).kinds == []


def _cut_off(seconds):
    """A standby that is back on the network: HSDirs answer it again, and its connections of before may not yet."""
    one = _standby()
    for _index in range(seconds // 5):
        one.view = dataclasses.replace(one.view, look=Look(one.view.now, False))
        one.probe(False).step(4, look=one.view.look)
    one.view = dataclasses.replace(one.view, look=Look(one.view.now, True, 1, one.revision))
    return one.step()


def test_whose_tor_was_away_trusts_its_own_probes_after_as_long_again():
    one = _cut_off(60)
    for _index in range(10):
        one.probe(False).step(4)
    assert one.kinds == []
    for _index in range(12):
        one.probe(False).step(4)
    assert one.kinds[:1] == ["publish"]


def test_an_answer_says_that_its_tor_is_well_again():
    one = _cut_off(60).probe(True)
    for _index in range(8):
        one.probe(False).step(4)
    assert one.kinds == ["publish"]


@pytest.mark.parametrize("unfit", [{"targets": False}, {"drained": True}])
def test_who_may_not_serve_does_not_hold_though_the_descriptor_is_its_own(unfit):
    replica = _standby().step(**unfit)
    replica.step(look=Look(replica.view.now, True, 1, 7, own=True))
    assert replica.state.holds is False


def test_nobody_is_moved_before_the_hsdirs_were_read_but_not_for_ever():
    replica = Replica(publishes=True, armed=False)
    blind = Look(1.0, False)
    for _index in range(19):
        replica.step(look=blind)
    assert replica.kinds == []
    for _index in range(5):
        replica.step(look=blind)
    assert replica.kinds == ["stand_by"]


def test_two_failures_and_a_look_make_a_take_over_that_says_for_how_long():
    replica = _standby().probe(False)
    assert replica.step().kinds == []
    replica.probe(False).step(14)
    assert replica.kinds == ["publish"]
    assert replica.actions[0].done == TOOK_OVER
    assert replica.actions[0].why.startswith("unreachable for ")
    assert replica.state.holds is True


def test_a_failure_of_a_request_that_began_before_the_last_answer_says_nothing():
    replica = _standby()
    slow = Probe(replica.view.now - 9, False)
    replica.probe(True).probe(False)
    replica.step(probe=slow).step(20)
    assert replica.kinds == []


def test_nobody_takes_over_where_no_hsdir_answers():
    replica = _standby()
    for _index in range(60):
        replica.probe(False, look=Look(replica.view.now, False))
    assert "publish" not in replica.kinds


@pytest.mark.parametrize("unfit", [{"ready": False}, {"targets": False}, {"drained": True}, {"publishes": None}])
def test_the_unfit_neither_take_over_nor_take_turns(unfit):
    replica = _standby().probe(False).probe(False, **unfit)
    for _index in range(4000):
        replica.view = dataclasses.replace(replica.view, **unfit)
        replica.step()
    assert "publish" not in replica.kinds


@pytest.mark.parametrize("unfit", [{"targets": False}, {"drained": True}])
def test_a_holder_that_may_not_serve_stands_by(unfit):
    replica = _standby().probe(False).probe(False).step(4)
    assert replica.kinds == ["publish"]
    replica.step(**unfit)
    assert replica.kinds == ["publish", "stand_by"]
    assert replica.state.holds is False


def test_a_take_over_of_somebody_else_ends_the_wish():
    replica = _standby().probe(False)
    replica.revision = 8
    replica.probe(False).step(10)
    assert replica.kinds == []
    assert replica.state.failures == 0


def test_whoever_comes_later_waits():
    last = max((_rules(own=name) for name in REPLICAS), key=lambda rules: turns.place_delay(rules, FAILS, False))
    replica = _standby(last).probe(False).probe(False).step(7)
    assert replica.kinds == []
    assert replica.step(6).kinds == ["publish"]


def test_publications_are_bounded_and_what_is_in_vain_leaves_a_rest():
    replica = _standby()
    for _index in range(600):
        replica.probe(False).step(2)
    assert len(replica.state.published) == _rules().bound - decider.RESERVE


def _exhausted():
    """A replica that published in vain until it may not any more, and does not hold."""
    replica = _standby()
    for _index in range(60):
        replica.probe(False).step(2)
    replica.revision += 1
    replica.step(70)
    for _index in range(60):
        replica.probe(False).step(2)
    return replica


def test_who_may_not_help_any_more_is_plain_tor_until_somebody_answers():
    """Seen on hosts so busy that all requests failed: all had used up their orders, stood by, and nobody published."""
    replica = _exhausted()
    assert len(replica.state.published) == _rules().bound - decider.RESERVE
    assert (replica.released, replica.view.publishes, replica.state.holds) == (1, True, False)
    replica.probe(True).step()
    assert (replica.kinds[-1], replica.view.publishes) == ("stand_by", False)


@pytest.mark.parametrize("unfit", [{"targets": False}, {"drained": True}])
def test_who_may_not_serve_is_not_released(unfit):
    replica = _exhausted().step(**unfit)
    assert replica.view.publishes is False
    replica.probe(False).step(20)
    assert (replica.released, replica.view.publishes) == (1, False)


def test_a_descriptor_that_the_hsdirs_lost_is_published_again():
    replica = _standby()
    replica.revision = None
    replica.step(62)
    assert replica.kinds == ["publish"]


def test_turns_go_round():
    """Each in its turn, and none when there are no turns."""
    rules = _rules(interval=600.0)
    number = turns.slot(rules, WALL)
    start = WALL + 600 - turns.since(rules, WALL) - 60
    published = {}
    for name in REPLICAS:
        replica = Replica(dataclasses.replace(rules, own=name), wall=start).step(3).probe(True)
        for _index in range(12):
            replica.probe(True).step(9)
        published[name] = [action.done for action in replica.actions]
    assert published[REPLICAS[(number + 1) % 3]] == [TURN]
    quiet = Replica(_rules(interval=0.0), wall=start).step(3)
    for _index in range(200):
        quiet.probe(True).step(9)
    assert quiet.kinds == []


def test_a_holder_whose_tor_is_gone_steps_down():
    replica = _standby().probe(False).probe(False).step(4)
    for _index in range(60):
        replica.step(look=Look(replica.view.now, False))
    assert replica.kinds == ["publish", "stand_by"]
    assert "our own Tor" in replica.actions[1].why


def test_where_every_command_costs_nobody_stands_by_unless_it_cannot_serve():
    replica = Replica(_rules(stands_by=False, interval=0.0), publishes=True, armed=False).step(100)
    assert replica.kinds == []
    assert replica.step(targets=False).kinds == ["stand_by"]


def test_a_sighup_brings_a_standby_back_to_publishing_and_it_stands_by_again():
    replica = _standby()
    replica.step(publishes=True, armed=False)
    assert replica.kinds == ["stand_by"]


def test_a_clock_set_back_by_a_day_makes_no_turn():
    replica = _standby()
    replica.view = dataclasses.replace(replica.view, wall=replica.view.wall - 86400)
    assert replica.step(3).probe(True).step(5).kinds == []


def test_a_new_time_period_is_no_publication_of_anybody():
    replica = _standby().probe(False).probe(False).step(4)
    replica.step(look=Look(replica.view.now, True, 2, 99))
    assert replica.state.holds is True


def test_a_holder_whose_tor_is_back_does_not_take_the_service_back():
    """Seen on hosts: a tor that was killed and started half a minute later published before its keeper had looked."""
    replica = _standby().probe(False).probe(False).step(4)
    assert replica.kinds == ["publish"]
    replica.probe(True).step(3, publishes=None, ready=False).probe(True)
    replica.step(publishes=True, ready=False, armed=False)
    assert replica.kinds == ["publish", "stand_by"]


def test_a_holder_whose_tor_is_back_looks_before_it_publishes():
    """Seen on hosts: somebody had taken over three seconds before, and nobody had asked since."""
    replica = _standby().probe(False).probe(False).step(4).step(30)
    replica.step(20, publishes=None, ready=False)
    replica.revision = 9
    replica.step(2, publishes=True, ready=False, armed=False)
    assert replica.kinds == ["publish", "stand_by"]


def test_an_answer_from_before_its_tor_was_gone_says_nothing():
    replica = _standby().probe(False).probe(False).step(4)
    asked = Probe(replica.view.now - 1, True)
    replica.step(publishes=None, ready=False).step(probe=asked)
    assert replica.state.holds is True


def test_a_holder_whose_tor_is_away_learns_that_somebody_took_over():
    """Seen on hosts: the upload of its own publication was taken for that of the other."""
    replica = _standby().probe(False).probe(False).step(4)
    assert replica.kinds == ["publish"]
    replica.revision = 8
    replica.step(6, uploaded=replica.view.now)
    assert replica.state.holds is True
    replica.revision = 9
    replica.step(90, publishes=None, ready=False)
    assert replica.state.holds is False
    assert replica.step(publishes=True, ready=True, armed=False).kinds == ["publish", "stand_by"]
