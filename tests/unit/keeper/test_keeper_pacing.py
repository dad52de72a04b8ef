# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from onionfleet_keeper.pacing import probe_due, slow


def test_probes_follow_one_another_faster_in_doubt():
    assert probe_due(10.0, 0.0, None, doubt=False, under_way=0)
    assert not probe_due(10.0, 9.0, 0.0, doubt=False, under_way=0)
    assert probe_due(10.0, 10.0, 0.0, doubt=False, under_way=0)
    assert probe_due(10.0, 5.0, 0.0, doubt=True, under_way=0)
    assert probe_due(10.0, 5.0, 0.0, doubt=False, under_way=1)
    assert not probe_due(10.0, 50.0, 0.0, doubt=True, under_way=3)


def test_a_probe_is_slow_after_a_while():
    assert slow(10.0, []) is None
    assert slow(10.0, [6.0, 8.0]) is None
    assert slow(10.0, [8.0, 5.0, 1.0]) == 1.0
