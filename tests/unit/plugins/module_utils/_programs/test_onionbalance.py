# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""config.yaml: what goes in comes out, there and in the program that reads it."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import sys

import pytest
import yaml
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import address_from_public_key
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import onionbalance
from hypothesis import given, settings
from hypothesis import strategies as st

LAUNCHER = (
    pathlib.Path(__file__).parents[5] / "roles/softmap_publisher/files/publisher/onionfleet_publisher/settings.py"
)


def launcher():
    """The launcher's own reader of the file."""
    name = "onionfleet_publisher_settings"
    if name not in sys.modules:
        specification = importlib.util.spec_from_file_location(name, LAUNCHER)
        sys.modules[name] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def address(number):
    return address_from_public_key(number.to_bytes(32, "big"))


def instance(number=2, **fields):
    return {"name": f"app{number}/archiveb1", "address": address(number), "drained": False, **fields}


def service(**fields):
    return {"name": "archive", "address": address(1), "port": 80, "instances": [instance(2), instance(3)], **fields}


SETTINGS = {"introduction_points": 10, "probe_interval": "30", "probe_failures": 3, "testnet": "True"}
TEXT = onionbalance.render([service(), service(name="library", address=address(9))], SETTINGS)

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
instance_names = st.from_regex(r"[A-Za-z0-9_.:-]{1,40}/[a-z0-9]{1,27}", fullmatch=True)


@st.composite
def fleets(draw):
    """Services of a publisher without faults; each address is used once."""
    numbers = iter(range(1, 1000))
    services = []
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        own = address(next(numbers))
        instances = [
            {
                "name": entry,
                "address": draw(st.sampled_from([address(next(numbers)), None])),
                "drained": draw(st.booleans()),
            }
            for entry in draw(st.lists(instance_names, max_size=4, unique=True))
        ]
        known = {"name": "certain/b1", "address": address(next(numbers)), "drained": False}
        services.append(
            {"name": name, "address": own, "port": draw(st.integers(1, 65535)), "instances": [known, *instances]}
        )
    return services


launcher_settings = st.fixed_dictionaries(
    {},
    optional={
        "introduction_points": st.integers(3, 20),
        "probe_interval": st.integers(5, 3600) | st.integers(5, 3600).map(str),
        "probe_timeout": st.integers(1, 300),
        "probe_failures": st.integers(1, 100),
        "testnet": st.booleans() | st.sampled_from(["True", "False"]),
    },
)


@given(fleets(), launcher_settings)
@settings(max_examples=60, deadline=None)
def test_round_trip(services, given_settings):
    assert onionbalance.service_faults(services) == onionbalance.settings_faults(given_settings) == []
    text = onionbalance.render(services, given_settings)
    known = [[one for one in entry["instances"] if one["address"]] for entry in services]
    assert onionbalance.parse(text) == [
        {"name": entry["name"], "instances": instances} for entry, instances in zip(services, known)
    ]
    assert yaml.safe_load(text) == json.loads(text), "Onionbalance reads YAML"
    read = launcher().parse(text)
    assert [(entry.name, entry.port) for entry in read.services] == [
        (entry["name"], entry["port"]) for entry in services
    ]
    for entry, instances in zip(read.services, known):
        assert entry.key.endswith(f"/keys/{entry.name}/hs_ed25519_secret_key")
        assert [vars(one) for one in entry.instances] == instances
    for name, value in given_settings.items():
        expected = str(value) == "True" if name == "testnet" else float(value)
        assert getattr(read.settings, name) == expected


def test_module_and_launcher_know_the_same_settings():
    bounds = {
        name: (option.kind.low, option.kind.high) for name, option in onionbalance.SETTINGS.items() if name != "testnet"
    }
    assert bounds == launcher()._BOUNDS


@given(st.text(), st.text(), st.text())
@settings(max_examples=60)
def test_no_value_injects_a_line(name, instance_name, instance_address):
    """Not even one that the faults should have kept out."""
    services = [service(name=name, instances=[instance(name=instance_name, address=instance_address or "x")])]
    text = onionbalance.render(services, {})
    assert len(text.splitlines()) == len(onionbalance.render([service(instances=[instance()])], {}).splitlines())
    written = json.loads(text)["services"][0]
    assert written["name"] == name
    assert written["instances"] == [{"name": instance_name, "address": instance_address or "x", "drained": False}]


@pytest.mark.parametrize(
    "text", ['a"b', "a\nb", "a\\b", "a: b", "- a", "a\x00b", "../x", "a b", "", "-a", "ä", "a" * 33, "archive\n"]
)
def test_such_names_of_services_are_faults_all_the_same(text):
    (fault,) = onionbalance.service_faults([service(name=text)])
    assert ": name: is the text" in fault
    assert fault.endswith("; write at most 32 of a-z, 0-9 and inner hyphens")


