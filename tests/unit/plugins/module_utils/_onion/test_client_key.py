# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import client_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

ADDRESS = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
KEYS = st.binary(min_size=32, max_size=32)
KEY = bytes(range(1, 33))


@given(KEYS)
@settings(max_examples=50, deadline=None)
def test_public_key_agrees_with_cryptography(private: bytes) -> None:
    expected = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    assert client_key.public_key(private) == expected


@given(KEYS.filter(lambda key: len(set(key)) > 4))
def test_files_and_encodings_come_back(key: bytes) -> None:
    assert client_key.read_private(client_key.private_line(ADDRESS, key)) == (ADDRESS, key)
    assert client_key.read_public(client_key.public_line(key)) == key
    for text in (client_key.encode(key), client_key.encode(key).lower(), base64.b64encode(key).decode()):
        assert client_key.decode(text) == key


def test_encodings_of_a_public_key() -> None:
    base32 = client_key.encode(KEY)
    for text in (
        base32,
        base32 + "====",
        base32.lower(),
        base64.b64encode(KEY).decode(),
        base64.b64encode(KEY).decode()[:43],
    ):
        assert client_key.decode_public(text) == KEY
    for wrong in (
        None,
        "",
        base32[:-1],
        "descriptor:x25519:" + base32,
        "é" * 52,
        base64.b64encode(KEY).decode()[:20] + "\n" * 24,
    ):
        with pytest.raises(OnionfleetError, match="is no x25519 key"):
            client_key.decode_public(wrong)


# RFC 7748, section 6.1: these and no others, with either top bit
@pytest.mark.parametrize(
    "point",
    [
        0,
        1,
        2**255 - 20,
        2**255 - 19,
        2**255 - 18,
        2**255,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    ],
)
def test_public_keys_of_small_order_are_refused(point: int) -> None:
    key = point.to_bytes(32, "little")
    with pytest.raises(OnionfleetError, match="small order"):
        client_key.decode_public(client_key.encode(key))
    with pytest.raises(OnionfleetError, match="small order"):
        client_key.read_public(client_key.public_line(key))
    with pytest.raises(ValueError, match="computing shared key"):
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(key))


def test_files_look_as_in_tors_manual() -> None:
    assert client_key.private_line(ADDRESS, bytes(32)) == f"{ADDRESS[:56]}:descriptor:x25519:{'A' * 52}\n"
    assert client_key.public_line(bytes(32)) == f"descriptor:x25519:{'A' * 52}\n"


@pytest.mark.parametrize(
    "text", ["", "x", "A" * 51, "1" * 52, "descriptor:ed25519:" + "A" * 52, "descriptor:x25519:AA"]
)
def test_damaged_files_are_refused(text: str) -> None:
    for read in (client_key.read_public, client_key.read_private, client_key.decode):
        with pytest.raises(OnionfleetError):
            read(text)
