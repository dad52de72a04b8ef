# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import time

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._host import targets


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield f"127.0.0.1:{one.getsockname()[1]}"


def test_who_listens_and_who_does_not(listener, tmp_path):
    stale = tmp_path / "stale"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(stale))
    assert targets.refusal(listener) == ""
    with socket.create_server(("127.0.0.1", 0)) as one:
        free = f"127.0.0.1:{one.getsockname()[1]}"
    assert targets.refusal(free) == f"nothing listens on {free}"
    assert targets.refusal(f"unix:{stale}") == f"nothing listens on unix:{stale}"
    assert "No such file" in targets.refusal(f"unix:{tmp_path}/none")
    assert "accepts no connection" in targets.refusal("nonsense")


def test_one_that_says_nothing(monkeypatch):
    def silent(_where, timeout):
        raise socket.timeout("timed out")

    monkeypatch.setattr(socket, "create_connection", silent)
    assert targets.refusal("192.0.2.1:80", 0.5) == "192.0.2.1:80 accepts no connection within 0.5 s"


def test_many_at_once(listener, monkeypatch):
    asked = []

    def slow(target):
        asked.append(target)
        time.sleep(0.2)
        return "" if target == listener else "no"

    monkeypatch.setattr(targets, "refusal", slow)
    started = time.monotonic()
    assert targets.refusals([listener, "a", "b", "a", "c"]) == {"a": "no", "b": "no", "c": "no"}
    assert sorted(asked) == sorted([listener, "a", "b", "c"])
    assert time.monotonic() - started < 0.7
