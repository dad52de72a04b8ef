# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Tor network as data: which host runs which authority and relay, and what each tor of it is told.

Overview::

  private_tor_network   addresses of hosts and settings -> daemons per host, options for every other tor

Source: tor(1), "TESTING NETWORK OPTIONS" and "DIRECTORY AUTHORITY SERVER OPTIONS".
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.authority import UNKNOWN

Options = t.List[t.Dict[str, str]]

# Milliseconds. Tor gives a circuit as long as four of five took before (path-spec, "Learning when to give up"): on one
# machine that is 50 ms. Whenever the machine has something else to do for a moment, a service would give its rendezvous
# circuits up, and the visitor whose introduction it had taken waited for two minutes in vain.
CONSENSUS_PARAMS = {"cbtmintimeout": 2000}


class Node(t.NamedTuple):
    """An authority or a relay: a tor with a place in the network."""

    name: str
    host: str
    address: str
    or_port: int
    dir_port: int | None


def _nodes(addresses: t.Mapping[str, str], authorities: int, relays: int, base_port: int) -> list[Node]:
    """Authorities first, all spread over the hosts in turn; every port is unique, so hosts may share an address."""
    hosts = list(addresses.items())
    names = [f"netauth{i + 1}" for i in range(authorities)] + [f"netrelay{i + 1}" for i in range(relays)]
    return [
        Node(name, *hosts[i % len(hosts)], base_port + i, base_port + len(names) + i if i < authorities else None)
        for i, name in enumerate(names)
    ]


def _options(*pairs: tuple[str, object]) -> Options:
    return [{"option": option, "value": str(value)} for option, value in pairs]


def _shared(nodes: list[Node], keys: t.Mapping[str, t.Mapping[str, str]]) -> Options:
    """What every tor that uses the network needs."""
    lines = [
        "{0.name} orport={0.or_port} v3ident={1[v3ident]} {0.address}:{0.dir_port} {1[fingerprint]}".format(
            node, keys.get(node.name, UNKNOWN)
        )
        for node in nodes
        if node.dir_port
    ]
    return _options(
        ("TestingTorNetwork", 1),
        *(("DirAuthority", line) for line in lines),
        # ten relays are few: the default, 95 % of all paths, is lost with one of them
        ("PathsNeededToBuildCircuits", 0.67),
    )


def _relay(node: Node) -> Options:
    return _options(
        ("Nickname", node.name),
        ("Address", node.address),
        ("ORPort", f"{node.address}:{node.or_port}"),
        ("AssumeReachable", 1),
        ("ExitRelay", 0),
        # every voting interval has a consensus; differences to all of an hour, in four compressions,
        # took most of the hosts' time
        ("MaxConsensusAgeForDiffs", "1 minute"),
    )


def _authority(node: Node, interval: int, first_interval: int, params: t.Mapping[str, int]) -> Options:
    timing = [
        (name, value)
        for seconds, prefix in ((first_interval, "TestingV3AuthInitial"), (interval, "V3Auth"))
        for name, value in (
            (prefix + "VotingInterval", seconds),
            (prefix + "VoteDelay", max(2, seconds // 5)),
            (prefix + "DistDelay", max(2, seconds // 5)),
        )
    ]
    return _options(
        ("DirPort", f"{node.address}:{node.dir_port}"),
        ("AuthoritativeDirectory", 1),
        ("V3AuthoritativeDirectory", 1),
        *timing,
        # flags that relays of a public network earn by being up for days
        ("TestingDirAuthVoteExit", "*"),
        ("TestingDirAuthVoteGuard", "*"),
        ("TestingDirAuthVoteHSDir", "*"),
        ("ConsensusParams", " ".join(f"{k}={v}" for k, v in sorted({**CONSENSUS_PARAMS, **params}.items()))),
    )


def _faults(
    addresses: t.Mapping[str, str], authorities: int, relays: int, intervals: tuple[int, ...]
) -> t.Iterator[str]:
    if not addresses:
        yield "private_tor_network_hosts: is empty; name at least one host"
    if authorities < 1 or authorities + relays < 4:
        yield "private_tor_network_relays: too few; a circuit needs 1 authority and, authorities counted, 4 relays"
    if any(86400 % seconds or seconds < 10 for seconds in intervals):
        yield "private_tor_network_voting_interval: must be 10 or more and divide a day evenly, as tor demands"


def private_tor_network(
    addresses: t.Mapping[str, str],
    *,
    authorities: int = 3,
    relays: int = 7,
    base_port: int = 5000,
    voting_interval: int = 20,
    first_voting_interval: int = 20,
    consensus_params: t.Mapping[str, int] | None = None,
    keys: t.Mapping[str, t.Mapping[str, str]] | None = None,
) -> dict[str, t.Any]:
    """The network over hosts.

    :param addresses: IPv4 address by host, in the order in which hosts get their share.
    :param voting_interval: seconds between two consensuses; ``first_voting_interval`` until there is one.
    :param consensus_params: such as ``{"hsdir_spread_store": 2}``, besides CONSENSUS_PARAMS or in their place.
    :param keys: ``v3ident`` and ``fingerprint`` by authority; zeros stand for what is not known yet.
    :return: ``hosts``: by host, the names of its ``authorities`` and its ``daemons`` as `tor_instances` takes them;
        ``options``: what every other tor needs.
    :raises OnionfleetError: naming every setting that makes no network.
    """
    faults = list(_faults(addresses, authorities, relays, (voting_interval, first_voting_interval)))
    if faults:
        raise OnionfleetError(*faults)
    nodes = _nodes(addresses, authorities, relays, base_port)
    shared = _shared(nodes, keys or {})

    def daemon(node: Node) -> dict[str, t.Any]:
        votes = (
            _authority(node, voting_interval, first_voting_interval, consensus_params or {}) if node.dir_port else []
        )
        return {"name": node.name, "options": {"num_cpus": 1, "extra": shared + _relay(node) + votes}, "services": []}

    share = {host: [node for node in nodes if node.host == host] for host in addresses}
    return {
        "hosts": {
            host: {"authorities": [n.name for n in own if n.dir_port], "daemons": [daemon(n) for n in own]}
            for host, own in share.items()
        },
        "options": shared,
    }
