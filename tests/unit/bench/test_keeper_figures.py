# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark of keepers reckons."""

from __future__ import annotations

import pathlib
import statistics
import sys
import xml.dom.minidom

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))
from keeper_figures import chart, later_than, outage, waits


def _asked(at, ok, seconds=1.0):
    return {"at": at, "seconds": seconds, "ok": ok}


def test_an_outage_ends_with_the_first_answer_and_is_over_when_nobody_fails_any_more():
    requests = [
        _asked(99, True),
        _asked(101, False),
        _asked(110, True, 2.0),
        _asked(112, False),
        _asked(115, True),
        _asked(118, True),
    ]
    assert outage(requests, 100.0) == (12.0, 15.0)


def test_an_outage_without_an_end_and_none_at_all():
    assert outage([_asked(99, True), _asked(101, False)], 100.0) == (None, None)
    assert outage([_asked(101, True), _asked(102, True)], 100.0) == (2.0, 1.0)


@pytest.mark.parametrize(("replicas", "mean"), [(2, 33), (3, 23), (6, 13)])
def test_waits_without_a_keeper_are_those_that_were_computed_before(replicas, mean):
    found = waits(replicas, samples=4000)
    assert statistics.mean(found) / 60 == pytest.approx(mean, abs=1.5)
    assert max(found) <= 7200
    assert later_than(0, found) == 1


def test_a_chart_has_a_mark_for_each_run():
    text = chart({"tor <killed>": [12.0, 61.0], "nobody": [None]}, 90, 60)
    drawing = xml.dom.minidom.parseString(text)
    assert len(drawing.getElementsByTagName("circle")) == 2
    assert "tor &lt;killed&gt;" in text
