# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restricted service is asked with a client's key, or not at all."""

from __future__ import annotations

import concurrent.futures
import json
import time

import pytest
from onionfleet_keeper import settings
from onionfleet_keeper.model import Probe
from onionfleet_keeper.watch import Watch

ADDRESS = "a" * 56 + ".onion"
SERVICE = {
    "name": "letters",
    "address": ADDRESS,
    "replicas": ["web1/w1"],
    "daemons": [{"name": "w1", "replica": "web1/w1", "control": "/nowhere"}],
    "probe": {"port": 80},
    "restricted": True,
}


class Client:
    def __init__(self):
        self.keys, self.asked = [], 0

    def authorize(self, _address, key):
        self.keys.append(key)

    def probe(self, _address, _asked):
        self.asked += 1
        return Probe(time.monotonic(), True)

    def look(self, _address):
        raise AssertionError("not here")


@pytest.fixture(name="watched")
def fixture_watched(tmp_path):
    path = tmp_path / "credentials.json"
    (service,) = settings.parse(json.dumps({"services": [SERVICE], "credentials": str(path)})).services
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield path, Watch(service, Client(), pool)


def test_the_key_is_given_each_time(watched):
    path, watch = watched
    path.write_text(json.dumps({ADDRESS: "key"}))
    assert watch._ask().answered
    path.write_text(json.dumps({ADDRESS: "another"}))
    assert watch._ask().answered
    assert watch._client.keys == ["key", "another"]


@pytest.mark.parametrize("content", [None, "{}", "[", '"text"'])
def test_without_a_key_nothing_is_asked_and_nothing_concluded(watched, content, caplog):
    path, watch = watched
    if content is not None:
        path.write_text(content)
    assert watch._ask() is None
    assert watch._ask() is None
    assert watch._client.asked == 0
    assert watch.status()["why"]
    assert len([record for record in caplog.records if "cannot ask for it" in record.message]) == 1


def test_an_open_service_needs_none(watched):
    _path, watch = watched
    (service,) = settings.parse(json.dumps({"services": [{**SERVICE, "restricted": False}]})).services
    opened = Watch(service, watch._client, watch._pool)
    assert opened._ask().answered
    assert watch._client.keys == []
