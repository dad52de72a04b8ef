# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import wanted as wanted_daemons
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import configuration

PORTS = [{"port": 80, "target": "127.0.0.1:8080"}]
KEY = "NBWMNHGXC3D5ADAVXWFNFGHJ6ZJRWX2DEFDZ4ODNZHZ7FSLQGRKQ"


def faults(*daemons: t.Any) -> list[str]:
    with pytest.raises(OnionfleetError) as error:
        wanted_daemons.read(daemons)
    return error.value.faults


def test_files_of_a_daemon() -> None:
    (daemon,) = wanted_daemons.read(
        [
            {
                "name": "shop1",
                "options": {"no_exec": True},
                "services": [
                    {
                        "name": "shop",
                        "directory": "old_shop",
                        "ports": PORTS,
                        "authorized_clients": [{"name": "anna", "public_key": KEY}],
                    },
                    {"name": "gone", "state": "absent"},
                ],
            }
        ]
    )
    files = wanted_daemons.config_files(daemon)
    assert files["/etc/tor/instances/shop1/torrc"].splitlines()[0] == locations.MARKER
    assert configuration.parse(files["/etc/tor/instances/shop1/torrc"]) == [
        ("SocksPort", "0"),
        ("NoExec", "1"),
        ("%include", "/etc/tor/instances/shop1/services/"),
    ]
    assert configuration.parse(files.pop("/etc/tor/instances/shop1/services/shop.conf")) == [
        ("HiddenServiceDir", "/var/lib/tor-instances/shop1/old_shop"),
        ("HiddenServicePort", "80 127.0.0.1:8080"),
    ]
    assert list(files) == ["/etc/tor/instances/shop1/torrc"]
    assert wanted_daemons.service_files(daemon.services[0]) == {
        "/var/lib/tor-instances/shop1/old_shop/authorized_clients/anna.auth": f"descriptor:x25519:{KEY}\n"
    }


def test_a_client_daemon_and_single_hop() -> None:
    probe, hop = wanted_daemons.read(
        [
            {"name": "onionprobe", "socks": True},
            {"name": "hop", "services": [{"name": "hop", "ports": PORTS, "single_hop": True}]},
        ]
    )
    socket = "SocksPort unix:/run/tor-instances/onionprobe/probe.sock GroupWritable RelaxDirModeCheck ExtendedErrors\n"
    assert socket in wanted_daemons.config_files(probe)[probe.torrc]
    assert probe.wanted
    assert (
        "HiddenServiceNonAnonymousMode 1\nHiddenServiceSingleHopMode 1\n" in wanted_daemons.config_files(hop)[hop.torrc]
    )


@pytest.mark.parametrize(
    "daemon",
    [
        {"name": "x", "state": "absent"},
        {"name": "x", "state": "absent", "services": [{"name": "a", "ports": PORTS}]},
        {"name": "x", "services": [{"name": "a", "state": "absent"}]},
    ],
)
def test_nothing_to_serve(daemon: dict[str, t.Any]) -> None:
    assert not wanted_daemons.read([daemon])[0].wanted


def test_a_relay_runs_without_services() -> None:
    assert wanted_daemons.read([{"name": "relay1", "options": {"extra": [{"option": "ORPort", "value": "9001"}]}}])[
        0
    ].wanted


@pytest.mark.parametrize(
    ("daemon", "wanted"),
    [
        ({"name": "with-hyphen"}, "it must match"),
        ({"name": "x" * 28}, "it must match"),
        ({"name": "x", "optoins": {}}, "did you mean options?"),
        ({"name": "x", "state": "gone"}, "write present or absent"),
        ({"name": "x", "adopt": "maybe"}, "adopt: is the text 'maybe'"),
        ({"name": "x", "stagger": -1}, "stagger: is -1"),
        ({"name": "x", "options": {"sandboks": True}}, "options.'sandboks': no such option; did you mean sandbox?"),
        ({"name": "x", "services": [{"name": "A", "ports": PORTS}]}, "it must match"),
        ({"name": "x", "services": [{"name": "a", "ports": PORTS, "directory": "../y"}]}, "without slashes"),
        ({"name": "x", "services": [{"name": "a", "ports": PORTS, "address": "a.onion"}]}, "56 characters"),
        ({"name": "x", "services": [{"name": "a"}]}, "service 'a': ports: is missing"),
        (
            {
                "name": "x",
                "services": [{"name": "a", "ports": PORTS, "single_hop": True}, {"name": "b", "ports": PORTS}],
            },
            "put them into different daemons",
        ),
        (
            {"name": "x", "services": [{"name": "a", "ports": PORTS}, {"name": "a", "ports": PORTS, "directory": "b"}]},
            "service 'a' of daemon 'x': the service 'x/a' is that of",
        ),
        (
            {"name": "x", "services": [{"name": "a", "ports": PORTS}, {"name": "b", "ports": PORTS, "directory": "a"}]},
            "the directory 'x/a' is that of service 'a' of daemon 'x' already",
        ),
        (5, "write mappings"),
    ],
)
def test_faults(daemon: t.Any, wanted: str) -> None:
    (fault,) = faults(daemon)
    assert wanted in fault


def test_faults_of_all_daemons_at_once() -> None:
    assert len(faults({"name": "A"}, {"name": "b", "services": [{"name": "c"}, {"name": "D", "ports": PORTS}]})) == 3
    assert "the daemon 'x' is that of" in faults({"name": "x"}, {"name": "x"})[0]
