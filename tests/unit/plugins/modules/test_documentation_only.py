# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules plan, show, onion_store and guarded, say, which are run by actions of their name, and document them."""

from __future__ import annotations

import dataclasses

import pytest
import yaml
from ansible_collections.onionfleet.balance.plugins.action import plan as plan_action
from ansible_collections.onionfleet.balance.plugins.modules import (
    guarded,
    onion_backup,
    onion_restore,
    onion_store,
    plan,
    show,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, Plan, make_plan


@pytest.mark.parametrize("module", [guarded, onion_backup, onion_restore, onion_store, plan, show])
def test_examples_use_the_module(module):
    name = yaml.safe_load(module.DOCUMENTATION)["module"]
    assert module.__name__.endswith(f".{name}")
    examples = yaml.safe_load(module.EXAMPLES)
    assert any(f"onionfleet.balance.{name}" in task for task in examples)
    for task in examples:
        options = task.get(f"onionfleet.balance.{name}") or {}
        assert set(options) <= set(yaml.safe_load(module.DOCUMENTATION)["options"])


def test_plan_documents_what_it_returns():
    assert set(yaml.safe_load(plan.RETURN)) == {field.name for field in dataclasses.fields(Plan)}


def test_plan_documents_what_it_reads():
    for variable in (*plan_action.DEFAULTS, *plan_action.UNREAD):
        assert f"C({variable})" in plan.DOCUMENTATION


def test_plan_documents_each_hosts_slice():
    service = {"name": "a", "layout": "hardmap", "replicas": "web1", "ports": [{"port": 80, "target": "127.0.0.1:1"}]}
    made = make_plan(Declaration(services=[service], groups={"all": ["web1"]}, keys_required=False))
    assert set(yaml.safe_load(plan.RETURN)["hosts"]["contains"]) == set(made.hosts["web1"])
