# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line about a wait."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.waiting import at_most, sentence


@pytest.mark.parametrize(("missing", "what"), [
    ([], "waiting"),
    (["a", "b", "c"], "waiting for a; b; c"),
    (["a", "b", "c", "d", "e"], "waiting for a; b; c and 2 more"),
    (["a\n[web2] done"], "waiting for a [web2] done"),
    (["a" * 201], f"waiting for {'a' * 199}…"),
])
def test_sentence(missing: list, what: str) -> None:
    assert sentence("web1", 26.7, 300.0, missing) == f"[web1] 27 s of at most 300 s: {what}"


@pytest.mark.parametrize(("elapsed", "attempts", "limit"), [(5.0, 1, 300), (4.9, 1, 300), (24.0, 2, 720)])
def test_at_most(elapsed: float, attempts: int, limit: float) -> None:
    assert at_most(elapsed, attempts, 60, 5.0) == limit
