# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket

from onionfleet_keeper import targets


def _listener(family, where):
    one = socket.socket(family)
    one.bind(where)
    one.listen()
    return one


def test_one_target_of_each_port_is_enough(tmp_path):
    unix, dead = tmp_path / "a", tmp_path / "dead"
    with _listener(socket.AF_UNIX, str(unix)), _listener(socket.AF_INET, ("127.0.0.1", 0)) as tcp:
        here = f"127.0.0.1:{tcp.getsockname()[1]}"
        assert targets.answer([[here], [f"unix:{dead}", f"unix:{unix}"]])
        assert not targets.answer([[here], [f"unix:{dead}"]])
    assert not targets.answer([[here]])
    assert not targets.answer([["nonsense"]])
    assert targets.answer([])
