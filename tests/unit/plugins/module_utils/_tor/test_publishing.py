# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import publishing
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlPort
from fake_control import FakeTor

AS_WRITTEN = [
    ("HiddenServiceDir", "/var/lib/a"),
    ("HiddenServicePort", "80 unix:/run/a.sock"),
    ("HiddenServicePort", "80 [::1]:8080"),
    ("HiddenServiceDir", "/var/lib/b"),
    ("HiddenServicePort", "443 127.0.0.1:8443"),
    ("HiddenServiceMaxStreams", "7"),
]
ON = ("HiddenServicePoWDefensesEnabled", "1")
MIXED = [*AS_WRITTEN[:1], ON, *AS_WRITTEN[1:]]  # on for good for a


@pytest.fixture
def tor(tmp_path):
    return FakeTor(tmp_path)


def test_arming_loses_no_line_and_no_order():
    armed = publishing.armed(AS_WRITTEN)
    assert [pair for pair in armed if pair[0] != "HiddenServicePoWDefensesEnabled"] == AS_WRITTEN
    assert [armed[number + 1] for number, pair in enumerate(armed) if pair[0] == "HiddenServiceDir"] == [ON] * 2
    assert publishing.configured(armed) == AS_WRITTEN
    assert publishing.armed(armed) == armed


def test_armed_is_who_has_proof_of_work_everywhere():
    assert publishing.is_armed(publishing.armed(AS_WRITTEN))
    assert not publishing.is_armed(AS_WRITTEN)
    assert not publishing.is_armed(MIXED)
    assert not publishing.is_armed([*AS_WRITTEN, ("HiddenServicePoWDefensesEnabled", "0")])
    assert not publishing.is_armed([("HiddenServiceOptions", None)])


def test_what_is_on_for_good_stays_on_when_a_daemon_fires():
    assert publishing.configured(publishing.armed(MIXED), ["/var/lib/a"]) == MIXED


def test_a_daemon_of_both_kinds_stands_by_publishes_and_goes_back(tor):
    tor.services = [f"{key}={value}" for key, value in MIXED]
    with ControlPort(tor.path) as port:
        assert not publishing.stands_by(port, ["/var/lib/a"])
        publishing.stand_by(port, ["/var/lib/a"])
        assert publishing.stands_by(port, ["/var/lib/a"])
        assert tor.commands[-1] == [("PublishHidServDescriptors", "0"), *publishing.armed(MIXED)]
        publishing.publish(port, ["/var/lib/a"])
        assert tor.commands[-1] == [("PublishHidServDescriptors", "1"), *MIXED]
        assert publishing.publishes(port)
        publishing.stand_by(port, ["/var/lib/a"])
        assert publishing.disarm(port, ["/var/lib/a"])
        assert tor.commands[-1] == [("PublishHidServDescriptors", "0"), *MIXED]
