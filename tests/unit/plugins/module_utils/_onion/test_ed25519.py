# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import ed25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from stem.util import ed25519 as oracle

ORDER = 2**252 + 27742317777372353535851937790883648493


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=50, deadline=None)
def test_public_key_agrees_with_cryptography(seed: bytes) -> None:
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    expected = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert ed25519.public_key(bytes(digest)) == expected


@given(st.integers(1, ORDER - 1), st.integers(0, 2**256 - 1))
@settings(max_examples=10, deadline=None)
def test_multiply_agrees_with_stem(first: int, second: int) -> None:
    point = ed25519.multiply(ed25519.BASE_POINT, first)
    expected = oracle.encodepoint(oracle.scalarmult(oracle.decodepoint(point), second % ORDER))
    assert ed25519.multiply(point, second) == expected


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"\x02" + bytes(31), id="not on the curve"),
        pytest.param(b"\xff" * 32, id="y too large"),
        pytest.param(b"\x01" + bytes(30) + b"\x80", id="minus zero"),
        pytest.param(bytes(31), id="too short"),
    ],
)
def test_damaged_points_are_refused(encoded: bytes) -> None:
    with pytest.raises(OnionfleetError, match="not a point"):
        ed25519.multiply(encoded, 1)
