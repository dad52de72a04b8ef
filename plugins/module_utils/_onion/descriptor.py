# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors of onion services, version 3 (rend-spec-v3, section 2).

Overview::

  parse_outer           the plain outer layer, read with the standard library alone -> Outer
  introduction_points   the introduction points, decrypted with the cryptography package
  client_key            a client's private key from its base32 or base64 text
  Locked                a client credential is needed, or the given one does not fit
  UNREADABLE            what reading raises where somebody published nonsense
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import re

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

try:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

# tor and stem certify a descriptor's signing key for 54 hours, rounded up to a full hour, at each upload.
_CERTIFICATE_HOURS = 54
_RSA_IDENTITY, _RSA_IDENTITY_SIZE = 2, 20


class Locked(OnionfleetError):
    """The introduction points are readable with a client's credential only, and we have none that fits."""


UNREADABLE = (OnionfleetError, ArithmeticError, LookupError, ValueError)


@dataclasses.dataclass(frozen=True)
class Outer:
    """What anybody can read of a descriptor.

    :param lifetime: minutes.
    :param signing_key: 32 bytes, made by the daemon for this descriptor and kept over its uploads.
    :param blinded_key: the service's public key in the descriptor's time period, 32 bytes.
    :param signed_after: seconds since the epoch; it was made within the hour that follows.
    """

    revision_counter: int
    lifetime: int
    signing_key: bytes
    blinded_key: bytes
    signed_after: int
    superencrypted: bytes


@dataclasses.dataclass(frozen=True)
class IntroductionPoint:
    """Where clients ask for a service.

    :param relay: fingerprint, 40 upper-case hexadecimal digits; empty if the descriptor names none.
    :param key: base64 of its authentication key (32 bytes), made by the daemon of the circuit; a publisher keeps it.
    """

    relay: str
    key: str


def _field(text: str, keyword: str) -> str:
    found = re.search(rf"^{keyword} (.+)$", text, re.MULTILINE)
    if not found:
        raise OnionfleetError(f"a descriptor has no {keyword}: it is damaged or of an unknown version")
    return found.group(1)


