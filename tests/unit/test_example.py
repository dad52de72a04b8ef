# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example that people copy is a sound declaration."""

from __future__ import annotations

import pathlib

import yaml
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan

EXAMPLE = pathlib.Path(__file__).parents[2] / "inventory.example"


def load(path):
    return yaml.safe_load((EXAMPLE / path).read_text())


def test_the_example_is_planned():
    children = load("hosts.yml")["all"]["children"]
    groups = {name: list(group["hosts"]) for name, group in children.items()}
    groups["all"] = [host for hosts in groups.values() for host in hosts]
    declared = load("group_vars/all/onion.yml")
    plan = make_plan(
        Declaration(
            services=declared.pop("onion_services"),
            groups=groups,
            addresses={name: f"address-of-{name}" for name in ("newsroom", "archive", "library")},
            daemon_options=declared.pop("onion_daemon_options"),
            drained=declared.pop("onion_drained"),
        )
    )
    assert [hint.split(":")[0] for hint in plan.hints] == ["service 'archive' has no keeper"]
    assert {service["layout"] for service in plan.services.values()} == {"hardmap", "softmap"}
    assert set(plan.hosts) == set(groups["all"])
    assert declared == {}
