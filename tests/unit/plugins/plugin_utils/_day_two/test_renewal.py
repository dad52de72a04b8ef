# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""_renewal, and the filter renewal_faults."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.filter.renewal_faults import FilterModule

renewal_faults = FilterModule().filters()["renewal_faults"]


def rows(*names):
    return [dict(zip(("host", "daemon"), name.split("/"))) for name in names]


SERVICES = {
    "archive": {
        "state": "present",
        "replicas": [],
        "backends": rows("app1/archiveb1", "app2/archiveb1"),
        "publishers": [{"host": "pub1"}, {"host": "pub2"}],
    },
    "newsroom": {"state": "present", "replicas": rows("app1/newsroomw1"), "backends": [], "publishers": []},
    "small": {"state": "present", "replicas": [], "backends": rows("app3/shared"), "publishers": [{"host": "pub1"}]},
    "tiny": {"state": "present", "replicas": [], "backends": rows("app3/shared"), "publishers": [{"host": "pub1"}]},
}


def told(**states):
    return {
        host: {"status": {"services": [{"name": "archive", "instances": [{"name": "app1/archiveb1", "state": state}]}]}}
        for host, state in states.items()
    }


def test_a_drained_one_can():
    assert renewal_faults(SERVICES, ["app1/archiveb1"], told(pub1="drained", pub2="drained")) == []


def test_one_that_no_publisher_knows_can():
    assert renewal_faults(SERVICES, ["app2/archiveb1"], told(pub1="up", pub2="up")) == []


@pytest.mark.parametrize("state", ["up", "down", "unknown"])
def test_one_that_a_publisher_lists_or_may_list_cannot(state):
    (fault,) = renewal_faults(SERVICES, ["app1/archiveb1"], told(pub1="drained", pub2=state))
    assert f"publisher 'pub2' has it as {state}" in fault and "onion_drained" in fault


@pytest.mark.parametrize("lost", [{}, {"unreachable": True}, {"status": None, "error": "x"}])
def test_a_publisher_that_cannot_be_asked_may_list_it(lost):
    (fault,) = renewal_faults(SERVICES, ["app1/archiveb1"], {**told(pub1="drained"), "pub2": lost})
    assert "publisher 'pub2' could not be asked" in fault


def test_names_are_asked_for():
    assert "name backends" in renewal_faults(SERVICES, [], {})[0]


def test_every_fault_at_once():
    faults = renewal_faults(
        SERVICES, ["app1/archiveb2", "app1/newsroomw1", "app3/shared", "app1/archiveb1"], told(pub1="up", pub2="up")
    )
    assert len(faults) == 5
    assert "did you mean" in faults[0] and "is no backend" in faults[1] and "small, tiny share this daemon" in faults[2]
