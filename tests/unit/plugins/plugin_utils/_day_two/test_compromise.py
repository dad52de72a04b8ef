# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""_compromise, and the filter compromise."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onionfleet.balance.plugins.filter.compromise import FilterModule

compromise = FilterModule().filters()["compromise"]


def service(replicas=(), publishers=(), backends=(), **fields):
    rows = {"replicas": replicas, "publishers": publishers, "backends": backends}
    placed = {role: [{"host": host} for host in hosts] for role, hosts in rows.items()}
    return {"state": "present", "address": "x.onion", "restricted": False, **placed, **fields}


SERVICES = {
    "newsroom": service(replicas=["web1", "web2"], address="news.onion", restricted=True),
    "archive": service(publishers=["pub1"], backends=["web1", "web2"], address="archive.onion"),
    "gone": service(replicas=["web2"], state="absent"),
}


def test_a_replica_loses_the_key_and_a_backend_does_not():
    text = compromise(SERVICES, ["web2"])
    assert "LOST  service 'newsroom': the key of news.onion" in text
    assert "kept  service 'archive'" in text and "gone" not in text
    assert "2. Take it out of the inventory and of newsroom: replicas; archive: backends." in text
    assert "- name: newsroom-2" in text and "archive-2" not in text
    assert "of its other clients only names and public keys" in text
    assert [line[0] for line in text.splitlines() if line[:1].isdigit()] == ["1", "2", "3", "4", "5", "6"]


def test_a_publisher_loses_the_key():
    text = compromise(SERVICES, ["pub1"])
    assert "LOST  service 'archive'" in text and "newsroom" not in text
    assert "Nobody is left then for archive: publishers" in text


def test_backends_alone_need_no_new_address():
    text = compromise({"archive": SERVICES["archive"]}, ["web2"])
    assert "LOST" not in text and "Onion-Location" not in text
    assert [line[0] for line in text.splitlines() if line[:1].isdigit()] == ["1", "2", "3"]


def test_where_a_restricted_service_is_asked_from_a_clients_key_is_lost():
    words = "LOST  service 'newsroom': the client's key in onion_client_credentials"
    text = compromise(SERVICES, ["web2"])
    assert words in text and "Make a new client's key for newsroom" in text
    assert words in compromise(SERVICES, ["mon1"], ["mon1"])
    assert words not in compromise(SERVICES, ["pub1"], ["mon1"])


def test_what_a_host_that_lies_was_believed_about():
    text = compromise(SERVICES, ["mon1"], ["mon1"])
    assert "Host 'mon1' verifies: what verify and status told through it since it turned proves nothing." in text
    assert "2. Take it out of the inventory and of onion_probe_hosts." in text
    assert "its publisher was believed about the addresses" not in text
    assert "service 'archive': its publisher was believed about the addresses" in compromise(SERVICES, ["pub1"])


def test_a_host_of_the_fleet_is_asked_for():
    with pytest.raises(AnsibleFilterError, match="'web3' runs nothing of the declaration"):
        compromise(SERVICES, ["web3"])
