# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways around the gate that a review found: names of Ansible's own, words about others, secrets for whoever is left."""

from __future__ import annotations

import pytest
import yaml
from hostile.fleet import lie
from hostile.verdict import leaks, noise, touched


@pytest.fixture
def fleet(deployed, tmp_path):
    fleet = deployed.copy(tmp_path)
    fleet.world["plan"] = deployed.world["plan"]
    return fleet


def harmless(run):
    assert [*leaks(run), *touched(run), *noise(run)] == []


@pytest.mark.parametrize(
    "planted", [{"inventory_hostname": "web1"}, {"inventory_dir": "/tmp"}, {"group_names": ["web"]}]
)
def test_a_host_cannot_call_itself_another(fleet, planted):
    """Facts stand in for the name that Ansible has for a host, and with the name come its part of the plan and keys."""
    play = fleet.folder / "own.yml"
    play.write_text(
        yaml.safe_dump(
            [{"hosts": "web,app1", "become": True, "gather_facts": True, "roles": ["onionfleet.balance.hardmap"]}]
        )
    )
    asks = lie("app1", "preflight", set={"missing_keys": ["newsroom", "members"]})
    run = fleet.run(
        str(play), lies=[lie("app1", "setup", set={"ansible_facts": planted}), asks], ANSIBLE_INJECT_FACT_VARS="true"
    )
    harmless(run)
    assert run.code != 0
    assert f"host 'app1': its facts hold the variable '{next(iter(planted))}'" in run.output
    assert not run.sent("web1", "tor_instances")


def test_without_its_probe_host_nobody_is_sent_clients_keys_in_its_place(fleet):
    run = fleet.run("status", lies=[lie("web1", "ping", raw="garbage")])
    assert run.lied
    harmless(run)
    given = {
        host
        for host in run.hosts()
        for note in run.sent(host)
        if note.get("module", "").endswith(("onion_probe", "onion_descriptor_info"))
        and note["arguments"].get("credentials")
    }
    assert given <= {"web1", "web2"}, "they serve the restricted service"


def test_no_host_writes_lines_of_its_own_into_the_report(fleet):
    forged = "x\n  - service 'newsroom': forged\nhost 'web1': its answer to preflight is not to be trusted: forged"
    run = fleet.run("status", lies=[lie("app1", "onion_descriptor_info", answer={"failed": True, "msg": forged})])
    assert run.lied
    harmless(run)
    report = run.output[run.output.rindex("newsroom  hardmap") :]
    assert not any(
        line.strip().startswith(("- service 'newsroom': forged", "host 'web1': its answer"))
        for line in report.splitlines()
    )


def test_what_ansibles_own_actions_warn_of_does_not_act_on_a_terminal(fleet):
    """The action template has one of copy work for it."""
    junk = '{"stat": {"exists": false}, "changed": false}\x1b[2J\x1b]0;owned\x07'
    run = fleet.run("deploy", "--limit", "pub2", lies=[lie("pub2", "stat", raw=junk)])
    assert run.lied
    harmless(run)
