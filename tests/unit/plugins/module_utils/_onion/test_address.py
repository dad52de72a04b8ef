# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import address as addresses
from hypothesis import given
from hypothesis import strategies as st
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3
from stem.util.tor_tools import is_valid_hidden_service_address

KNOWN = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"


@given(st.binary(min_size=32, max_size=32))
def test_address_and_public_key_are_each_others_inverse(public_key: bytes) -> None:
    address = addresses.address_from_public_key(public_key)
    assert addresses.public_key_from_address(address) == public_key
    assert address == HiddenServiceDescriptorV3.address_from_identity_key(public_key)
    assert is_valid_hidden_service_address(address[: -len(".onion")], version=3)


@given(st.integers(0, 55), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_one_wrong_letter_is_noticed(position: int, letter: str) -> None:
    mistyped = KNOWN[:position] + letter + KNOWN[position + 1 :]
    assert addresses.is_address(mistyped) == (mistyped == KNOWN)


@given(st.one_of(st.text(), st.integers(), st.none(), st.binary()))
def test_anything_else_is_no_address(value: object) -> None:
    assert not addresses.is_address(value)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "56 lower-case"),
        (KNOWN[:-6], "56 lower-case"),
        (KNOWN.upper(), f"has upper-case letters; write '{KNOWN}'"),
        (KNOWN.capitalize(), f"has upper-case letters; write '{KNOWN}'"),
        ("www." + KNOWN, "56 lower-case"),
        ("expyuzz4wqqyqhjn.onion", "version 2, which Tor serves no more; it is gone"),
        ("EXPYUZZ4WQQYQHJN.ONION", "version 2"),
        (KNOWN.replace("g", "1"), "a-z and 2-7"),
        ("a" * 55 + "e.onion", "version 3"),
        ("a" + KNOWN[1:], "checksum"),
    ],
)
def test_the_fault_says_what_is_wrong(address: str, why: str) -> None:
    with pytest.raises(OnionfleetError, match=why):
        addresses.public_key_from_address(address)


def test_a_key_of_another_length_has_no_address() -> None:
    with pytest.raises(OnionfleetError, match="32 bytes, not 31"):
        addresses.address_from_public_key(bytes(31))
