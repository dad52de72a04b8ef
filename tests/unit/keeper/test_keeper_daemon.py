# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import pathlib
import time

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import parse_outer
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import publishing
from fake_control import FakeTor
from onionfleet_keeper import daemon
from onionfleet_keeper.daemon import Daemon

LABEL = "a" * 56
DESCRIPTOR = (pathlib.Path(__file__).parents[1] / "fixtures" / "private_network" / "descriptor").read_text()
LINES = [("HiddenServiceDir", "/var/lib/a"), ("HiddenServicePort", "80 unix:/run/a.sock")]
POW = ("HiddenServicePoWDefensesEnabled", "1")
CIRCUIT = f"7 BUILT $A~a,$B~b PURPOSE=HS_SERVICE_INTRO HS_STATE=HSSI_ESTABLISHED REND_QUERY={LABEL}"


@pytest.fixture
def tor(tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "SWALLOWED_SECONDS", 0.01)
    fake = FakeTor(tmp_path)
    fake.info = {"circuit-status": CIRCUIT, "status/enough-dir-info": "1"}
    return fake


def _daemon(tor, pow=False):
    one = Daemon(tor.path, f"{LABEL}.onion", pow)
    one.observe()
    return one


def test_a_standby_is_armed_in_one_command_and_fires_what_was_configured(tor):
    one = _daemon(tor)
    one.stand_by()
    one.observe()
    assert (one.publishes, one.armed) == (False, True)
    one.publish()
    one.observe()
    assert (one.publishes, one.armed) == (True, False)
    assert tor.commands == [
        [("PublishHidServDescriptors", "0"), LINES[0], POW, LINES[1]],
        [("PublishHidServDescriptors", "1"), *LINES]]


def test_who_is_not_armed_is_armed_before_it_publishes(tor):
    _daemon(tor).publish()
    assert [dict(command)["PublishHidServDescriptors"] for command in tor.commands] == ["0", "1"]


def test_with_proof_of_work_for_good_only_publishing_is_switched(tor):
    tor.services.insert(1, "HiddenServicePoWDefensesEnabled=1")
    one = _daemon(tor, pow=True)
    one.stand_by()
    one.publish()
    assert tor.commands == [[("PublishHidServDescriptors", "0")], [("PublishHidServDescriptors", "1")]]


def test_ready_with_introduction_circuits_and_directory_information(tor):
    assert _daemon(tor).ready
    tor.info["status/enough-dir-info"] = "0"
    assert not _daemon(tor).ready
    tor.info = {"circuit-status": CIRCUIT.replace("ESTABLISHED", "CONNECTING"), "status/enough-dir-info": "1"}
    assert not _daemon(tor).ready


def test_uploads_of_this_service_are_noticed(tor):
    one = _daemon(tor)
    tor.say(f"650 HS_DESC UPLOADED {'b' * 56} UNKNOWN $AA")
    one.observe()
    assert one.uploaded is None
    tor.say(f"650 HS_DESC UPLOADED {LABEL} UNKNOWN $AA")
    time.sleep(0.05)
    one.observe()
    assert one.uploaded is not None


def test_it_knows_its_own_descriptor_of_the_period_that_its_tor_shows(tor):
    tor.info[f"hs/service/desc/id/{LABEL}"] = DESCRIPTOR
    one, outer = _daemon(tor), parse_outer(DESCRIPTOR)
    assert one.made(outer.blinded_key, outer.signing_key) is True
    assert one.made(outer.blinded_key, b"of another replica") is None, "it has uploaded nothing yet"
    tor.say(f"650 HS_DESC UPLOADED {LABEL} UNKNOWN $AA")
    time.sleep(0.05)
    one.observe()
    assert one.made(outer.blinded_key, b"of another replica") is False
    assert one.made(b"of another period", outer.signing_key) is None
    del tor.info[f"hs/service/desc/id/{LABEL}"]
    tor.hang_up()
    with pytest.raises(OnionfleetError):
        one.observe()
    assert one.made(outer.blinded_key, outer.signing_key) is None
    one.observe()
    assert one.made(outer.blinded_key, outer.signing_key) is None
    assert one.uploaded is None


def test_a_tor_that_restarts_is_unknown_until_it_is_back(tor):
    one = _daemon(tor)
    tor.hang_up()
    with pytest.raises(OnionfleetError):
        one.observe()
    assert (one.publishes, one.ready) == (None, False)
    one.observe()
    assert one.publishes is True


def test_release_publishes_nothing_and_leaves_tor_as_configured(tor):
    one = _daemon(tor)
    one.stand_by()
    assert daemon.release([one]) == []
    assert tor.commands[1:] == [[("PublishHidServDescriptors", "0"), *LINES], [("PublishHidServDescriptors", "1")]]


def test_release_sends_no_command_to_who_needs_none_and_survives_who_is_gone(tor, tmp_path):
    gone = Daemon(os.fspath(tmp_path / "nowhere"), f"{LABEL}.onion", False)
    assert len(daemon.release([gone, Daemon(tor.path, f"{LABEL}.onion", True)])) == 1
    assert tor.commands == []


def test_a_tor_in_its_sandbox_is_set_nothing(tor):
    """Which ends itself then."""
    tor.sandbox = "1"
    one = Daemon(tor.path, f"{LABEL}.onion", False)
    for act in (one.observe, one.stand_by, one.publish, one.disarm):
        with pytest.raises(OnionfleetError, match="Sandbox 1"):
            act()
    assert tor.commands == []
    assert one.publishes is None
