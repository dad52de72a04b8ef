# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark of softmaps reckons."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))
from figures import Series, jain, percentile, table, upper_bound


def test_jain():
    assert jain([7, 7, 7]) == pytest.approx(1)
    assert jain([5, 0, 0, 0]) == pytest.approx(1 / 4)
    assert jain([1, 2, 3]) == pytest.approx(36 / 42)


@pytest.mark.parametrize(
    ("failed", "requests", "bound"),
    [(0, 300, 0.01), (0, 2, 1.0), (0, 0, 1.0), (3, 300, 0.02898), (10, 10, 1.0)],  # Wilson (1927), by hand
)
def test_upper_bound(failed, requests, bound):
    assert upper_bound(failed, requests) == pytest.approx(bound, abs=1e-4)


def test_percentile():
    assert [percentile([3, 1, 2], share) for share in (0, 0.5, 0.95, 1)] == [1, 2, 3, 3]


def test_table():
    assert table(["run", "failed"], [["kill", 0]]) == "| run | failed |\n| --- | ---: |\n| kill | 0 |"


def test_when_a_backend_left_and_joined():
    series = Series()
    # it was away before, was seen once more after it had left, and came back
    for at, listed in ((90, 0), (100, 8), (105, 3), (108, 5), (110, 3), (115, 0), (120, 0)):
        series.add(at, listed, 8)
    assert series.left(100) == 10
    assert series.gone(100) == 15
    assert series.joined(100) is None
    series.add(130, 5, 8)
    assert series.joined(100) == 30
    assert series.everywhere(100) is None
    assert series.left(100) is None
    series.add(131, 8, 8)
    assert series.everywhere(100) == 31


def test_half_of_the_directories_are_no_quorum():
    series = Series([(10, 4, 8)])
    assert series.left(0) is None and series.joined(0) is None
