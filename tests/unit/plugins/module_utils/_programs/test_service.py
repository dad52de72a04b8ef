# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told to do with publisher and keeper."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._host import systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import service

UNIT = "onionfleet-keeper.service"


@pytest.mark.parametrize(
    ("enabled", "active", "act", "verbs"),
    [
        ("enabled", "active", "start", []),
        ("enabled", "activating", "start", []),
        ("enabled", "active", "reload", ["reload"]),
        ("enabled", "active", "restart", ["restart"]),
        ("enabled", "failed", "restart", ["start"]),
        ("enabled", "inactive", "reload", ["start"]),
        ("disabled", "active", "start", ["enable"]),
        # there is no such unit yet
        ("", "inactive", "start", ["enable", "start"]),
        ("", "inactive", "stop", []),
        ("enabled", "active", "stop", ["disable", "stop"]),
        ("disabled", "inactive", "stop", []),
    ],
)
def test_only_what_is_due_is_done(enabled, active, act, verbs, monkeypatch):
    told = []

    def run(*command, timeout):
        if command[1] != "show":
            told.append(command[1:])
        return f"UnitFileState={enabled}\nActiveState={active}\n"

    monkeypatch.setattr(systemd, "run", run)
    assert service.bring(f"/etc/systemd/system/{UNIT}", act, check=True) == verbs
    assert told == []
    assert service.bring(f"/etc/systemd/system/{UNIT}", act, check=False) == verbs
    reload = [("daemon-reload",)] if verbs else []
    assert told == [*reload, *((verb, UNIT, "--quiet") for verb in verbs)]
