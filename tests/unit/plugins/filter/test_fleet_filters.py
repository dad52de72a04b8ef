# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters fleet_status, probe_targets, redacted, fleet_report and restart_order, as roles write them."""

from __future__ import annotations

import jinja2
import pytest
from ansible_collections.onionfleet.balance.plugins.filter import fleet_report, restart_order, status

ADDRESS = "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion"
SERVICE = {
    "layout": "hardmap",
    "state": "present",
    "address": ADDRESS,
    "replicas": [{"host": "web1", "daemon": "newsroom", "worker": 1}],
    "backends": [],
    "publishers": [],
    "directory": "newsroom",
    "ports": [80],
    "probe": {},
    "pow": False,
    "restricted": False,
}
STATUS = "onionfleet.balance.fleet_status({'web1': {'unreachable': true}}, [], [])"


@pytest.fixture(name="render")
def fixture_render():
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    for module in (status, fleet_report, restart_order):
        for name, function in module.FilterModule().filters().items():
            environment.filters[f"onionfleet.balance.{name}"] = function

    def render(expression, **variables):
        return environment.compile_expression(expression)(**variables)

    return render


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (status, {"fleet_status", "probe_targets", "redacted"}),
        (fleet_report, {"fleet_report"}),
        (restart_order, {"restart_order"}),
    ],
)
def test_names(module, names):
    assert set(module.FilterModule().filters()) == names


def test_probe_targets(render):
    found = render("services | onionfleet.balance.probe_targets", services={"newsroom": SERVICE})
    assert found == [{"name": "newsroom", "address": ADDRESS, "port": 80}]


def test_fleet_status(render):
    found = render(f"services | {STATUS}", services={"newsroom": SERVICE})
    assert found["unpublished"] == ["newsroom"]
    assert "service 'newsroom': daemon 'newsroom' of host 'web1': host is not reachable" in found["troubles"]


def test_redacted(render):
    shown = str(render(f"services | {STATUS} | onionfleet.balance.redacted", services={"newsroom": SERVICE}))
    assert ADDRESS[:4] not in shown
    assert "web1" not in shown
    assert "host 1" in shown


def test_fleet_report(render):
    results = {"web1": {"faults": ["tor: old"], "hints": []}, "web2": {"unreachable": True}}
    report = render("results | onionfleet.balance.fleet_report(services)", results=results, services={"newsroom": SERVICE})
    assert report["faults"] == ["host 'web1': tor: old"]
    assert report["hints"] == ["host 'web2': is not reachable; run again when it is back"]


def test_restart_order(render):
    actions = {
        "web1": [{"name": "newsroom", "action": "restart", "reasons": [], "revisions": {"newsroom": 9}}],
        "web2": [{"name": "newsroom", "action": "restart", "reasons": [], "revisions": {"newsroom": 3}}],
    }
    steps = render("actions | onionfleet.balance.restart_order", actions=actions)
    assert [step["host"] for step in steps] == ["web2", "web1"]
