# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible.parsing.dataloader import DataLoader
from ansible_collections.onionfleet.balance.plugins.test import onion_address

ADDRESS = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"


def test_addresses_and_others() -> None:
    is_address = onion_address.TestModule().tests()["onion_address"]
    assert is_address(DataLoader().load(f"address: {ADDRESS}")["address"])
    assert not is_address("example.org")
    assert not is_address(None)
