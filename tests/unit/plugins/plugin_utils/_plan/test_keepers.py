# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan tells keepers (_keepers)."""

from __future__ import annotations

import json
import pathlib
import sys

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import generate
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan

ADDRESS = generate().address
GROUPS = {"all": ["web1", "web2"], "web": ["web1", "web2"]}
CLIENTS = [{"name": "a", "public_key": "A" * 51 + "Q"}]
PORTS = [{"port": 80, "target": "127.0.0.1:8080"}, {"port": 81, "targets": ["unix:/run/a.sock", "unix:/run/b.sock"]}]


def hardmap(**fields):
    return {"name": "newsroom", "layout": "hardmap", "replicas": "web", "keeper": True, "ports": PORTS, **fields}


def planned(*services, **fields):
    addresses = {entry["name"]: f"address-of-{entry['name']}" for entry in services}
    return make_plan(Declaration(services=list(services), groups=GROUPS, **{"addresses": addresses, **fields}))


def test_each_replica_host_keeps_its_own_daemons_and_knows_all_replicas():
    plan = planned(hardmap(workers=2, pow={"enabled": True}))
    (kept,) = plan.hosts["web2"]["keeper"]["services"]
    assert kept["replicas"] == ["web1/newsroomw1", "web1/newsroomw2", "web2/newsroomw1", "web2/newsroomw2"]
    assert kept["daemons"][1] == {"name": "newsroomw2", "replica": "web2/newsroomw2", "pow": True, "drained": False}
    assert kept["targets"] == [["127.0.0.1:8080"], ["unix:/run/a.sock", "unix:/run/b.sock"]]
    assert kept["probe"] == {"port": 80, "scheme": "http", "path": "/"}
    assert any(daemon["name"] == "onionkeeper" and daemon["socks"] for daemon in plan.hosts["web2"]["daemons"])
    assert [daemon["name"] for daemon in plan.hosts["web2"]["daemons"] if daemon["keeper"]] == [
        daemon["name"] for daemon in kept["daemons"]
    ]


def test_without_the_word_there_is_no_keeper():
    plan = planned(hardmap(keeper=False))
    assert plan.hosts["web1"]["keeper"] is None
    assert [daemon["state"] for daemon in plan.hosts["web1"]["daemons"] if daemon["name"] == "onionkeeper"] == [
        "absent"
    ]
    never = {key: value for key, value in hardmap().items() if key != "keeper"}
    assert "onionkeeper" not in str(planned(never).hosts)


def test_the_hosts_own_targets_and_the_probe_of_the_declaration():
    probe = {"port": 81, "path": "/health"}
    plan = planned(hardmap(probe=probe), targets={"web1": {"newsroom": {80: "127.0.0.1:9"}}})
    assert plan.hosts["web1"]["keeper"]["services"][0]["targets"][0] == ["127.0.0.1:9"]
    assert plan.hosts["web2"]["keeper"]["services"][0]["targets"][0] == ["127.0.0.1:8080"]
    assert plan.hosts["web1"]["keeper"]["services"][0]["probe"] == {"port": 81, "scheme": "http", "path": "/health"}


def test_a_restricted_service_is_asked_with_a_clients_key():
    plan = planned(hardmap(authorized_clients=CLIENTS), credentials=[ADDRESS], addresses={"newsroom": ADDRESS})
    assert plan.hosts["web1"]["keeper"]["services"][0]["restricted"] is True


@pytest.mark.parametrize(
    ("drained", "expected"), [(["web1"], [True, True]), (["web1/newsroomw2"], [False, True]), ([], [False, False])]
)
def test_what_is_drained_takes_no_turn(drained, expected):
    plan = planned(hardmap(workers=2), drained=drained)
    assert [daemon["drained"] for daemon in plan.hosts["web1"]["keeper"]["services"][0]["daemons"]] == expected
    assert [daemon["drained"] for daemon in plan.hosts["web2"]["keeper"]["services"][0]["daemons"]] == [False, False]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"daemon": "small"}, "keeper: needs daemons of its own"),
        (
            {"authorized_clients": CLIENTS},
            "keeper: needs a client's key to ask a restricted service with; put one for address-of-newsroom into",
        ),
        ({"keeper": "yes"}, "keeper: is the text 'yes'; write true or false"),
        (
            {"layout": "softmap", "replicas": None, "publishers": "web", "backends": "web"},
            "keeper: keeps replicas of hardmaps",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(fields, words):
    with pytest.raises(OnionfleetError) as caught:
        planned({key: value for key, value in hardmap(**fields).items() if value is not None})
    assert any(words in fault for fault in caught.value.faults)


@pytest.mark.parametrize("everywhere", [{}, {"sandbox": True}, {"sandbox": False}])
@pytest.mark.parametrize("own", [{}, {"sandbox": "True"}, {"sandbox": False}])
def test_a_keeper_and_a_sandbox_do_not_go_together(everywhere, own):
    """tor 0.4.9.11 with Sandbox 1 ends itself at a SETCONF of services."""
    sandboxed = {**everywhere, **own}.get("sandbox", False) in (True, "True")
    groups = {"all": ["web1"], "web": ["web1"]}
    for service, refused in (
        (hardmap(daemon_options=own), sandboxed),
        ({**hardmap(daemon_options=own), "keeper": False}, False),
    ):
        declaration = Declaration(services=[service], groups=groups, daemon_options=everywhere, keys_required=False)
        if refused:
            with pytest.raises(OnionfleetError, match="keeper: ends a tor with 'sandbox: true'"):
                make_plan(declaration)
        else:
            make_plan(declaration)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"interval": 599}, "onion_keeper.interval: is 599; turns of less than 600 seconds"),
        ({"publications_per_hour": 3}, "onion_keeper.publications_per_hour: is 3"),
        ({"intervall": 0}, "onion_keeper: 'intervall'"),
        ([], "onion_keeper: is"),
    ],
)
def test_settings_that_burden_the_network_are_refused(settings, words):
    with pytest.raises(OnionfleetError) as caught:
        planned(hardmap(), keeper=settings)
    assert any(words in fault for fault in caught.value.faults), caught.value.faults


def test_the_program_reads_what_the_plan_says():
    program = pathlib.Path(__file__).parents[5] / "roles/keeper/files/keeper"
    sys.path.insert(0, str(program))
    try:
        from onionfleet_keeper import settings
    finally:
        sys.path.remove(str(program))
    plan = planned(hardmap(workers=2, pow={"enabled": True}), keeper={"interval": "900", "publications_per_hour": 8})
    config = settings.parse(json.dumps(plan.hosts["web1"]["keeper"]))
    assert [daemon.name for daemon in config.services[0].daemons] == ["newsroomw1", "newsroomw2"]
    assert {(daemon.rules.interval, daemon.rules.bound) for daemon in config.services[0].daemons} == {(900.0, 8)}
