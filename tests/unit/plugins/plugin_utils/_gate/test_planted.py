# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that have names of our variables, and an operator's variables without any fact."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.planted import (
    ROLES,
    planted,
    planted_here,
    without_facts,
)

ROOT = pathlib.Path(__file__).parents[5]


def variables_of_roles():
    """Defaults, vars and specified options of each role, and what its tasks register or set."""
    for path in (ROOT / "roles").glob("*/*/*.yml"):
        content = yaml.safe_load(path.read_text())
        if path.parent.name in ("defaults", "vars"):
            yield from content or {}
        if path.name == "argument_specs.yml":
            yield from content["argument_specs"]["main"].get("options", {})
        for task in content if path.parent.name == "tasks" else []:
            yield from (task[key] for key in ("register",) if key in task)
            yield from task.get("ansible.builtin.set_fact", {})


def test_roles_are_those_that_are_there():
    assert set(ROLES) == {path.name for path in (ROOT / "roles").iterdir()}


@pytest.mark.parametrize("name", sorted({*variables_of_roles()}))
def test_no_variable_of_a_role_can_be_planted(name):
    (fault,) = planted({"web1": {}, "web3": {"distribution": "Debian", name: "x"}})
    assert fault.startswith(f"host 'web3': its facts hold the variable '{name}', which only you set; ")


@pytest.mark.parametrize(
    "name", ["onion_services", "onion_keys_dir", "onion_plan", "onion_client_credentials", "onion_anything"]
)
def test_nor_can_one_of_the_declaration(name):
    assert len(planted({"web3": {name: []}})) == 1


@pytest.mark.parametrize(
    "name",
    [
        "inventory_hostname",
        "inventory_dir",
        "group_names",
        "groups",
        "hostvars",
        "item",
        "lookup",
        "omit",
        "vars",
        "become",
        "tags",
    ],
)
def test_nor_can_what_ansible_itself_sets(name):
    (fault,) = planted({"web3": {name: "web1"}})
    assert f"host 'web3': its facts hold the variable '{name}'" in fault


class HostVars(dict):
    raw_get = dict.__getitem__


def test_a_host_that_calls_itself_another_is_named():
    """Its facts change even the name that it goes by."""
    facts = {"inventory_hostname": "web1"}
    of_hosts = HostVars({"web1": {"ansible_facts": {}}, "web3": {"ansible_facts": facts}})
    variables = {
        "inventory_hostname": "web1",
        "ansible_facts": facts,
        "hostvars": of_hosts,
        "groups": {"all": ["web1", "web3"]},
    }
    (fault,) = planted_here(variables)
    assert fault.startswith("host 'web3': ")
    assert planted_here({**variables, "ansible_facts": {}}) == []
    assert len(planted_here({"inventory_hostname": "web1", "ansible_facts": facts})) == 1


def test_facts_that_hosts_have_are_no_matter():
    facts = {
        "distribution": "Debian",
        "gather_subset": ["all"],
        "module_setup": True,
        "env": {},
        "hostname": "x",
        "onion": 1,
        "verify": 1,
        "discovered_interpreter_python": "/usr/bin/python3",
        "local": {"onion_x": 1},
    }
    assert planted({"web1": facts, "web2": None, "web3": {}}) == []


def test_a_name_is_shown_harmless():
    (fault,) = planted({"web3": {"onion_\x1b[2J": 1}})
    assert "'onion_'" in fault
    assert fault.isprintable()


def test_variables_whose_value_is_a_facts_are_none():
    facts = {"hostname": "web1", "target": "evil", "mine": "theirs"}
    variables = {"ansible_facts": facts, "ansible_hostname": "web1", "target": "evil", "mine": "mine", "other": 1}
    assert without_facts(variables) == {"ansible_facts": facts, "ansible_hostname": "web1", "mine": "mine", "other": 1}
    assert without_facts({"a": 1}) == {"a": 1}


class Stubborn:
    def __ne__(self, other):
        raise TypeError


def test_what_cannot_be_compared_is_no_fact():
    value = Stubborn()
    assert without_facts({"ansible_facts": {"a": 1}, "a": value})["a"] is value
