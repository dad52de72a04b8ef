# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from onionfleet_keeper import settings

SERVICE = {
    "name": "newsroom",
    "address": "a" * 56 + ".onion",
    "replicas": ["web1/newsroomw1", "web2/newsroomw1"],
    "daemons": [{"name": "newsroomw1", "replica": "web1/newsroomw1"}],
    "targets": [["127.0.0.1:8080", "unix:/run/a"]],
    "probe": {"port": 80},
}


def _parse(**changed):
    return settings.parse(json.dumps({"services": [{**SERVICE, **changed}]}))


def test_defaults():
    config = _parse()
    service, daemon = config.services[0], config.services[0].daemons[0]
    assert (config.run, config.control, config.socks) == (
        "/run/onionfleet-keeper",
        "/run/tor-instances/onionkeeper/control",
        "/run/tor-instances/onionkeeper/probe.sock",
    )
    assert (daemon.control, daemon.pow) == ("/run/tor-instances/newsroomw1/control", False)
    assert (daemon.rules.interval, daemon.rules.bound, daemon.rules.own, daemon.rules.stands_by) == (
        1800.0,
        6,
        "web1/newsroomw1",
        True,
    )
    assert (service.targets, service.probe.interval, service.credentials, daemon.drained) == (
        (("127.0.0.1:8080", "unix:/run/a"),),
        10.0,
        None,
        False,
    )


def test_with_proof_of_work_there_are_no_turns_unless_told_and_no_standing_by():
    with_pow = [{**SERVICE["daemons"][0], "pow": True}]
    rules = _parse(daemons=with_pow).services[0].daemons[0].rules
    assert (rules.interval, rules.stands_by) == (0.0, False)
    assert _parse(daemons=with_pow, interval=3600).services[0].daemons[0].rules.interval == 3600.0


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"address": ""}, "address: is missing"),
        ({"replicas": ["web1/newsroomw1", "web1/newsroomw1"]}, "twice"),
        ({"replicas": ["web2/newsroomw1"]}, "none of its replicas"),
        ({"interval": 60}, "interval"),
        ({"publications_per_hour": 1}, "publications_per_hour"),
        ({"probe": {"port": 80, "colour": "red"}}, "colour"),
    ],
)
def test_faults_are_named(changed, told):
    with pytest.raises(settings.ConfigFault, match=told):
        _parse(**changed)


def test_a_daemon_belongs_to_one_service():
    with pytest.raises(settings.ConfigFault, match="daemon newsroomw1: is there twice"):
        settings.parse(json.dumps({"services": [SERVICE, {**SERVICE, "name": "other"}]}))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"services": 3}', '{"services": [3]}'])
def test_what_is_no_configuration_is_refused(text):
    with pytest.raises(settings.ConfigFault):
        settings.parse(text)