@pytest.mark.parametrize(
    "text", ['a"b/d1', "a\nb/d1", "a\\b/d1", "a\x00/d1", "ä/d1", "app1", "", "/d1", "app1/", "app1/D-1", "app1/d1\n"]
)
def test_such_names_of_backends_too(text):
    (fault,) = onionbalance.service_faults([service(instances=[instance(name=text)])])
    assert ": instances: name: is the text" in fault
    assert fault.endswith("; write it as host/daemon")


@pytest.mark.parametrize("text", ["app1/d1", "2001:db8::1/d1", "me@app-1.example.org/d1", "an app/d1"])
def test_an_inventory_calls_its_hosts_what_it_likes(text):
    assert onionbalance.service_faults([service(instances=[instance(name=text)])]) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"address": None}, "address: is empty; write the .onion address"),
        ({"address": address(1).upper()}, "address: is the text"),
        ({"address": "x.onion"}, "address: is the text 'x.onion'; write"),
        ({"port": None}, "port: is empty; write a whole number from 1 to 65535"),
        ({"port": 65536}, "port: is 65536; write"),
        ({"port": True}, "port: is the boolean true; write"),
        ({"instances": []}, "instances: no backend has an address yet; deploy its backends"),
        ({"instances": [instance(address=None)]}, "instances: no backend has an address yet; deploy its backends"),
        (
            {"instances": [instance(address="x.onion")]},
            "instances: 'app2/archiveb1': address: is the text 'x.onion'; write",
        ),
        (
            {"instances": [instance(address=address(1))]},
            "address: is that of the service itself; a backend has a key of its own",
        ),
        (
            {"instances": [instance(2), instance(2, address=address(4))]},
            "'app2/archiveb1': name: is that of another backend, too;",
        ),
        (
            {"instances": [instance(2), instance(3, address=address(2))]},
            "'app3/archiveb1': address: is that of another backend",
        ),
    ],
)
def test_faults_name_service_field_and_remedy(fields, words):
    (fault,) = onionbalance.service_faults([service(**fields)])
    assert fault.startswith("service 'archive': ")
    assert words in fault


def test_faults_come_together_and_in_order():
    services = [
        service(port=0),
        service(name="Bad", instances=[]),
        service(name="same", address=address(5)),
        service(name="same"),
    ]
    faults = onionbalance.service_faults(services)
    assert [fault.split(":")[0] + fault.split(":")[1] for fault in faults] == [
        "service 'archive' port",
        "service 'Bad' name",
        "service 'Bad' instances",
        "service 'same' name",
        "service 'Bad' address",
        "service 'same' address",
    ]
    assert all(";" in fault for fault in faults)


def test_a_check_run_needs_no_backend_with_an_address():
    services = [service(instances=[instance(2, address=None), instance(3, address=None)])]
    assert onionbalance.service_faults(services, instances_required=False) == []
    assert json.loads(onionbalance.render(services, {}))["services"][0]["instances"] == []


@pytest.mark.parametrize(
    ("given_settings", "words"),
    [
        ({"introduction_points": 2}, "settings.introduction_points: is 2; write"),
        ({"introduction_points": 21}, "settings.introduction_points: is 21; write"),
        ({"probe_intervall": 5}, "settings: 'probe_intervall': no such option; did you mean probe_interval?"),
        ({"probe_timeout": "1\n2"}, "settings.probe_timeout: is"),
        ({"testnet": "maybe"}, "settings.testnet: is"),
        ([], "settings: is an empty list; write a mapping"),
        (None, "settings: is empty; write a mapping"),
    ],
)
def test_faults_of_settings(given_settings, words):
    (fault,) = onionbalance.settings_faults(given_settings)
    assert words in fault


def test_torn_anywhere_it_is_told():
    for end in range(len(TEXT) - 1):
        with pytest.raises(OnionfleetError, match=re.escape("config.yaml: is torn or not ours")):
            onionbalance.parse(TEXT[:end])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "3",
        '"services"',
        "{}",
        '{"services": null}',
        '{"services": "archive"}',
        '{"services": [3]}',
        '{"services": [{"name": "a"}]}',
        '{"services": [{"name": "a", "instances": [{"name": "x"}]}]}',
        "[" * 100_000,
        "services:\n  - key: a\n    instances: []\n",
        "\udcff",
    ],
    ids=lambda text: text[:40].encode("ascii", "replace").decode(),
)
def test_what_is_not_ours_is_told(text):
    with pytest.raises(OnionfleetError, match="; deploy to have it written anew"):
        onionbalance.parse(text)


def test_a_damaged_address_is_none():
    damaged = TEXT.replace(address(2), address(2).replace("a", "b", 1))
    first, second = onionbalance.parse(damaged)[0]["instances"]
    assert (first["address"], second["address"]) == (None, address(3))
