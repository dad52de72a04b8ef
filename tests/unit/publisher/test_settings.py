# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as examples
from onionfleet_publisher import settings

ONE = "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion"
TWO = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
GOOD = {
    "status-socket-location": "/run/x.sock",
    "services": [
        {
            "name": "archive",
            "key": "/keys/archive",
            "probe": {"port": 80},
            "instances": [
                {"name": "app1/archivew1", "address": ONE, "drained": False},
                {"name": "app2/archivew1", "address": TWO, "drained": True},
            ],
        }
    ],
    "onionfleet": {"introduction_points": 12, "probe_interval": 7.5, "testnet": True},
}


def test_the_whole_file() -> None:
    config = settings.parse(json.dumps(GOOD))
    service = config.services[0]
    assert (service.name, service.key, service.port) == ("archive", "/keys/archive", 80)
    assert [(one.name, one.address, one.drained) for one in service.instances] == [
        ("app1/archivew1", ONE, False),
        ("app2/archivew1", TWO, True),
    ]
    assert (config.settings.introduction_points, config.settings.probe_interval, config.settings.testnet) == (
        12,
        7.5,
        True,
    )
    assert config.settings.probe_failures == 2
    assert config.status_socket == "/run/x.sock"


def test_what_stock_onionbalance_needs_is_enough() -> None:
    config = settings.parse(
        yaml.safe_dump({"services": [{"key": "/k", "instances": [{"address": ONE.removesuffix(".onion")}]}]})
    )
    assert config.services[0].instances[0].address == ONE
    assert config.services[0].port is None
    assert config.settings == settings.Settings()


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (["services"], [], "services: none"),
        (["services"], {}, "services: none"),
        (["services", 0], 1, "not a mapping"),
        (["services", 0, "key"], "relative", "key: not an absolute path"),
        (["services", 0, "name"], 3, "name: not a text"),
        (["services", 0, "probe"], 80, "probe: wants"),
        (["services", 0, "probe", "port"], 0, "probe: wants"),
        (["services", 0, "probe", "port"], True, "probe: wants"),
        (["services", 0, "instances"], [], "instances: none"),
        (["services", 0, "instances", 0], "x", "instances[0]: not a mapping"),
        (["services", 0, "instances", 0, "address"], ONE[1:], "instances[0]: address"),
        (["services", 0, "instances", 0, "address"], ONE.upper(), "instances[0]: address"),
        (["services", 0, "instances", 0, "address"], TWO, "twice"),
        (["services", 0, "instances", 0, "name"], "app2/archivew1", "twice"),
        (["services", 0, "instances", 0, "name"], 7, "name: not a text"),
        (["services", 0, "instances", 0, "name"], "a\nb", "name: not a text"),
        (["services", 0, "name"], "x" * 201, "name: not a text"),
        (["services", 0, "instances", 0, "drained"], "yes", "drained: not true or false"),
        (["onionfleet"], [], "onionfleet: not a mapping"),
        (["onionfleet", "introduction_points"], 21, "introduction_points: not a number from 3 to 20"),
        (["onionfleet", "probe_failures"], True, "probe_failures: not a number"),
        (["onionfleet", "probe_failres"], 2, "probe_failres: no such setting"),
        (["onionfleet", "testnet"], 1, "testnet: not true or false"),
        (["status-socket-location"], 1, "not a path"),
    ],
)
def test_each_fault_is_named(path: list, value: object, fault: str) -> None:
    data = copy.deepcopy(GOOD)
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(settings.ConfigFault, match="(?s)" + fault.replace("[", r"\[")):
        settings.parse(json.dumps(data))


@pytest.mark.parametrize(
    "text", ["", "x", "[1]", "a: [", b"\xff", "services: *x", "!!python/object:os.system {}", "x: 2001-99-99"]
)
def test_what_is_no_configuration_at_all(text: str | bytes) -> None:
    with pytest.raises(settings.ConfigFault):
        settings.parse(text)


@pytest.mark.parametrize(
    "text",
    [json.dumps(GOOD, indent=1), yaml.safe_dump(GOOD, explicit_start=True, explicit_end=True)],
    ids=["JSON", "YAML"],
)
@given(data=st.data())
@examples(max_examples=80, deadline=None)
def test_a_torn_file_is_never_taken_for_a_shorter_one(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text.rstrip()) - 1))
    with pytest.raises(settings.ConfigFault):
        settings.parse(text[:cut])
