# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.preflights import clock_offset, fleet_report

SERVICES = {
    "newsroom": {
        "state": "present",
        "publishers": [],
        "replicas": [{"host": "web1"}, {"host": "web2"}, {"host": "web2"}],
    },
    "gone": {"state": "absent", "publishers": [], "replicas": [{"host": "web1"}, {"host": "web3"}]},
}


def found(offset=0.0, uncertainty=0.1, **more):
    return {"faults": [], "hints": [], "clock": {"offset": offset, "uncertainty": uncertainty}, **more}


def test_the_round_trip_is_taken_off_the_clock():
    assert clock_offset(100.0, 108.0, 104.0) == {"offset": 6.0, "uncertainty": 2.0}


def test_a_sound_fleet_has_nothing_to_report():
    assert fleet_report({"web1": found(), "web2": found(4.0)}, SERVICES) == {"faults": [], "hints": []}


def test_faults_and_warnings_of_all_hosts_come_with_their_host():
    report = fleet_report(
        {"web1": found(faults=["disk: full"]), "web2": found(faults=["tor: old"], hints=["socket"])}, SERVICES
    )
    assert report == {
        "faults": ["host 'web1': disk: full", "host 'web2': tor: old"],
        "hints": ["host 'web2': socket"],
    }


@pytest.mark.parametrize("offset", [5.3, -5.3, 3600.0])
def test_clocks_apart_are_refused_between_hosts_that_share_a_key(offset):
    faults = fleet_report({"web1": found(), "web2": found(offset), "web3": found(-9000)}, SERVICES)["faults"]
    assert len(faults) == 1 and faults[0].startswith("service 'newsroom': clock: host ")


def test_a_slow_connection_does_not_look_like_a_wrong_clock():
    assert fleet_report({"web1": found(), "web2": found(8.0, uncertainty=4.0)}, SERVICES)["faults"] == []


def test_a_lost_host_is_mentioned_and_a_failing_one_stops_the_run():
    report = fleet_report(
        {"web1": {"unreachable": True}, "web2": {"failed": True, "msg": "Missing sudo password\nmore"}}, SERVICES
    )
    assert report["hints"] == ["host 'web1': is not reachable; run again when it is back"]
    assert report["faults"] == ["host 'web2': could not be looked at: Missing sudo password"]


def test_clocks_of_publishers_count_and_those_of_backends_do_not():
    services = {
        "archive": {
            "state": "present",
            "replicas": [],
            "backends": [{"host": "web3"}],
            "publishers": [{"host": "web1"}, {"host": "web2"}],
        }
    }
    assert fleet_report({"web1": found(), "web2": found(), "web3": found(99.0)}, services)["faults"] == []
    (fault,) = fleet_report({"web1": found(), "web2": found(99.0)}, services)["faults"]
    assert "service 'archive': clock: host 'web2'" in fault
