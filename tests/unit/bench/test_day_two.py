# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the benchmark of day two."""

from __future__ import annotations

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))
from day_two import report

CALM = {
    "pages": 500,
    "pages_failed": 0,
    "newcomers": 40,
    "newcomers_failed": 0,
    "downloads": 20,
    "downloads_failed": 0,
    "seconds": 250,
}


def test_the_last_of_each_operation_counts_beside_its_control(tmp_path):
    path = tmp_path / "figures.jsonl"
    worse = {**CALM, "pages_failed": 3, "newcomers_failed": 1, "downloads_failed": 2}
    path.write_text(
        "".join(
            json.dumps({"operation": "test_a_hardmap", "during": during, "without": CALM}) + "\n"
            for during in (CALM, worse)
        )
    )
    lines = report(path).splitlines()
    assert len(lines) == 3
    assert lines[-1] == "| a hardmap | 540 | 40 | 4 | 1.9 % | 20 | 2 | 250 | 540 | 0 | 20 | 0 |"


def test_variants_of_an_operation_are_summed_up(tmp_path):
    path = tmp_path / "figures.jsonl"
    path.write_text(
        "".join(
            json.dumps({"operation": f"test_killed[{step}]", "during": CALM}) + "\n" for step in ("one", "two", "two")
        )
    )
    assert (
        report(path).splitlines()[-1] == "| killed (2 times) | 1080 | 80 | 0 | 0.28 % | 40 | 0 | 500 | - | - | - | - |"
    )
