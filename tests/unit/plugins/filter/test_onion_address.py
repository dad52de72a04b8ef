# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.filter.onion_address import FilterModule

ADDRESS = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
PUBLIC_KEY = "HQSh0EozjG5q6XC/q+5JBJ1nAiUJhMqVDAFnP07ANK0="
FILTERS = FilterModule().filters()


@pytest.mark.parametrize(
    "public_key",
    [
        PUBLIC_KEY,
        base64.b64decode(PUBLIC_KEY).hex(),
        base64.b64encode(b"== ed25519v1-public: type0 ==\0\0\0" + base64.b64decode(PUBLIC_KEY)).decode(),
    ],
)
def test_public_key_to_address(public_key: str) -> None:
    assert FILTERS["onion_address"](public_key) == ADDRESS


def test_address_to_public_key() -> None:
    assert FILTERS["onion_public_key"](ADDRESS) == PUBLIC_KEY


@pytest.mark.parametrize("name", FILTERS)
def test_faults_are_ansibles_own(name: str) -> None:
    with pytest.raises(AnsibleFilterError, match=name):
        FILTERS[name]("something")


def test_strings_as_the_loader_tags_them() -> None:
    tagged = DataLoader().load(f"address: {ADDRESS}")["address"]
    assert FILTERS["onion_public_key"](tagged) == PUBLIC_KEY
    assert FILTERS["onion_address"](Templar(DataLoader()).template(PUBLIC_KEY)) == ADDRESS
