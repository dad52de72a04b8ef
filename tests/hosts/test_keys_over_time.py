# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that are replaced: a backend's, and those that a compromised host takes along. Tests follow one another."""

from __future__ import annotations

import json

import pytest
from onion_fleet import UNVERIFIED, fleet, wait_for

ARCHIVE = {"name": "archive", "layout": "softmap", "publishers": ["web1"], "backends": ["web1", "web2"],
           "ports": [{"port": 80, "target": "127.0.0.1:8080"}]}
BACKEND = "web2/archiveb1"
QUICK = {**UNVERIFIED, "verify_drift": False}


@pytest.fixture(scope="module")
def running(fresh):
    fresh.operator.declare(ARCHIVE)
    fresh.operator.run("keys")
    fresh.operator.deploy(verified=True)
    return fresh


def addresses(running):
    """What each backend's tor answers for, and what the publisher has for it."""
    made = {
        f"{host.name}/archiveb1": host.sh("cat /var/lib/tor-instances/archiveb1/archive-backend/hostname", check=False)
        for host in running.hosts
    }
    config = json.loads(running.hosts[0].sh("cat /etc/onionfleet/publisher/config.yaml"))
    return made, {each["name"]: each["address"] for each in config["services"][0]["instances"]}


def test_a_backend_that_visitors_come_to_keeps_its_key(running):
    before = addresses(running)
    run = running.operator.run("renew", extra={**QUICK, "onion_renew": [BACKEND]}, fails=True)
    assert "publisher 'web1' has it as up" in run.messages and "onion_drained" in run.messages
    assert addresses(running) == before


def test_a_drained_backend_gets_a_new_key_and_the_publisher_follows(running):
    web1, (made, _listed) = running.hosts[0], addresses(running)
    running.operator.declare(ARCHIVE, onion_drained=[BACKEND])
    running.operator.run("deploy", extra=QUICK)
    wait_for(lambda: _states(web1).get(BACKEND) == "drained", "the publisher leaves it out")
    running.operator.run("renew", extra={**QUICK, "onion_renew": [BACKEND], "onion_renew_timeout": 30})
    after, listed = addresses(running)
    assert after[BACKEND] not in ("", made[BACKEND])
    assert after["web1/archiveb1"] == made["web1/archiveb1"]
    assert listed == after
    running.operator.declare(ARCHIVE)
    running.operator.run("deploy", extra=QUICK)
    wait_for(lambda: _states(web1).get(BACKEND) == "up", "the publisher meets it under its new address", 180)
    assert addresses(running)[1] == after
    assert running.operator.run("deploy", extra=QUICK).changes == []


def _states(host):
    """Name of each backend to what the publisher says of it; empty while it does not answer."""
    source = (
        "import socket; s = socket.socket(socket.AF_UNIX); "
        "s.connect('/run/onionfleet-publisher/status.sock'); print(s.makefile().read())"
    )
    answer = host.sh(f'python3 -c "{source}"', check=False)
    status = json.loads(answer) if answer.startswith("{") else {"services": [{"instances": []}]}
    return {each["name"]: each["state"] for each in status["services"][0]["instances"]}


def test_a_compromised_backend_leaves_while_its_host_is_off_and_a_new_address_answers_beside_the_old(running):
    """The steps that the playbook compromised tells; here as if the publisher's key were lost, too."""
    web1 = running.hosts[0]
    told = running.operator.run("compromised", "-e", "onion_compromised=web2").output
    assert "kept  service 'archive'" in told
    fleet("cut", "web2")
    try:
        left = {**ARCHIVE, "backends": ["web1"]}
        running.operator.declare(left, {**left, "name": "archive-2"})
        running.operator.run("keys")
        running.operator.run("deploy", "--limit", "web1", extra={"verify_requests": 1})
        assert list(addresses(running)[1]) == ["web1/archiveb1"]
        for name in ("archive", "archive-2"):
            wait_for(lambda name=name: web1.visit(running.operator.address(name)), f"{name} answers", 120)
    finally:
        fleet("heal", "web2")
