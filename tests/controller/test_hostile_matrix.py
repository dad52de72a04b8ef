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
from hostile.fleet import ACTING
from hostile.verdict import MOST, leaks, misled, misreported, noise, ordered, touched, unnamed

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
    """All that is wrong after a run, at once. The output is kept, for whoever asks why."""
    (run.fleet.folder / "output").write_text(run.output, errors="surrogateescape")
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
def test_a_playbook_among_liars(deployed, crowd, playbook, arguments):
    told = table.lies(crowd, playbook, 1, table.variables(crowd.collections)) if playbook in table.FIELDS else []
    run = crowd.run(playbook, *arguments, "--limit", "web,others,liar*" if playbook == "deploy" else "all", lies=told)
    assert judge(run) == []
    assert len(run.lied) >= len(told) / 2, f"most lies have to be told: {run.output[-3000:]}"
    if playbook == "deploy":
        assert misled(run, deployed.orders) == []


def test_a_liar_is_named(crowd):
    """What can only be a lie is told with the host, the module and the field."""
    value = {"a": [{"b": 1}]}
    fields = [
        (module, path) for module, paths in table.FIELDS["status"]["traps"].items() for path in paths if path != "diff"
    ]
    told = [table.lie(liar, module, set={path: value}) for liar, (module, path) in zip(crowd.liars, fields)]
    run = crowd.run("status", lies=told)
    assert [*unnamed(run), *judge(run)] == []


def strange(value, place=""):
    """What of a registered result should not have passed."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from strange(key, f"a key of {place}")
            yield from strange(each, f"{place}.{key}")
    elif isinstance(value, list):
        for each in value:
            yield from strange(each, place)
    elif isinstance(value, str):
        if ACTING.search(value) or "{{" in value or "{%" in value or len(value) > MOST:
            yield f"{place}: {value[:80]!r}"
    elif isinstance(value, (int, float)) and not abs(value) <= 2**64:
        yield f"{place}: {value}"


def test_every_module_among_liars(crowd):
    """What playbooks ask one host only, asked of all liars; what was registered holds nothing that it should not."""
    modules, names = table.direct(crowd), table.variables(crowd.collections)
    told = [one for module, (_given, fields) in modules.items() for one in table.crossed(crowd, module, fields, names)]
    passive = {"ignore_errors": True, "ignore_unreachable": True}
    tasks = []
    for number, (module, (given, _fields)) in enumerate(modules.items()):
        own = "." not in module
        action = (
            {f"onionfleet.balance.{module}": given}
            if own
            else {"onionfleet.balance.guarded": {"module": module, "options": given}}
        )
        tasks.append({"name": module, **action, "register": f"answer{number}", **passive})
    answers = ", ".join(f"'{module}': answer{number}" for number, module in enumerate(modules))
    kept = {"content": f"{{{{ {{{answers}}} | to_json }}}}", "dest": f"{crowd.out}/{{{{ inventory_hostname }}}}.json"}
    tasks.append({"ansible.builtin.copy": kept, "delegate_to": "localhost", "vars": {"ansible_become": False}})
    playbook = crowd.folder / "every.yml"
    playbook.write_text(json.dumps([{"hosts": "traps", "gather_facts": False, "tasks": tasks}]))
    run = crowd.run(str(playbook), lies=told)
    assert len(run.lied) >= 0.9 * len(told)
    registered = {liar: json.loads((crowd.out / f"{liar}.json").read_text()) for liar in crowd.liars}
    assert [*strange(registered), *judge(run)] == []
    for liar, answers in registered.items():
        assert not any(
            "ansible_facts" in answer for module, answer in answers.items() if not module.endswith("setup")
        ), liar
