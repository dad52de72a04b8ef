# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of roles and playbooks as these write them: fleet_status, probe_targets, redacted, drift (host_drift,
left_behind, with_drift), compromise, names, renewal_faults, fleet_report and restart_order."""

from __future__ import annotations

import jinja2
import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onionfleet.balance.plugins.filter import (
    compromise,
    drift,
    fleet_report,
    names,
    renewal_faults,
    restart_order,
    status,
)

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
    for module in (status, drift, compromise, names, renewal_faults, fleet_report, restart_order):
        for name, function in module.FilterModule().filters().items():
            environment.filters[f"onionfleet.balance.{name}"] = function

    def render(expression, **variables):
        return environment.compile_expression(expression)(**variables)

    return render


@pytest.mark.parametrize(
    ("module", "called"),
    [
        (status, {"fleet_status", "probe_targets", "redacted"}),
        (fleet_report, {"fleet_report"}),
        (restart_order, {"restart_order"}),
        (drift, {"host_drift", "left_behind", "with_drift"}),
        (compromise, {"compromise"}),
        (names, {"names"}),
        (renewal_faults, {"renewal_faults"}),
    ],
)
def test_what_they_are_called(module, called):
    assert set(module.FilterModule().filters()) == called


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
    sentence = "host 'web3': its answer to preflight is not to be trusted: tor: is a list"
    results = {
        "web1": {"faults": ["tor: old"], "hints": []},
        "web2": {"unreachable": True},
        "web3": {"unreachable": True, "msg": f"Task failed: {sentence}"},
    }
    report = render(
        "results | onionfleet.balance.fleet_report(services)", results=results, services={"newsroom": SERVICE}
    )
    assert report["faults"] == ["host 'web1': tor: old"]
    assert report["hints"] == ["host 'web2': is not reachable; run again when it is back", sentence]


def test_restart_order(render):
    actions = {
        "web1": [{"name": "newsroom", "action": "restart", "reasons": [], "revisions": {"newsroom": 9}}],
        "web2": [{"name": "newsroom", "action": "restart", "reasons": [], "revisions": {"newsroom": 3}}],
    }
    steps = render("actions | onionfleet.balance.restart_order", actions=actions)
    assert [step["host"] for step in steps] == ["web2", "web1"]


def test_host_drift_and_with_drift(render):
    """host_drift of a host that nothing is planned for, with an orphan; with_drift adds it to a status."""
    daemons = {"diff": [], "actions": [], "orphans": [{"daemon": "ghost", "service": None}]}
    planned = {"publisher": None, "keeper": None}
    expression = "planned | onionfleet.balance.host_drift(daemons, {}, {}, {}, {}, {}, {})"
    found = render(expression, planned=planned, daemons=daemons)
    assert [each["kind"] for each in found] == ["undeclared"]
    status = {"services": [], "troubles": [], "unpublished": []}
    assert (
        render("status | onionfleet.balance.with_drift({'web1': found}, false)", status=status, found=found)["troubles"]
        == []
    )
    assert (
        len(render("status | onionfleet.balance.with_drift({'web1': found})", status=status, found=found)["troubles"])
        == 1
    )


def test_compromise(render):
    assert f"the key of {ADDRESS}" in render(
        "services | onionfleet.balance.compromise(['web1'])", services={"newsroom": SERVICE}
    )


def test_names(render):
    assert render("' web1,web2, ' | onionfleet.balance.names('onion_compromised')") == ["web1", "web2"]
    with pytest.raises(AnsibleFilterError, match="onion_compromised: is the number 7"):
        render("7 | onionfleet.balance.names('onion_compromised')")


def test_renewal_faults(render):
    (fault,) = render(
        "services | onionfleet.balance.renewal_faults(['web1/newsroom'], {})", services={"newsroom": SERVICE}
    )
    assert "'web1/newsroom' is no backend" in fault
