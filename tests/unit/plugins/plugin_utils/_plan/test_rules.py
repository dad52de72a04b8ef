# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan import rules
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.services import Faults, Inventory, read_services

GROUPS = {"all": ["web1", "web2"], "web": ["web1", "web2"]}
PORTS = [{"port": 80, "target": "127.0.0.1:8080"}, {"port": 443, "target": "127.0.0.1:8443"}]


def services(*names, **fields):
    faults = Faults()
    declared = [{"name": name, "layout": "hardmap", "replicas": "web", "ports": PORTS, **fields} for name in names]
    found = read_services(declared, Inventory(GROUPS), faults)
    assert not faults
    return found


def sharing(*of_each):
    found = {}
    for number, fields in enumerate(of_each):
        found.update(services(f"s{number}", **{"daemon": "small", **fields}))
    faults, hints = Faults(), []
    rules.check_daemons(found, {}, faults, hints)
    return list(faults), hints


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"name": "small"}, ["onion_daemons: type: is a mapping; write a list"]),
        ([{"options": {}}], ["onion_daemons entry 1: name"]),
        ([{"name": "a-b"}], ["onion_daemons entry 1: name"]),
        ([{"name": "small"}, {"name": "small"}], ["daemon 'small': name: is declared twice"]),
        ([{"name": "small", "option": {}}], ["daemon 'small': option: is not known"]),
        ([{"name": "small", "options": {"sandbx": True}}], ["daemon 'small': options: "]),
        ([{"name": "small", "options": {"sandbox": True}}], []),
    ],
)
def test_shared_daemons(declared, words):
    faults = Faults()
    rules.read_shared_daemons(declared, faults)
    assert len(faults) == len(words)
    assert all(fault.startswith(start) for fault, start in zip(faults, words))


def test_addresses_come_from_store_or_declaration_and_belong_to_one_service():
    faults = Faults()
    found = services("a", "b")
    assert rules.check_addresses(found, {"a": "x.onion", "b": "y.onion"}, True, faults) == {
        "a": "x.onion",
        "b": "y.onion",
    }
    assert not faults
    rules.check_addresses(found, {"a": "x.onion", "b": "x.onion"}, True, faults)
    assert list(faults) == ["service 'b': key: is also that of service 'a'; give each service a key of its own"]


def test_a_missing_key_is_a_fault_where_required():
    for required in (True, False):
        faults = Faults()
        assert rules.check_addresses(services("a"), {}, required, faults) == {}
        assert bool(faults) is required
    gone = Faults()
    rules.check_addresses(services("a", state="absent"), {}, True, gone)
    assert not gone


def test_services_of_a_daemon_agree():
    assert sharing({}, {}) == ([], [])
    faults, _hints = sharing({"single_hop": True}, {})
    assert len(faults) == 1
    assert faults[0].startswith("service 's1': single_hop: is anonymous but shares 'small'")
    faults, _hints = sharing({"directory": "same"}, {"directory": "same"})
    assert len(faults) == 1
    assert "is that of service 's0' in daemon 'small'; rename one" in faults[0]


def test_a_shared_daemon_is_not_named_like_a_services_own():
    faults = Faults()
    rules.check_daemons({**services("a"), **services("b", daemon="aw1")}, {}, faults, [])
    assert list(faults) == [
        "service 'b': daemon: 'aw1' is also the name of a daemon of service 'a'; choose another name"
    ]


def test_crowds_loners_and_idlers_are_hinted_at():
    assert sharing(*[{}] * rules.MANY_SERVICES)[1] == []
    assert "runs 13 services" in sharing(*[{}] * (rules.MANY_SERVICES + 1))[1][0]
    hints = []
    rules.check_daemons({}, {"idle": {}}, Faults(), hints)
    assert hints == ["daemon 'idle' of onion_daemons is used by no service"]


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ({"web1": {"a": {80: "127.0.0.1:1", "443": ["127.0.0.1:1", "127.0.0.1:2"]}}}, None),
        ({"web1": []}, "onion_targets: is an empty list; write a mapping"),
        ({"web1": {"b": {80: "127.0.0.1:1"}}}, "no such service is declared"),
        ({"web3": {"a": {80: "127.0.0.1:1"}}}, "the host does not run"),
        ({"web1": {"a": "127.0.0.1:1"}}, "must map ports to targets"),
        ({"web1": {"a": {81: "127.0.0.1:1"}}}, "port 81 is not among"),
        ({"web1": {"a": {80: "nowhere"}}}, "ports[0].target"),
    ],
)
def test_overrides(targets, words):
    faults = Faults()
    rules.check_overrides(services("a"), targets, faults)
    assert [words in fault for fault in faults] == ([True] if words else [])


def test_overrides_replace_targets_only():
    assert rules.override_ports(PORTS, {"80": ["127.0.0.1:1"]}) == [{"port": 80, "targets": ["127.0.0.1:1"]}, PORTS[1]]
