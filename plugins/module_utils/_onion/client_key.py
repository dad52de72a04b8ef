# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client authorization of onion services (rend-spec-v3, appendix G): x25519 key pairs and tor's files for them.

Overview::

  public_key          x25519 public key of a private key
  read_private        NAME.auth_private of a client -> address and private key
  read_public         NAME.auth of a service -> public key
  private_line        the content of NAME.auth_private
  public_line         the content of NAME.auth
  encode, decode      32 bytes <-> tor's base32
  decode_public       decode, for keys that somebody else made
"""

from __future__ import annotations

import base64
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

_P = 2**255 - 19
# the points of small order: tor 0.4.9 dies by an assertion over the zero key, the others make encryption to them void
_WEAK = frozenset(bytes.fromhex(text) for text in (
    "00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f", "ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
))


def public_key(private: bytes) -> bytes:
    """Multiply the base point by a private key (RFC 7748, section 5: the Montgomery ladder).

    :param private: 32 bytes; clamped here.
    :returns: the public key, 32 bytes.
    """
    scalar = int.from_bytes(private, "little") & (2**254 - 8) | 2**254
    base = 9
    x2, z2, x3, z3 = 1, 0, base, 1
    for index in range(254, -1, -1):
        bit = scalar >> index & 1
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        total, difference = x2 + z2, x2 - z2
        aa, bb = total * total % _P, difference * difference % _P
        da, cb = (x3 - z3) * total % _P, (x3 + z3) * difference % _P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % _P, base * (da - cb) ** 2 % _P
        x2, z2 = aa * bb % _P, e * (aa + 121665 * e) % _P
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, _P - 2, _P) % _P).to_bytes(32, "little")


def encode(key: bytes) -> str:
    """Base32 of a key (32 bytes), without padding, as tor writes it."""
    return base64.b32encode(key).decode().rstrip("=")


def decode(text: object) -> bytes:
    """A key (32 bytes) from base32 (upper or lower case) or base64, with or without padding.

    :raises OnionfleetError: neither; the fault does not repeat the text, which may be a private key.
    """
    stripped = text.strip().rstrip("=") if isinstance(text, str) else ""
    if re.match(r"[A-Za-z2-7]{52}\Z", stripped):
        return base64.b32decode(stripped.upper() + "====")
    if re.match(r"[A-Za-z0-9+/]{43}\Z", stripped):
        return base64.b64decode(stripped + "=")
    raise OnionfleetError("is no x25519 key; write its 52 characters of base32, or 44 of base64")


def decode_public(text: object) -> bytes:
    """A public key (32 bytes) as ``decode`` takes it.

    :raises OnionfleetError: it is none, or a point of small order (RFC 7748, section 6.1).
    """
    key = decode(text)
    if key[:31] + bytes([key[31] & 0x7F]) in _WEAK:
        raise OnionfleetError("is a point of small order, which nobody's key is; ask the client for the real one")
    return key


def read_private(content: str) -> t.Tuple[str, bytes]:
    """Address ("….onion") and private key (32 bytes) in a client's file.

    :raises OnionfleetError: not such a file.
    """
    label, _colon, rest = content.strip().partition(":")
    return label + ".onion", decode(_key_of(rest, "ADDRESS:descriptor:x25519:KEY"))


def read_public(content: str) -> bytes:
    """The public key (32 bytes) in a service's file.

    :raises OnionfleetError: not such a file.
    """
    return decode_public(_key_of(content.strip(), "descriptor:x25519:KEY"))


def _key_of(text: str, form: str) -> str:
    prefix = "descriptor:x25519:"
    if not text.startswith(prefix):
        raise OnionfleetError(f"one line of the form '{form}' is expected")
    return text[len(prefix) :]


def private_line(address: str, private: bytes) -> str:
    """The content of NAME.auth_private, for the ClientOnionAuthDir of a client."""
    return f"{address[: -len('.onion')]}:descriptor:x25519:{encode(private)}\n"


def public_line(public: bytes) -> str:
    """The content of NAME.auth, for the folder authorized_clients of a service."""
    return f"descriptor:x25519:{encode(public)}\n"
