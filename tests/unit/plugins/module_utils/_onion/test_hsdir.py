# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time periods, blinded keys and the hash ring: tor's own vectors and a private network as it really was."""

from __future__ import annotations

import calendar
import dataclasses
import json
import pathlib

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import hsdir
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import public_key_from_address
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import parse_outer
from hypothesis import given
from hypothesis import strategies as st

RECORD = pathlib.Path(__file__).parents[3] / "fixtures" / "private_network"
EXPECTED = json.loads((RECORD / "expected.json").read_text())
CONSENSUS = hsdir.parse_consensus((RECORD / "consensus").read_text(), (RECORD / "microdescriptors").read_text())


def consensus(when, **given_fields):
    seconds = calendar.timegm((2016, 4, *when, 0))
    fields = {"voting_interval": 3600, "params": {}, "random_values": {"current": b"c", "previous": b"p"}, "hsdirs": {}}
    return hsdir.Consensus(valid_after=seconds, **{**fields, **given_fields})


@pytest.mark.parametrize(
    ("when", "number", "random_name"),
    [
        ((13, 11, 0), 16903, "previous"),  # rend-spec-v3, section 2.2.1
        ((13, 12, 0), 16904, "current"),
        ((13, 23, 0), 16904, "current"),
        ((14, 0, 0), 16904, "previous"),
        ((14, 11, 0), 16904, "previous"),
    ],
)
def test_period(when, number, random_name):
    period = hsdir.fetch_period(consensus(when), testing=False)
    assert (period.number, period.length, period.random_name) == (number, 1440, random_name)
    assert period.random_value == random_name[0].encode()


def test_period_takes_the_length_from_the_network_and_a_testing_network_its_own():
    short = consensus((13, 11, 0), params={"hsdir_interval": 720})
    assert hsdir.fetch_period(short, testing=False).length == 720
    assert hsdir.fetch_period(consensus((13, 11, 0), voting_interval=20), testing=True).length == 8


def test_disaster_value_without_a_shared_random_value():
    """test_disaster_srv in tor's test_hs_common.c: the first period."""
    network = dataclasses.replace(consensus((13, 11, 0), random_values={}), valid_after=(1440 + 720) * 60)
    value = "f8a4948707653837fa44abb5bbc75a12f6f101e7f8faf699b9715f4965d3507d"
    assert hsdir.fetch_period(network, testing=False).random_value.hex() == value


def test_index_vectors_of_tor():
    """test_hs_indexes in tor's test_hs_common.c: keys of 0x42, random value of 0x43, period 42."""
    period = hsdir.Period(42, 1440, "current", b"\x43" * 32)
    network = consensus((13, 11, 0), hsdirs={"A": b"\x42" * 32})
    index = "db475361014a09965e7e5e4d4a25b8f8d4b8f16cb1d8a7e95eed50249cc1a2d5"
    assert hsdir.hash_ring(network, period) == [(bytes.fromhex(index), "A")]
    service = bytes.fromhex("37e5cbbd56a22823714f18f1623ece5983a0d64c78495a8cfab854245e5f9a8a")
    below, above = (int.from_bytes(service, "big") - 1).to_bytes(32, "big"), service
    ring = [(below, "below"), (above, "above")]
    assert hsdir.responsible_hsdirs(ring, b"\x42" * 32, period, replicas=1, spread=1) == [("above", 1)]
    wrapped = [(below, "below"), (b"\0" * 32, "first")]
    assert hsdir.responsible_hsdirs(sorted(wrapped), b"\x42" * 32, period, replicas=1, spread=1) == [("first", 1)]


def test_blinded_key_is_that_of_the_descriptor():
    period = hsdir.fetch_period(CONSENSUS, testing=True)
    blinded = hsdir.blind_public_key(public_key_from_address(EXPECTED["address"]), period.number, period.length)
    assert blinded == parse_outer((RECORD / "descriptor").read_text()).blinded_key


def test_responsible_hsdirs_are_those_that_held_the_descriptor():
    period = hsdir.fetch_period(CONSENSUS, testing=True)
    blinded = hsdir.blind_public_key(public_key_from_address(EXPECTED["address"]), period.number, period.length)
    found = hsdir.responsible_hsdirs(hsdir.hash_ring(CONSENSUS, period), blinded, period)
    assert sorted(fingerprint for fingerprint, _replica in found) == EXPECTED["holders"]
    assert [replica for _fingerprint, replica in found] == [1] * 4 + [2] * 4
    assert len(CONSENSUS.hsdirs) == 10


@given(spread=st.integers(1, 12), replicas=st.integers(1, 4))
def test_no_hsdir_is_responsible_twice(spread, replicas):
    period = hsdir.fetch_period(CONSENSUS, testing=True)
    found = hsdir.responsible_hsdirs(
        hsdir.hash_ring(CONSENSUS, period), b"k" * 32, period, replicas=replicas, spread=spread
    )
    assert len({fingerprint for fingerprint, _replica in found}) == len(found) == min(spread * replicas, 10)


def test_only_hsdirs_with_a_known_identity_are_on_the_ring():
    text = (RECORD / "consensus").read_text()
    assert (
        len(hsdir.parse_consensus(text.replace(" HSDir ", " ", 4), (RECORD / "microdescriptors").read_text()).hsdirs)
        < 10
    )
    assert not hsdir.parse_consensus(text, "").hsdirs


def test_a_damaged_consensus_is_named():
    with pytest.raises(OnionfleetError, match="no valid-after"):
        hsdir.parse_consensus("", "")
