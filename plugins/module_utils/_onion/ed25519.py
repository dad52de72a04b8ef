# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ed25519 arithmetic, since a target need not have the cryptography package.

Overview::

  BASE_POINT   the encoded base point
  multiply     an encoded point times an integer
  is_public_key  whether tor takes an encoded point as a public key
  public_key   the public key of a secret scalar

Not constant-time: for deriving and comparing keys on one's own machine, not for signing.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

_P = 2**255 - 19
_D = -121665 * pow(121666, _P - 2, _P) % _P
_SQRT_MINUS_1 = pow(2, (_P - 1) // 4, _P)

_ORDER = 2**252 + 27742317777372353535851937790883648493
BASE_POINT = bytes.fromhex("58" + "66" * 31)

# Extended homogeneous coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z (RFC 8032, section 5.1.4).
_Point = t.Tuple[int, int, int, int]
_NEUTRAL: _Point = (0, 1, 1, 0)


def _add(p: _Point, q: _Point) -> _Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _decode(encoded: bytes) -> _Point:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    u, v = y * y - 1, _D * y * y + 1
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x + u) % _P == 0:
        x = x * _SQRT_MINUS_1 % _P
    if len(encoded) != 32 or y >= _P or (v * x * x - u) % _P or (x == 0 and sign):
        raise OnionfleetError("these bytes are not a point of Ed25519: the public key is damaged")
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode(point: _Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


@functools.lru_cache(maxsize=1)
def _doublings(encoded: bytes) -> t.List[_Point]:
    """The point times 1, 2, 4 … 2^255; cached, as most calls are about the base point."""
    powers = [_decode(encoded)]
    for _index in range(255):
        powers.append(_add(powers[-1], powers[-1]))
    return powers


def multiply(encoded: bytes, factor: int) -> bytes:
    """Multiply a point by an integer (RFC 8032, section 5.1).

    :param encoded: the point, 32 bytes.
    :param factor: 0 to 2^256 - 1.
    :returns: the product, 32 bytes.
    :raises OnionfleetError: the bytes are not a point of the curve.
    """
    total = _NEUTRAL
    for index, power in enumerate(_doublings(encoded)):
        if factor >> index & 1:
            total = _add(total, power)
    return _encode(total)


def is_public_key(encoded: bytes) -> bool:
    """Whether 32 bytes are a point of the base point's group, and not its neutral one; tor refuses others."""
    neutral = _encode(_NEUTRAL)
    try:
        return encoded != neutral and multiply(encoded, _ORDER) == neutral
    except OnionfleetError:
        return False


def public_key(scalar: bytes) -> bytes:
    """Derive a public key (32 bytes) from a secret scalar (32 bytes, little-endian, as clamped by its maker)."""
    return multiply(BASE_POINT, int.from_bytes(scalar, "little"))
