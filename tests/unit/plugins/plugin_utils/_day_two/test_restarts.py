# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.restarts import restart_order
from hypothesis import given
from hypothesis import strategies as st


def restart(name, **revisions):
    return {"name": name, "action": "restart", "reasons": [], "revisions": revisions}


def order(actions):
    return [(step["host"], step["action"]["name"]) for step in restart_order(actions)]


def test_the_present_holder_comes_last():
    actions = {"web1": [restart("n", newsroom=9)], "web2": [restart("n", newsroom=4)], "web3": [restart("n")]}
    assert order(actions) == [("web2", "n"), ("web3", "n"), ("web1", "n")]


def test_who_holds_two_services_comes_after_who_holds_one():
    actions = {"web1": [restart("a", x=9, y=9)], "web2": [restart("a", x=1, y=1), restart("b", z=3)]}
    assert order(actions) == [("web2", "a"), ("web2", "b"), ("web1", "a")]


def test_other_actions_are_not_restarts():
    assert order({"web1": [{"name": "n", "action": "reload", "reasons": []}]}) == []


ACTIONS = st.dictionaries(
    st.sampled_from(["web1", "web2", "web3"]),
    st.lists(st.builds(lambda n, r: restart(n, s=r), st.sampled_from("abc"), st.integers(0, 5)), max_size=3),
)


@given(ACTIONS)
def test_nothing_is_lost_and_the_last_one_holds(actions):
    steps = restart_order(actions)
    assert len(steps) == sum(map(len, actions.values()))
    if steps:
        assert steps[-1]["action"]["revisions"]["s"] == max(step["action"]["revisions"]["s"] for step in steps)
