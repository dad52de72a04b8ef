# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for the tests: a private Tor network, and hosts of both Debian releases.

Settings, from the environment, besides those of tests/fleet/fleet:

    FLEET_NETWORK   a YAML file with the onion_network_options of a private Tor network that the hosts reach; where
                    there is no such file yet, the network is made, and left. Without it a network is made, and
                    removed in the end; either on a host of its own, net9
    FLEET_KEEP      leave the hosts when the tests end
"""

from __future__ import annotations

import itertools
import os
import pathlib

import pytest
import yaml
from onion_fleet import SUBNET, Host, Operator, fleet, service

NETWORK_HOST = Host("net9", "bookworm", f"{SUBNET}.90")
ADDRESSES = iter(range(100, 250))  # each boot a new one: nobody holds a connection to it
SUITES = ("bookworm", "trixie")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes many minutes; not part of a run without -m")


def pytest_collection_modifyitems(config, items):
    if not config.option.markexpr:
        for item in items:
            if "long" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="long: run it with -m long"))


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """The options that make a tor use the private network."""
    given = os.environ.get("FLEET_NETWORK")
    options = pathlib.Path(given) if given else tmp_path_factory.mktemp("network") / "options.yml"
    if not options.exists():
        _make_network(options, tmp_path_factory.mktemp("network-operator"))
    yield yaml.safe_load(options.read_text())
    if not given and not os.environ.get("FLEET_KEEP"):
        NETWORK_HOST.remove()


def _make_network(destination, folder):
    fleet("down", NETWORK_HOST.name)
    fleet("up", f"{NETWORK_HOST.name}:{NETWORK_HOST.suite}:{NETWORK_HOST.address}")
    operator = Operator(folder, [NETWORK_HOST], {})
    (folder / "network.yml").write_text(yaml.safe_dump([{
        "name": "Private Tor network", "hosts": "all", "gather_facts": False, "become": True,
        "vars": {"private_tor_network_hosts": [NETWORK_HOST.name], "private_tor_network_vars_file": str(destination),
                 # a descriptor lists no relay twice: eleven backends take as many
                 "private_tor_network_relays": 12},
        "roles": ["onionfleet.balance.private_tor_network"],
    }]))
    for arguments in (["--check"], []):
        operator.run(str(folder / "network.yml"), *arguments)
    again = operator.run(str(folder / "network.yml"))
    assert again.changes == []
    operator.close()


class Fleet:
    """Hosts of both releases and their operator."""

    def __init__(self, folder, network, names=("web1", "web2")):
        self.hosts = [
            Host(name, suite, f"{SUBNET}.{next(ADDRESSES)}") for name, suite in zip(names, itertools.cycle(SUITES))
        ]
        for host in self.hosts:
            host.remove()
            host.boot()
        self.operator = Operator(folder, self.hosts, network)

    def remove(self):
        self.operator.close()
        if not os.environ.get("FLEET_KEEP"):
            for host in self.hosts:
                host.remove()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, network):
    """Two hosts that nobody has deployed anything to, for the tests of one module."""
    made = Fleet(tmp_path_factory.mktemp("operator"), network)
    yield made
    made.remove()


@pytest.fixture
def alone(tmp_path, network):
    """Two hosts for one test alone."""
    made = Fleet(tmp_path, network)
    yield made
    made.remove()


SERVICES = [
    service("alpha", pow={"enabled": True}),
    service("beta", ports=[{"port": 80, "target": "unix:/run/pages/beta.sock"}]),
    service("gamma", daemon="small", ports=[{"port": 80, "target": "unix:/run/pages/gamma.sock"}]),
    service("delta", daemon="small", replicas=["web1"], ports=[{"port": 80, "target": "unix:/run/pages/delta.sock"}]),
]
