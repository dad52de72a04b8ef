# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of onion services, version 3 (rend-spec-v3, section 6: encoding onion addresses).

Overview::

  address_from_public_key   32 bytes -> "….onion"
  public_key_from_address   "….onion" -> 32 bytes
  is_address                whether a value is such an address
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

_SUFFIX = ".onion"
_VERSION = b"\x03"
_VERSION_2 = re.compile(r"[a-z2-7]{16}\.onion\Z", re.IGNORECASE)


def _checksum(public_key: bytes) -> bytes:
    return hashlib.sha3_256(b".onion checksum" + public_key + _VERSION).digest()[:2]


def address_from_public_key(public_key: bytes) -> str:
    """The address of an Ed25519 public key (32 bytes): 56 base32 characters and ".onion".

    :raises OnionfleetError: the key has another length.
    """
    if len(public_key) != 32:
        raise OnionfleetError(f"an Ed25519 public key has 32 bytes, not {len(public_key)}")
    encoded = base64.b32encode(public_key + _checksum(public_key) + _VERSION)
    return encoded.decode().lower() + _SUFFIX


def public_key_from_address(address: str) -> bytes:
    """The Ed25519 public key (32 bytes) in an address, which must be lower case and end in ".onion".

    :raises OnionfleetError: not an address of version 3; the fault says what about it is wrong.
    """
    label = address[: -len(_SUFFIX)] if address.endswith(_SUFFIX) else ""
    if address != address.lower() and is_address(address.lower()):
        raise OnionfleetError(f"{str(address)!r} has upper-case letters; write {address.lower()!r}")
    if _VERSION_2.match(address):
        raise OnionfleetError(
            f"{str(address)!r} is an address of version 2, which Tor serves no more; it is gone, make one of version 3"
        )
    if len(label) != 56 or label != label.lower():
        raise OnionfleetError(
            f"{str(address)!r} is not an onion address: 56 lower-case characters and '.onion' are expected"
        )
    try:
        decoded = base64.b32decode(label.upper())
    except (binascii.Error, ValueError):
        raise OnionfleetError(f"{str(address)!r} is not an onion address: only a-z and 2-7 may be in it") from None
    public_key, checksum, version = decoded[:32], decoded[32:34], decoded[34:]
    if version != _VERSION:
        raise OnionfleetError(f"{str(address)!r} is not an onion address of version 3")
    if checksum != _checksum(public_key):
        raise OnionfleetError(f"{str(address)!r} has a wrong checksum: it is mistyped")
    return public_key


def is_address(value: object) -> bool:
    """Whether a value is an onion address of version 3, checksum included."""
    try:
        public_key_from_address(value if isinstance(value, str) else "")
    except OnionfleetError:
        return False
    return True
