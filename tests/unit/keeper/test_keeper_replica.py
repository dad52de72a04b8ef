# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replica does of what the decider says, at a tor."""

from __future__ import annotations

import pytest
from fake_control import FakeTor
from onionfleet_keeper import replica, settings
from onionfleet_keeper.model import TOOK_OVER, Action, Rules

ADDRESS = "a" * 56 + ".onion"
RULES = Rules("newsroom", ("web1/w1", "web2/w1"), "web2/w1")
LINES = [("HiddenServiceDir", "/var/lib/a"), ("HiddenServicePort", "80 unix:/run/a.sock")]


@pytest.fixture(name="standby")
def fixture_standby(tmp_path):
    tor = FakeTor(tmp_path)
    tor.info = {"circuit-status": "", "status/enough-dir-info": "1"}
    one = replica.Replica(settings.Daemon("w1", tor.path, False, False, RULES), ADDRESS)
    one.daemon.stand_by()
    one.daemon.observe()
    tor.commands.clear()
    return tor, one


def test_a_take_over_is_told_with_its_reason(standby, caplog):
    caplog.set_level("INFO", "onionfleet")
    _tor, one = standby
    one._do(Action("publish", "unreachable for 21 s", TOOK_OVER))
    assert caplog.messages == ["web2/w1 took over newsroom: unreachable for 21 s"]
    assert one.status()["took_over"]["why"] == "unreachable for 21 s"
    assert one.status()["took_its_turn"] is None


def test_a_release_publishes_nothing_and_goes_in_two_halves(standby, monkeypatch):
    tor, one = standby
    one._do(Action("release", "why"))
    one.daemon.observe()
    one._do(Action("release", "why"))
    assert tor.commands == [[("PublishHidServDescriptors", "0"), *LINES]]
    monkeypatch.setattr(replica, "SWALLOWED_SECONDS", 0.0)
    one._do(Action("release", "why"))
    assert tor.commands[1:] == [[("PublishHidServDescriptors", "1")]]
