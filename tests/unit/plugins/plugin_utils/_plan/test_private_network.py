# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.options import daemon_option_faults
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.private_network import private_tor_network
from hypothesis import given
from hypothesis import strategies as st

TWO = {"net1": "192.0.2.1", "net2": "192.0.2.2"}


def daemons(network):
    return [daemon for host in network["hosts"].values() for daemon in host["daemons"]]


def values(daemon, option):
    return [item["value"] for item in daemon["options"]["extra"] if item["option"] == option]


def test_authorities_and_relays_are_spread_in_turn():
    hosts = private_tor_network(TWO)["hosts"]
    assert hosts["net1"]["authorities"] == ["netauth1", "netauth3"]
    assert hosts["net2"]["authorities"] == ["netauth2"]
    assert [len(host["daemons"]) for host in hosts.values()] == [5, 5]


@given(hosts=st.integers(1, 5), authorities=st.integers(1, 5), relays=st.integers(4, 12))
def test_every_port_of_an_address_is_used_once(hosts, authorities, relays):
    network = private_tor_network({f"h{i}": "192.0.2.1" for i in range(hosts)}, authorities=authorities, relays=relays)
    ports = [value for daemon in daemons(network) for value in values(daemon, "ORPort") + values(daemon, "DirPort")]
    assert len(ports) == len(set(ports)) == 2 * authorities + relays


def test_everyone_knows_every_authority_by_its_keys():
    keys = {"netauth1": {"v3ident": "A" * 40, "fingerprint": "B" * 40}}
    network = private_tor_network(TWO, authorities=1, keys=keys)
    line = f"netauth1 orport=5000 v3ident={'A' * 40} 192.0.2.1:5008 {'B' * 40}"
    assert {"option": "DirAuthority", "value": line} in network["options"]
    assert all(values(daemon, "DirAuthority") == [line] for daemon in daemons(network))


def test_the_first_voting_interval_and_consensus_parameters_are_the_authorities():
    network = private_tor_network(TWO, voting_interval=300, consensus_params={"hsdir_spread_store": 2, "a": 1})
    authority = network["hosts"]["net1"]["daemons"][0]
    assert values(authority, "TestingV3AuthInitialVotingInterval") == ["20"]
    assert values(authority, "V3AuthVotingInterval") == ["300"]
    assert values(authority, "ConsensusParams") == ["a=1 cbtmintimeout=2000 hsdir_spread_store=2"]
    assert not values(network["hosts"]["net1"]["daemons"][-1], "ConsensusParams")


def test_no_relay_compares_its_consensus_with_those_of_an_hour():
    for daemon in daemons(private_tor_network(TWO)):
        assert values(daemon, "MaxConsensusAgeForDiffs") == ["1 minute"]


def test_a_given_parameter_replaces_ours():
    network = private_tor_network(TWO, consensus_params={"cbtmintimeout": 10})
    assert values(network["hosts"]["net1"]["daemons"][0], "ConsensusParams") == ["cbtmintimeout=10"]


def test_the_daemons_options_are_without_fault():
    for daemon in daemons(private_tor_network(TWO, consensus_params={"a": 1})):
        assert daemon_option_faults(daemon["options"]) == []


def test_all_faults_are_told_at_once():
    with pytest.raises(OnionfleetError) as error:
        private_tor_network({}, relays=0, voting_interval=7)
    assert len(error.value.faults) == 3
