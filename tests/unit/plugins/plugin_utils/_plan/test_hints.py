# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""_hints: few, and each of them of use."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan

HOSTS = [f"h{number}" for number in range(8)]


def hints(publisher=None, **fields):
    service = {"name": "a", "ports": [{"port": 80, "target": "127.0.0.1:1"}], **fields}
    declared = Declaration(
        services=[service], groups={"all": HOSTS}, addresses={"a": "address"}, publisher=publisher or {}
    )
    return [hint.partition("service 'a' has ")[2] for hint in make_plan(declared).hints]


def hardmap(hosts, **fields):
    return hints(layout="hardmap", replicas=HOSTS[:hosts], **fields)


def softmap(hosts, publisher=None, **fields):
    return hints(layout="softmap", publishers=HOSTS[:2], backends=HOSTS[:hosts], publisher=publisher, **fields)


@pytest.mark.parametrize(
    ("hosts", "workers", "minutes"),
    [(2, 1, "33 minutes"), (2, 2, "23 minutes"), (3, 1, "23 minutes"), (2, 3, None), (4, 1, None), (3, 2, None)],
)
def test_the_gap_of_a_hardmap(hosts, workers, minutes):
    found = hardmap(hosts, workers=workers)
    assert [minutes in hint for hint in found] == ([True] if minutes else [])
    assert all("keeper: true takes over within a minute" in hint for hint in found)
    assert hardmap(hosts, workers=workers, keeper=True) == []


def test_where_a_keeper_cannot_be_it_is_not_advised():
    (hint,) = hardmap(2, daemon="small")
    assert "keeper: true" not in hint and "more replicas make it shorter" in hint


def test_one_host_is_told_once():
    assert [hint.split(";")[0] for hint in hardmap(1)] == ["one host only"]
    assert [hint.split(";")[0] for hint in hardmap(1, workers=2)] == ["one host only"]


@pytest.mark.parametrize(
    ("hosts", "workers", "publisher", "share"),
    [
        (5, 4, {}, None),
        (7, 3, {}, "95 %"),
        (8, 5, {}, "50 %"),
        (5, 2, {"introduction_points": 8}, "80 %"),
        (2, 2, {}, None),
    ],
)
def test_more_backends_than_places_take_turns(hosts, workers, publisher, share):
    found = softmap(hosts, workers=workers, publisher=publisher)
    assert [share in hint for hint in found] == ([True] if share else [])


def test_what_is_absent_is_not_judged():
    assert hardmap(2, state="absent") == []


def test_the_same_hint_is_told_once_for_all_services():
    services = [
        {
            "name": f"s{number}",
            "layout": "hardmap",
            "replicas": HOSTS[:2],
            "ports": [{"port": 80, "target": "127.0.0.1:1"}],
        }
        for number in range(8)
    ]
    addresses = {service["name"]: service["name"] for service in services}
    (hint,) = make_plan(Declaration(services=services, groups={"all": HOSTS}, addresses=addresses)).hints
    assert hint.startswith("service 's0' (and 's1', 's2', 's3', 's4', 's5' and others) has no keeper: ")
    (hint,) = make_plan(Declaration(services=services[:2], groups={"all": HOSTS}, addresses=addresses)).hints
    assert hint.startswith("service 's0' (and 's1') has no keeper: ")
