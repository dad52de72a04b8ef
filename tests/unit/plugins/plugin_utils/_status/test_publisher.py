# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who published: by signing key, by introduction points, or unknown."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.publisher import Publisher, holder, match


def held(key="k", relays=("1", "2", "3")):
    return {"held": True, "signing_key": key, "introduction_points": None if relays is None else list(relays)}


NONE = {"held": False, "signing_key": None, "introduction_points": None}


def made(host, *, key="own", points=None, circuits=()):
    return host, "w1", {"signing_key": key, "introduction_points": points, "introduction_circuits": list(circuits)}


def test_the_signing_key_decides():
    own = [made("a", key="ka", circuits="123"), made("b", key="kb", circuits="123")]
    assert match([held("kb"), held("ka"), NONE], own) == [
        Publisher("b", "w1", "signing key"),
        Publisher("a", "w1", "signing key"),
        None,
    ]


def test_else_the_introduction_circuits_of_one_daemon_alone():
    own = [made("a", circuits="456789"), made("b", circuits="123456")]
    assert match([held()], own) == [Publisher("b", "w1", "introduction points")]


@pytest.mark.parametrize(
    "own",
    [
        [made("a", circuits="123456"), made("b", circuits="123789")],
        [made("a", circuits="12"), made("b", circuits="23")],
        [made("a", key=None)],
        [],
    ],
)
def test_unknown_is_said(own):
    assert match([held()], own) == [None]


def test_a_daemons_own_descriptor_is_taken_off_its_circuits():
    own = [made("a", points=list("456"), circuits="123456"), made("b", points=list("124"), circuits="123489")]
    assert match([held()], own) == [Publisher("a", "w1", "introduction points")]


def test_a_relay_may_serve_both_descriptors():
    own = [made("a", points=list("145"), circuits="123145"), made("b", points=list("123"), circuits="123456")]
    assert match([held()], own) == [Publisher("a", "w1", "introduction points")]


def test_exactly_the_rest_beats_more_than_the_rest():
    own = [made("a", points=list("456"), circuits="1237456"), made("b", points=list("456"), circuits="123456")]
    assert match([held()], own) == [Publisher("b", "w1", "introduction points")]


def test_introduction_points_may_be_locked():
    assert match([held(relays=None)], [made("a", circuits="123")]) == [None]


def test_keys_that_nobody_knows_do_not_match():
    assert match([held(key=None, relays=None)], [made("a", key=None)]) == [None]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [("aaaaabbb", "a"), ("aaaabbbb", None), ("aaaa----", None), ("aaaaa---", "a"), ("", None)],
)
def test_holder_needs_more_than_half(hosts, expected):
    publishers = [None if host == "-" else Publisher(host, "w1", "signing key") for host in hosts]
    found = holder(publishers)
    assert (found and found.host) == expected
