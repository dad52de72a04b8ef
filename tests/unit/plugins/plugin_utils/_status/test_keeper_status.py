# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a status says of keepers (_keeper_rows), from what keeper_info returns."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.keeper_status import (
    keeper_redacted,
    keeper_row,
    keeper_troubles,
)

REPLICA = {"host": "web1", "daemon": "newsroomw1", "runs": True}


def said(turned=0.5, targets=True, drained=False, hsdirs_answer=True, **replica):
    own = {
        "name": "web1/newsroomw1",
        "holds": False,
        "publishes": False,
        "armed": True,
        "ready": True,
        "drained": drained,
        "published": [900, 950],
        "took_over": {"at": 940, "why": "unreachable for 21 s"},
        "took_its_turn": None,
        **replica,
    }
    service = {
        "name": "newsroom",
        "targets": targets,
        "answers": True,
        "hsdirs_answer": hsdirs_answer,
        "replicas": [own],
    }
    return {"web1": {"status": {"time": 1000.4, "turned": turned, "services": [service]}, "error": ""}}


def troubles(kept, **replica):
    row = keeper_row("newsroom", REPLICA, kept)
    return list(keeper_troubles({"replicas": [{**REPLICA, **replica, "keeper": row}] * 2}))


def test_a_standby():
    row = keeper_row("newsroom", REPLICA, said())
    assert (row["runs"], row["error"], row["state"], row["publications"]) == (True, "", "stands by", 2)
    assert row["took_over"] == {"at": 940, "why": "unreachable for 21 s", "ago": 60}
    assert troubles(said()) == []


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"holds": True, "publishes": True}, "holds"),
        ({"holds": False, "publishes": True}, "publishes"),
        ({"holds": None, "publishes": None}, "no tor"),
        ({"drained": True}, "drained"),
    ],
)
def test_states(fields, state):
    assert keeper_row("newsroom", REPLICA, said(**fields))["state"] == state


@pytest.mark.parametrize(
    ("kept", "trouble"),
    [
        ({"web1": {"status": None, "error": "status.sock: nobody listens"}}, "status.sock: nobody listens"),
        ({"web1": {"failed": True, "msg": "no privileges"}}, "no privileges"),
        (said(turned=75), "hangs: it has looked after nothing for 75 s"),
        (said(name="web1/other"), "does not keep it; deploy"),
        ({"web1": {**said()["web1"], "stale": True}}, "was not restarted since its files changed; deploy"),
        (said(targets=False), "the service's targets on its host do not answer it"),
        (said(hsdirs_answer=False), "no HSDir answered it last; its own Tor is at fault, and it takes nothing over"),
        (said(publishes=None), "daemon 'newsroomw1' runs and does not answer it"),
    ],
)
def test_troubles_are_told_once(kept, trouble):
    assert troubles(kept) == [f"keeper of host 'web1': {trouble}"]


@pytest.mark.parametrize("kept", [{}, {"web1": {"unreachable": True}}, said(took_over=None)])
def test_what_is_no_trouble_of_a_keeper(kept):
    assert troubles(kept) == []


def test_a_tor_that_is_down_is_said_of_the_daemon_alone():
    assert troubles(said(publishes=None), runs=False) == []


def test_redacted_errors_name_nobody():
    row = keeper_row("newsroom", REPLICA, {"web1": {"status": None, "error": "root@web1: refused"}})
    assert "web1" not in str(keeper_redacted(row))
    assert keeper_redacted(keeper_row("newsroom", REPLICA, said()))["state"] == "stands by"
    assert keeper_redacted(None) is None
