# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many liars at once, each in another field of another module, and honest hosts are none the worse.

The lies are the table of hostile/table.py.
"""

from __future__ import annotations

import json

import pytest
from hostile import table
from hostile.verdict import leaks, misled, misreported, noise, ordered, touched, unnamed

TRAPS, PUBLISHING, KEEPING = 14, 14, 8


@pytest.fixture(scope="module")
def crowd(deployed, tmp_path_factory):
    """The deployed fleet with a crowd of liars besides."""
    publishing = [f"pubber{number}" for number in range(1, PUBLISHING + 1)]
    keeping = [f"keeper{number}" for number in range(1, KEEPING + 1)]
    liars = [f"liar{number}" for number in range(1, TRAPS + 1)]
    fleet = deployed.copy(
        tmp_path_factory.mktemp("crowd"), liars=[*liars, *publishing, *keeping], publishing=publishing, keeping=keeping
    )
    made = fleet.run("keys")
    assert made.code == 0, made.output
    fleet.declare()
    fleet.secrets = {}
    return fleet.prepare()


@pytest.fixture(scope="module")
def honest(deployed):
    """Report and orders of a run without liars."""
    run = deployed.run("status", "-e", "verify_report_file=../out/report.json")
    assert run.code == 0, run.output
    return json.loads((deployed.out / "report.json").read_text()), {
        host: ordered(run, host) for host in deployed.world["plan"]["hosts"]
    }


def judge(run):
    """All that is wrong after a run, at once."""
    return [*leaks(run), *touched(run), *noise(run)]


@pytest.mark.parametrize("round_", range(3))
def test_a_status_among_liars(crowd, honest, round_):
    report, orders = honest
    (crowd.out / "report.json").unlink(missing_ok=True)
    inject = {"ANSIBLE_INJECT_FACT_VARS": str(bool(round_ % 2)).lower()}
    told = table.lies(crowd, "status", round_, table.variables(crowd.collections))
    run = crowd.run("status", "-e", "verify_report_file=../out/report.json", lies=told, **inject)
    assert len(run.lied) >= len(told) - 6, "most lies have to be told"
    assert (crowd.out / "report.json").exists(), run.output[-3000:]
    found = json.loads((crowd.out / "report.json").read_text())
    assert [*judge(run), *misled(run, orders), *misreported(found, report)] == []


@pytest.mark.parametrize(
    ("playbook", "arguments"),
    [
        ("deploy", []),
        ("retire", []),
        ("switch", []),
        ("roll", []),
        ("renew", ["-e", '{"onion_renew": ["app1/libraryb1"]}']),
        ("plan", []),
        ("picture", ["-e", "onion_picture_file=../out/fleet.md"]),
    ],
)
def test_a_playbook_among_liars(crowd, playbook, arguments):
    told = table.lies(crowd, playbook, 1, table.variables(crowd.collections)) if playbook in table.FIELDS else []
    run = crowd.run(playbook, *arguments, "--limit", "web,others,traps" if playbook == "deploy" else "all", lies=told)
    assert bool(run.lied) == bool(told)
    assert judge(run) == []


def test_a_liar_is_named(crowd):
    """What can only be a lie is told with the host, the module and the field."""
    value = {"a": [{"b": 1}]}
    fields = [
        (module, path) for module, paths in table.FIELDS["status"]["traps"].items() for path in paths if path != "diff"
    ]
    told = [table.lie(liar, module, set={path: value}) for liar, (module, path) in zip(crowd.liars, fields)]
    run = crowd.run("status", lies=told)
    assert [*unnamed(run), *judge(run)] == []
