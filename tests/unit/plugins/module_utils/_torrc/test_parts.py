# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import parts

KEY = bytes(range(1, 33))
BASE32 = base64.b32encode(KEY).decode().rstrip("=")
FIELDS = {"HiddenServicePort": "ports", "SafeLogging": "safe_logging"}


def test_a_misspelt_name_gets_a_suggestion():
    assert list(parts.unknown(["ports", "prots", "colour"], ["ports", "pow"])) == [
        "'prots': no such option; did you mean ports?",
        "'colour': no such option; use a field that exists, or 'extra' for an option of tor that has no field",
    ]


@pytest.mark.parametrize(
    ("ports", "places"),
    [
        ([{"port": 80, "target": "127.0.0.1:1"}, {"port": 443, "targets": ["127.0.0.1:1", "unix:/run/a"]}], []),
        ([], ["ports"]),
        ([{"port": 80, "target": "127.0.0.1:1"}, {"port": "80", "target": "127.0.0.1:2"}], ["ports[1]"]),
        ([{"port": 80}], ["ports[0]"]),
        ([{"port": 80, "target": "127.0.0.1:1", "targets": ["127.0.0.1:1"]}], ["ports[0]"]),
        ([{"port": 0, "target": "nowhere"}], ["ports[0].port", "ports[0].target"]),
        ([{"port": 80, "targets": []}], ["ports[0].targets"]),
        ([{"port": 80, "target": "127.0.0.1:1", "tagret": 1}], ["ports[0]"]),
    ],
)
def test_ports(ports, places):
    assert [fault.split(": ")[0] for fault in parts.port_faults(ports)] == places


@pytest.mark.parametrize("faults", [parts.port_faults, parts.client_faults])
@pytest.mark.parametrize("value", [None, "80", {}])
def test_what_is_no_list_of_mappings_is_said(faults, value):
    (fault,) = faults(value)
    assert "write a list of mappings with" in fault


def test_an_entry_that_is_no_mapping_hides_no_other():
    faults = [
        *parts.port_faults([80, {"port": 0, "target": "127.0.0.1:1"}]),
        *parts.extra_faults([None, {"option": "User"}], {}, service=False),
    ]
    assert [fault.split(": ")[0] for fault in faults] == [
        "ports[0]",
        "ports[1].port",
        "extra[0]",
        "extra[1].option",
        "extra[1].value",
    ]


@pytest.mark.parametrize("name", ["HiddenServiceStatistics", "hiddenservicestat"])
def test_what_is_an_option_of_the_daemon_in_spite_of_its_name(name):
    extra = [{"option": name, "value": 1}]
    assert list(parts.extra_faults(extra, {}, service=False)) == []
    (fault,) = parts.extra_faults(extra, {}, service=True)
    assert "is no option of a service; put it into the daemon's options" in fault


def test_targets_of_either_spelling():
    assert parts.targets_of({"port": 80, "target": "a"}) == ["a"]
    assert parts.targets_of({"port": 80, "targets": ["a", "b"]}) == ["a", "b"]


def test_clients_differ_in_names_and_keys():
    faults = list(
        parts.client_faults(
            [{"name": "anna", "public_key": BASE32}, {"name": "anna", "public_key": BASE32.lower()}, {"name": "../a"}]
        )
    )
    assert [fault.split(": ")[0] for fault in faults] == [
        "authorized_clients[1].name",
        "authorized_clients[1].public_key",
        "authorized_clients[2].name",
        "authorized_clients[2].public_key",
    ]


@pytest.mark.parametrize(
    ("option", "service", "why"),
    [
        ("Nickname", False, None),
        ("HiddenServiceNew", True, None),
        ("SafeLogging", False, "use 'safe_logging'"),
        ("safelog", False, "use 'safe_logging'"),
        ("hiddenserviceport", True, "use 'ports'"),
        ("SocksPort", False, "layout"),
        ("datadir", False, "layout"),
        ("HiddenServiceDir", True, "layout"),
        ("Nickname", True, "no option of a service"),
        ("HiddenServiceNew", False, "belongs to a service"),
        ("Nick name", False, "write the name of an option"),
        ("+Nickname", False, "write the name of an option"),
    ],
)
def test_extra_options(option, service, why):
    faults = list(parts.extra_faults([{"option": option, "value": "a"}], FIELDS, service=service))
    assert [why in fault for fault in faults] == ([True] if why else [])


@pytest.mark.parametrize("value", ["a\nSocksPort 9050", 'a"', "a\\", "", None, ["a"]])
def test_extra_values_are_one_line(value):
    (fault,) = parts.extra_faults([{"option": "Nickname", "value": value}], FIELDS, service=False)
    assert fault.startswith("extra[0].value: ")