def _block(text: str, keyword: str) -> bytes:
    found = re.search(rf"^{keyword}\n-----BEGIN [^\n]+-----\n(.*?)-----END ", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise OnionfleetError(f"a descriptor has no {keyword}: it is damaged or of an unknown version")
    return base64.b64decode(found.group(1))


def parse_outer(text: str) -> Outer:
    """Read the outer layer (section 2.4).

    :raises OnionfleetError: it is no descriptor; or another of UNREADABLE.
    """
    certificate = _block(text, "descriptor-signing-key-cert")
    # cert-spec 2.1: version, type, expiry (4), key type, key (32), count, then one extension: its head (4) and key.
    if len(certificate) < 76:
        raise OnionfleetError("a descriptor's signing key certificate is too short: it is damaged")
    counter = int(_field(text, "revision-counter"))
    if not 0 <= counter < 2**64:
        raise OnionfleetError("a descriptor's revision-counter has more than 64 bits: it is damaged")
    return Outer(
        revision_counter=counter,
        lifetime=int(_field(text, "descriptor-lifetime")),
        signing_key=certificate[7:39],
        blinded_key=certificate[44:76],
        signed_after=(int.from_bytes(certificate[2:6], "big") - _CERTIFICATE_HOURS - 1) * 3600,
        superencrypted=_block(text, "superencrypted"),
    )


def client_key(text: str) -> bytes:
    """A client's x25519 private key (32 bytes) from base32, as tor's .auth_private files have it, or base64.

    :raises OnionfleetError: it is neither; the text is not repeated.
    """
    for decode, unit in ((base64.b32decode, 8), (base64.b64decode, 4)):
        try:
            key = decode((text.upper() if unit == 8 else text).rstrip("=") + "=" * (-len(text.rstrip("=")) % unit))
        except (binascii.Error, ValueError):
            continue
        if len(key) == 32:
            return key
    raise OnionfleetError("a client credential is no x25519 private key in base32; give what .auth_private has last")


def introduction_points(outer: Outer, public_key: bytes, credential: bytes | None = None) -> list[IntroductionPoint]:
    """The introduction points, in their order.

    :param public_key: the service's, 32 bytes.
    :param credential: a client's x25519 private key (32 bytes), if the service wants one.
    :raises Locked: a credential is needed, or this one does not fit.
    :raises OnionfleetError: the descriptor is not of this service, or damaged; or another of UNREADABLE.
    """
    first = hashlib.sha3_256(b"credential" + public_key).digest()
    subcredential = hashlib.sha3_256(b"subcredential" + first + outer.blinded_key).digest()
    middle = _decrypt(outer, outer.superencrypted, outer.blinded_key, subcredential, b"hsdir-superencrypted-data")
    if middle is None:
        raise OnionfleetError("a descriptor cannot be decrypted: it is of another service, or damaged")
    text = middle.rstrip(b"\0").decode("ascii")
    # A descriptor that everybody may read names clients too, made up, so that nobody can tell the difference.
    inner = _decrypt_inner(outer, text, subcredential, b"")
    if inner is None and credential:
        inner = _decrypt_inner(outer, text, subcredential, _descriptor_cookie(text, subcredential, credential))
    if inner is None:
        raise Locked("the service admits only clients that it knows; give a credential of one of them")
    points = re.split(r"^introduction-point ", inner.decode("ascii"), flags=re.MULTILINE)[1:]
    return [IntroductionPoint(_relay(base64.b64decode(text.split()[0])), _certified_key(text)) for text in points]


def _decrypt(outer: Outer, blob: bytes, secret: bytes, subcredential: bytes, constant: bytes) -> bytes | None:
    """One layer (section 2.5.3); None where its authentication code does not fit the secret."""
    salt, ciphertext, code = blob[:16], blob[16:-32], blob[-32:]
    material = secret + subcredential + outer.revision_counter.to_bytes(8, "big") + salt + constant
    keys = hashlib.shake_256(material).digest(80)
    key, iv, mac_key = keys[:32], keys[32:48], keys[48:]
    framed = len(mac_key).to_bytes(8, "big") + mac_key + len(salt).to_bytes(8, "big") + salt + ciphertext
    if not hmac.compare_digest(hashlib.sha3_256(framed).digest(), code):
        return None
    return _aes_ctr(key, iv, ciphertext)


def _decrypt_inner(outer: Outer, text: str, subcredential: bytes, cookie: bytes) -> bytes | None:
    return _decrypt(
        outer, _block(text, "encrypted"), outer.blinded_key + cookie, subcredential, b"hsdir-encrypted-data"
    )


def _aes_ctr(key: bytes, iv: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CTR(iv)).decryptor()
    return cipher.update(data) + cipher.finalize()


def _descriptor_cookie(text: str, subcredential: bytes, credential: bytes) -> bytes:
    """The descriptor cookie of a client (section 2.5.1.2)."""
    ephemeral = X25519PublicKey.from_public_bytes(base64.b64decode(_field(text, "desc-auth-ephemeral-key")))
    seed = X25519PrivateKey.from_private_bytes(credential).exchange(ephemeral)
    keys = hashlib.shake_256(subcredential + seed).digest(40)
    for line in re.findall(r"^auth-client (.+)$", text, re.MULTILINE):
        identity, iv, cookie = (base64.b64decode(word + "=" * (-len(word) % 4)) for word in line.split())
        if identity == keys[:8]:
            return _aes_ctr(keys[8:], iv, cookie)
    raise Locked("the service does not know this client; give a credential that it has authorized")


def _certified_key(point: str) -> str:
    """The key in the certificate of auth-key (section 2.5.2.2; cert-spec, 2.1), which a publisher keeps."""
    found = re.search(r"^auth-key\n-----BEGIN ED25519 CERT-----\n(.+?)-----END", point, re.MULTILINE | re.DOTALL)
    return base64.b64encode(base64.b64decode(found.group(1))[7:39]).decode() if found else ""


def _relay(specifiers: bytes) -> str:
    """The fingerprint among a relay's link specifiers (tor-spec, EXTEND cells); empty if it has none."""
    rest = specifiers[1:]
    while len(rest) >= 2:
        kind, size = rest[0], rest[1]
        if kind == _RSA_IDENTITY and size == _RSA_IDENTITY_SIZE:
            return rest[2 : 2 + size].hex().upper()
        rest = rest[2 + size :]
    return ""
