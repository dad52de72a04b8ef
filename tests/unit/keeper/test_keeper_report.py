# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from onionfleet_keeper import report

REPLICA = {
    "name": "web1/newsroomw1",
    "holds": True,
    "ready": True,
    "drained": False,
    "publications": 3,
    "changed": 1790000000,
}
STATUS = {
    "services": [
        {
            "name": "newsroom",
            "answers": True,
            "targets": False,
            "hsdirs_answer": None,
            "probes": {"answered": 5, "failed": 1},
            "replicas": [REPLICA, {**REPLICA, "name": "web1/newsroomw2", "holds": None, "changed": None}],
        }
    ]
}


def test_metrics():
    text = report.metrics(STATUS)
    assert 'onionfleet_keeper_holds{service="newsroom",replica="web1/newsroomw1"} 1' in text
    assert 'onionfleet_keeper_holds{service="newsroom",replica="web1/newsroomw2"} 0' in text
    assert 'onionfleet_keeper_probes_total{service="newsroom",result="failed"} 1' in text
    assert 'onionfleet_keeper_targets_answer{service="newsroom"} 0' in text
    assert 'onionfleet_keeper_drained{service="newsroom",replica="web1/newsroomw1"} 0' in text
    assert "hsdirs_answer" not in text
    assert text.count("descriptor_changed_timestamp_seconds{") == 1
    assert text.count("# TYPE onionfleet_keeper_holds gauge\n") == 1
