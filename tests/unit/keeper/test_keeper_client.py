# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import pathlib
import re

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import parse_outer
from fake_control import FakeTor
from onionfleet_keeper.client import Client
from onionfleet_keeper.settings import Asked

NETWORK = pathlib.Path(__file__).parents[1] / "fixtures" / "private_network"
EXPECTED = json.loads((NETWORK / "expected.json").read_text())
ADDRESS, DESCRIPTOR = EXPECTED["address"], (NETWORK / "descriptor").read_text()


@pytest.fixture
def tor(tmp_path):
    fake = FakeTor(tmp_path)
    fake.services = ["TestingTorNetwork=1"]
    fake.info = {"dir/status-vote/current/consensus-microdesc": (NETWORK / "consensus").read_text(),
                 "md/all": (NETWORK / "microdescriptors").read_text(), "consensus/valid-after": "2026-11-22 21:30:00"}
    return fake


def _look(tor):
    return Client(tor.path, "/nowhere").look(ADDRESS)


def test_what_responsible_hsdirs_hold(tor):
    tor.held = dict.fromkeys(EXPECTED["holders"], DESCRIPTOR)
    found, outer = _look(tor), parse_outer(DESCRIPTOR)
    assert (found.answered, found.revision) == (True, outer.revision_counter)
    assert (found.blinded_key, found.signing_key) == (outer.blinded_key, outer.signing_key)


def test_the_newest_counts(tor):
    older = re.sub(r"revision-counter \d+", "revision-counter 5", DESCRIPTOR)
    tor.held = {hsdir: DESCRIPTOR if number % 2 else older for number, hsdir in enumerate(EXPECTED["holders"])}
    revisions = {_look(tor).revision for _index in range(12)}
    assert parse_outer(DESCRIPTOR).revision_counter in revisions


def test_no_descriptor_is_an_answer_and_no_hsdir_is_none(tor):
    assert (_look(tor).answered, _look(tor).revision) == (True, None)
    tor.held = dict.fromkeys(EXPECTED["holders"], "UNEXPECTED")
    assert _look(tor).answered is False


def test_without_a_tor_nothing_answers(tmp_path):
    client = Client(str(tmp_path / "control"), str(tmp_path / "socks"))
    assert client.look(ADDRESS).answered is False
    probe = client.probe(ADDRESS, Asked(80))
    assert not probe.answered
    assert "socks" in probe.why
