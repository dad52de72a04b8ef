# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

from onionfleet_publisher import report

STATUS = {
    "onionbalance": "0.2.4",
    "tor": {"connected": True, "consensus": False},
    "probes": {"interval": 20.0, "per_minute": 6.0, "suspended": False},
    "services": [
        {
            "name": "archive",
            "address": "secret.onion",
            "introduction_points": 6,
            "descriptors": [
                {
                    "which": "first",
                    "hsdirs": 8,
                    "uploaded": 7,
                    "failed": 1,
                    "attempted": 1700000000.5,
                    "signing_key": "k",
                    "revision_counter": 3,
                },
                {
                    "which": "second",
                    "hsdirs": 8,
                    "uploaded": 0,
                    "failed": 0,
                    "attempted": None,
                    "signing_key": None,
                    "revision_counter": 0,
                },
            ],
            "instances": [
                {
                    "name": 'app1/"w1\\',
                    "address": "b.onion",
                    "state": "up",
                    "listed": True,
                    "since": 1.0,
                    "last_answer_seconds": 0.25,
                    "introduction_points": 3,
                    "descriptor_received": 1700000000.0,
                    "failures": 0,
                },
                {
                    "name": "app2/w1",
                    "address": "c.onion",
                    "state": "unknown",
                    "listed": False,
                    "since": 1.0,
                    "last_answer_seconds": None,
                    "introduction_points": 0,
                    "descriptor_received": None,
                    "failures": 2,
                },
            ],
        }
    ],
}
COUNTERS = {("evictions_total", (("service", "archive"),)): 2.0, ("tor_connections_total", ()): 1.0}


def test_prometheus_text() -> None:
    text = report.metrics(STATUS, COUNTERS)
    lines = text.splitlines()
    for line in (
        "onionfleet_publisher_tor_connected 1",
        "onionfleet_publisher_tor_consensus 0",
        'onionfleet_publisher_introduction_points{service="archive"} 6',
        'onionfleet_publisher_descriptor_uploaded{service="archive",which="first"} 7',
        'onionfleet_publisher_descriptor_attempted_timestamp_seconds{service="archive",which="first"} 1700000000.5',
        'onionfleet_publisher_backend_up{service="archive",instance="app1/\\"w1\\\\"} 1',
        'onionfleet_publisher_backend_answer_seconds{service="archive",instance="app1/\\"w1\\\\"} 0.25',
        'onionfleet_publisher_evictions_total{service="archive"} 2',
        "onionfleet_publisher_tor_connections_total 1",
    ):
        assert line in lines
    assert not any("backend_up" in line and "app2" in line for line in lines)
    assert ".onion" not in text


def test_each_family_has_help_and_type_once_and_before_its_samples() -> None:
    families = []
    for line in report.metrics(STATUS, COUNTERS).splitlines():
        if line.startswith("# HELP"):
            families.append(line.split(" ")[2])
        elif line.startswith("# TYPE"):
            assert line.split(" ")[2] == families[-1]
            assert line.split(" ")[3] == ("counter" if families[-1].endswith("_total") else "gauge")
        else:
            assert re.fullmatch(r"(\w+)(\{.*\})? -?[0-9.]+", line)
            assert re.match(r"\w+", line)[0] == families[-1]
    assert len(families) == len(set(families))
