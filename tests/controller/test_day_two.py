# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks of day two as an operator meets them: whom they tell what, and what they say.

Hosts are of the kit of hosts that lie.
"""

from __future__ import annotations

import re

import pytest
import yaml
from hostile.fleet import lie

KEPT = "newsroomw1"
WITHOUT_DRIFT = ("-e", "verify_drift=false")  # each run of the kit finds hosts that keep nothing


@pytest.fixture
def fleet(deployed, tmp_path):
    fleet = deployed.copy(tmp_path)
    fleet.world["plan"] = deployed.world["plan"]
    return fleet


def published(run):
    """Host and daemons that were told to publish now."""
    return [
        (host, note["arguments"]["daemons"])
        for host in run.hosts()
        for note in run.sent(host, "onion_publishing")
        if note["arguments"]["state"] == "published"
    ]


def restarted(run, unit):
    return [
        host
        for host in run.hosts()
        for note in run.sent(host, "systemd_service")
        if note["arguments"]["name"] == unit and note["arguments"]["state"] == "restarted"
    ]


def test_publish_has_one_instance_of_each_service_publish(fleet):
    run = fleet.run("publish", "-e", '{"onion_publish": "newsroom, archive"}', *WITHOUT_DRIFT)
    assert run.code == 0, run.output
    assert published(run) == [("web1", [KEPT])]
    assert restarted(run, "onionfleet-publisher.service") == ["pub1"]


def test_publish_does_what_verify_finds_lacking(fleet):
    """An unknown descriptor is on all HSDirs of the first service."""
    strange = {
        f"services[0].hsdirs[{number}].signing_key": "c3RyYW5nZSBzdHJhbmdlIHN0cmFuZ2Ugc3RyYW5nZSE="
        for number in range(8)
    }
    run = fleet.run("publish", *WITHOUT_DRIFT, lies=[lie("web1", "onion_descriptor_info", set=strange)])
    assert "onionfleet.balance.publish has published now what HSDirs lack of yours: newsroom" in run.output, run.output
    assert published(run) == [("web1", [KEPT])]


def test_publish_names_what_it_cannot(fleet):
    run = fleet.run("publish", "-e", "onion_publish=newsrom")
    assert run.code == 2 and "did you mean 'newsroom'?" in run.output
    assert published(run) == []


def test_roll_gives_visitors_back_that_a_stopped_run_took_away(fleet):
    """Its keeper takes no turn with a daemon that nothing is due on."""
    lies = [lie("web2", "rolling_info", set={"left_out": [f"web2/{KEPT}"]})]
    run = fleet.run("roll", lies=lies)
    assert run.code == 0, run.output
    assert [
        (note["arguments"]["daemons"], note["arguments"]["state"]) for note in run.sent("web2", "onion_publishing")
    ] == [([KEPT], "released")]
    assert run.sent("web1", "onion_publishing") == []


def test_what_is_not_finished_is_named_with_the_reason(fleet):
    fleet.world["outdated"] = {"web1": [KEPT], "web2": [KEPT]}
    run = fleet.run(
        "deploy",
        lies=[lie("web2", "tor_daemons", answer={"failed": True, "msg": "daemon 'newsroomw1': it waited in vain"})],
    )
    assert run.code == 2, run.output
    for what in ("web1: restart newsroomw1 (an option changed)", "web2: restart newsroomw1\n"):
        assert run.output.count(f"\n{what}") == 1, run.output
    assert "Stopped at web2: daemon 'newsroomw1': it waited in vain" in run.output
    assert "Not finished: web2. Not begun: web1." in run.output


def test_groups_of_the_operators_own_are_never_taken_for_ours(fleet):
    """By whatever name that does not begin with the collection's."""
    file = fleet.inventory / "hosts.yml"
    inventory = yaml.safe_load(file.read_text())
    inventory["all"]["children"].update(onion_fleet={"hosts": {"extra": {}}}, onion_roll={"hosts": {"web1": {}}})
    file.write_text(yaml.safe_dump(inventory))
    run = fleet.run("roll")
    assert run.code == 0, run.output
    assert "extra" not in run.hosts(), run.output


