# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of answers: it is what RETURN of each module documents, and every module that runs on hosts has a line."""

from __future__ import annotations

import importlib
import pathlib

import pytest
import yaml
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.answers import ANSWERS, ASKED, COMMON, FACTS
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.shapes import Either, Many, Maybe, Record

MODULES = "ansible_collections.onionfleet.balance.plugins.modules"
ROOT = pathlib.Path(__file__).parents[5]
ON_CONTROLLER = {"onion_backup", "onion_restore", "onion_store", "plan", "show"}
OURS = sorted(name for name in ANSWERS if "." not in name)
# what an action adds to its module's answer, or makes of it
MADE_HERE = {"onion_probe": {"satisfied", "rounds", "elapsed"}, "preflight": {"clock", "there"}}


def inner(shape):
    """The shape of what a shape holds, if that is a record."""
    while isinstance(shape, (Maybe, Many, Either)):
        shape = shape.first if isinstance(shape, Either) else shape.inner
    return shape


def tree(fields):
    """Names and types as RETURN has them."""
    found = {}
    for name, shape in fields.items():
        found[name] = {"type": shape.kind}
        held = shape.inner if isinstance(shape, Maybe) else shape
        if isinstance(held, Many):
            found[name]["elements"] = held.inner.kind
        if isinstance(inner(shape), Record):
            found[name]["contains"] = tree(inner(shape).fields)
    return found


def documented(entries):
    """The same of RETURN."""
    return {
        name: {
            **{key: entry[key] for key in ("type", "elements") if key in entry},
            **({"contains": documented(entry["contains"])} if "contains" in entry else {}),
        }
        for name, entry in entries.items()
    }


def returned(name):
    return yaml.safe_load(importlib.import_module(f"{MODULES}.{name}").RETURN) or {}


@pytest.mark.parametrize("name", OURS)
def test_return_documents_the_table(name):
    made_here = MADE_HERE.get(name, set())
    told = {key: entry for key, entry in documented(returned(name)).items() if key not in made_here}
    assert told == {key: entry for key, entry in tree(ANSWERS[name].fields).items() if key not in made_here}


def test_a_preflight_finds_what_another_module_documents():
    assert ANSWERS["preflight"].fields["there"].inner is ANSWERS["onion_host_info"]


def test_guarded_documents_what_it_keeps_of_each_module():
    kept = {key: entry for name, record in ANSWERS.items() if "." in name for key, entry in tree(record.fields).items()}
    assert documented(returned("guarded")) == kept


def test_every_module_that_runs_on_hosts_has_a_line_and_an_action():
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")} - ON_CONTROLLER - {"guarded"}
    assert modules == set(OURS)
    actions = {path.stem for path in (ROOT / "plugins/action").glob("*.py")}
    assert modules | {"guarded"} <= actions


def test_an_action_of_each_passes_the_gate():
    for path in (ROOT / "plugins/action").glob("*.py"):
        assert ("(HostAction)" in path.read_text()) == (path.stem not in ON_CONTROLLER), path.name


def test_all_that_is_asked_about_has_a_line():
    assert set(ASKED) <= set(ANSWERS)
    assert set(FACTS) <= set(ANSWERS)
    assert "ansible_facts" not in COMMON


def used_by_roles():
    """Modules of ansible-core that a role or a playbook runs on hosts."""
    for path in [*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "playbooks").rglob("*.yml")]:
        yield from tasks(yaml.safe_load(path.read_text()), path)


def tasks(entries, path):
    for entry in entries or []:
        yield path, entry
        for part in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
            yield from tasks(entry.get(part), path)


ON_THE_CONTROLLER_ONLY = {
    "add_host",
    "assert",
    "debug",
    "fail",
    "group_by",
    "import_playbook",
    "import_tasks",
    "include_role",
    "include_tasks",
    "include_vars",
    "set_fact",
}


def test_roles_run_modules_of_ansible_core_on_hosts_through_the_gate_only():
    bare = [
        f"{path.relative_to(ROOT)}: {task.get('name')}: {key}"
        for path, task in used_by_roles()
        for key in task
        if key.startswith("ansible.builtin.")
        and key.rpartition(".")[2] not in ON_THE_CONTROLLER_ONLY
        and task.get("delegate_to") != "localhost"
    ]
    assert bare == []


def test_what_passes_the_gate_of_ansible_core_is_used():
    used = {
        task["onionfleet.balance.guarded"]["module"]
        for _path, task in used_by_roles()
        if "onionfleet.balance.guarded" in task
    }
    assert used == {name for name in ANSWERS if "." in name}
