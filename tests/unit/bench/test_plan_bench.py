# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark of the plan declares can be planned."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan

BENCH = pathlib.Path(__file__).parents[2] / "bench"


@pytest.mark.parametrize(("layout", "fields"), [("hardmap", {"keeper": True}), ("softmap", {})])
def test_every_service_runs_on_so_many_hosts(layout, fields, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    specification = importlib.util.spec_from_file_location("plan_bench", BENCH / "plan.py")
    bench = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(bench)
    plan = make_plan(Declaration(**bench.declared(4, 3, layout, fields, hosts=5)))
    assert [len(each["replicas"] + each["backends"]) for each in plan.services.values()] == [3] * 4
    assert len(plan.hosts) == 5