def left(fleet):
    """The host web2 leaves its groups."""
    fleet.world["before"] = fleet.world["plan"]
    fleet.declare(
        [
            {**each, **{field: ["web1"] for field in ("replicas", "backends") if each.get(field) == "web"}}
            for each in fleet.services()
        ]
    )
    fleet.prepare()


def test_a_host_that_left_its_groups_is_told(fleet):
    left(fleet)
    run = fleet.run("verify", *WITHOUT_DRIFT)
    assert run.code == 2, run.output
    assert (
        "host 'web2': still has daemon 'newsroomw1' of service 'newsroom', which the plan has there no more; run retire"
        in run.output
    )


def test_verify_tells_what_it_waits_for(fleet):
    lies = [
        lie("pub1", "onionbalance_info", set={"status.services[0].instances[1].known": False}),
        lie("web1", "keeper_info", set={"status.services[0].hsdirs_answer": False}),
        lie("web1", "onion_descriptor_info", set={"services[0].newest": 3}),
    ]
    run = fleet.run("verify", "-e", "verify_wait=5", *WITHOUT_DRIFT, lies=lies)
    for line in (
        r"\[pub1\] \d+ s of at most \d+ s: waiting for archive: its publisher has not asked web2/archiveb1 yet",
        r"\[web1\] \d+ s of at most \d+ s: waiting for newsroom: 3 of 8 HSDirs hold its newest descriptor,"
        " 0 an unknown one",
        r"\[web1\] \d+ s of at most \d+ s: waiting for newsroom: HSDirs do not answer its keeper",
    ):
        assert len(re.findall(f"^{line}$", run.output, re.MULTILINE)) == 1, run.output


def test_a_roll_tells_what_it_waits_for(fleet):
    """The publisher finds its backend down, for good."""
    fleet.world["outdated"] = {"web1": ["archiveb1"]}
    run = fleet.run(
        "deploy", lies=[lie("pub1", "onionbalance_info", set={"status.services[0].instances[0].state": "down"})]
    )
    for line in (
        r"\[web1\] 0 s of at most 600 s: waiting for visitors of archiveb1 to finish",
        r"\[web1\] 0 s of at most 5 s: waiting for archiveb1 to serve again",
        r"\[pub1\] \d+ s of at most \d+ s: waiting for archive: web1/archiveb1 is down",
    ):
        assert len(re.findall(f"^{line}$", run.output, re.MULTILINE)) == 1, run.output


def test_a_deployment_tells_it_too_and_what_is_as_it_should_be_is_not_told(fleet):
    """With the settings of the example."""
    left(fleet)
    run = fleet.run("deploy", *WITHOUT_DRIFT, ANSIBLE_DISPLAY_OK_HOSTS="false", ANSIBLE_DISPLAY_SKIPPED_HOSTS="false")
    assert run.code == 0, run.output
    assert (
        "host 'web2': still has daemon 'newsroomw1' of service 'newsroom', which the plan has there no more; run retire"
        in run.output
    )
    assert len(run.output.splitlines()) < 120, run.output


def test_in_a_play_with_serial_publishers_come_behind_their_backends(fleet):
    play = {
        "hosts": "web1,web2,app1,pub1,pub2",
        "order": "inventory",
        "gather_facts": False,
        "serial": 2,
        "roles": [
            f"onionfleet.balance.{name}" for name in ("hardmap", "softmap_backend", "softmap_publisher", "keeper")
        ],
    }
    (fleet.inventory / "own.yml").write_text(yaml.safe_dump([play]))
    run = fleet.run("own.yml")
    assert run.code == 0, run.output
    (archive,) = run.sent("pub1", "onionbalance_config")[-1]["arguments"]["services"]
    assert [(each["name"], each["address"].endswith(".onion")) for each in archive["instances"]] == [
        ("web1/archiveb1", True),
        ("web2/archiveb1", True),
    ]
