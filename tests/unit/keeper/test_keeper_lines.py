# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from onionfleet_keeper import lines

AS_WRITTEN = [
    ("HiddenServiceDir", "/var/lib/a"), ("HiddenServicePort", "80 unix:/run/a.sock"), ("HiddenServicePort", "80 [::1]:8080"),
    ("HiddenServiceDir", "/var/lib/b"), ("HiddenServicePort", "443 127.0.0.1:8443"), ("HiddenServiceMaxStreams", "7")]


def test_arming_loses_no_line_and_no_order():
    armed = lines.armed(AS_WRITTEN)
    assert [pair for pair in armed if pair[0] != "HiddenServicePoWDefensesEnabled"] == AS_WRITTEN
    assert [armed[number + 1] for number, pair in enumerate(armed) if pair[0] == "HiddenServiceDir"] == [("HiddenServicePoWDefensesEnabled", "1")] * 2
    assert lines.configured(armed) == AS_WRITTEN
    assert lines.armed(armed) == armed


def test_armed_is_what_proof_of_work_is():
    assert lines.is_armed(lines.armed(AS_WRITTEN))
    assert not lines.is_armed(AS_WRITTEN)
    assert not lines.is_armed([*AS_WRITTEN, ("HiddenServicePoWDefensesEnabled", "0")])
    assert not lines.is_armed([("HiddenServiceOptions", None)])
