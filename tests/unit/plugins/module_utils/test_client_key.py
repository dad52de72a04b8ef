# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils import _client_key
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

ADDRESS = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
KEYS = st.binary(min_size=32, max_size=32)


@given(KEYS)
@settings(max_examples=50, deadline=None)
def test_public_key_agrees_with_cryptography(private: bytes) -> None:
    expected = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    assert _client_key.public_key(private) == expected


@given(KEYS)
def test_files_and_encodings_come_back(key: bytes) -> None:
    assert _client_key.read_private(_client_key.private_line(ADDRESS, key)) == (ADDRESS, key)
    assert _client_key.read_public(_client_key.public_line(key)) == key
    for text in (_client_key.encode(key), _client_key.encode(key).lower(), base64.b64encode(key).decode()):
        assert _client_key.decode(text) == key


def test_files_look_as_in_tors_manual() -> None:
    assert _client_key.private_line(ADDRESS, bytes(32)) == f"{ADDRESS[:56]}:descriptor:x25519:{'A' * 52}\n"
    assert _client_key.public_line(bytes(32)) == f"descriptor:x25519:{'A' * 52}\n"


@pytest.mark.parametrize(
    "text", ["", "x", "A" * 51, "1" * 52, "descriptor:ed25519:" + "A" * 52, "descriptor:x25519:AA"]
)
def test_damaged_files_are_refused(text: str) -> None:
    for read in (_client_key.read_public, _client_key.read_private, _client_key.decode):
        with pytest.raises(OnionfleetError):
            read(text)
