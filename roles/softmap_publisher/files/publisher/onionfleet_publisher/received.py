# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors that backends published: read strictly, because what is in them goes into ours.

    read(text, address, blinded_keys)   a Received, or Rejected

A descriptor counts only if it is signed all the way down from the address; of its introduction points only those count
that clients will accept in our descriptor.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import re
import warnings
from collections.abc import Collection
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what stem does in newer Pythons
    from stem.client.datatype import CertType, LinkByFingerprint
    from stem.descriptor.hidden_service import HiddenServiceDescriptorV3

MAX_SIZE = 50_000  # bytes of a descriptor (tor: HS_DESC_MAX_LEN)
MAX_POINT_SIZE = 1_500  # characters of one introduction point; tor's have 670 to 800


class Rejected(Exception):
    """This descriptor is not used; the text says why."""


@dataclasses.dataclass(frozen=True)
class Received:
    """A backend's descriptor."""

    blinded_key: bytes  # 32 bytes: tells the time period
    counter: int  # revision counter
    points: dict[str, Any]  # stem's IntroductionPointV3 by identity (authentication key, base64)
    flow_control: str | None  # "1-2 31"

    def replaces(self, other: Received | None) -> bool:
        """Is this one at least as new? Counters of different periods cannot be compared."""
        return other is None or self.blinded_key != other.blinded_key or self.counter >= other.counter


def read(text: str, address: str, blinded_keys: Collection[bytes]) -> Received:
    """Check and decrypt a descriptor of the backend at `address`, whose blinded keys of this time are given."""
    if len(text) > MAX_SIZE:
        raise Rejected(f"{len(text)} bytes")
    try:
        descriptor = HiddenServiceDescriptorV3.from_str(text, validate=True)
        _check_certificate(descriptor.signing_cert, blinded_keys)
        inner = descriptor.decrypt(address)
        points = {point_identity(point): point for point in inner.introduction_points if _usable(point)}
    except Rejected:
        raise
    except Exception as error:  # stem and cryptography raise whatever comes to mind where input is damaged
        raise Rejected(f"damaged: {' '.join(str(error).split())[:80]}") from None
    if not points:
        raise Rejected("no usable introduction point")
    return Received(
        descriptor.signing_cert.signing_key(), descriptor.revision_counter, points, _flow_control(inner.get_bytes())
    )


def _check_certificate(certificate: Any, blinded_keys: Collection[bytes]) -> None:
    """stem checks the signature of the descriptor, and not who signed the key that made it (rend-spec-v3, 2.4)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if certificate is None or certificate.type != CertType.HS_V3_DESC_SIGNING:
        raise Rejected("no certificate of its signing key")
    if certificate.signing_key() not in blinded_keys:
        raise Rejected("signed by another service, or of another time")
    if certificate.expiration < _utc_now():
        raise Rejected("its signing key has expired")
    signed = certificate.pack()[: -len(certificate.signature)]
    Ed25519PublicKey.from_public_bytes(certificate.signing_key()).verify(certificate.signature, signed)


def _usable(point: Any) -> bool:
    certificates = ((point.auth_key_cert, CertType.HS_V3_INTRO_AUTH), (point.enc_key_cert, CertType.HS_V3_NTOR_ENC))
    return (
        bool(point.link_specifiers)
        and not point.legacy_key_raw
        and not point.legacy_key_cert  # Onionbalance cannot certify these anew
        and _is_key(point.onion_key_raw)
        and _is_key(point.enc_key_raw)
        and all(
            one is not None and one.type == kind and len(one.key) == 32 and one.expiration > _utc_now()
            for one, kind in certificates
        )
        and len(point.encode()) <= MAX_POINT_SIZE
    )


def _is_key(text: str | None) -> bool:
    try:
        return len(base64.b64decode(text or "", validate=True)) == 32
    except ValueError:
        return False


def point_identity(point: Any) -> str:
    """Base64 of the authentication key, which an introduction point keeps for life."""
    return base64.b64encode(point.auth_key_cert.key).decode()


def relay_of(point: Any) -> str:
    """The relay of an introduction point, by its fingerprint as tor clients compare it (else by what there is)."""
    fingerprints = [link.value for link in point.link_specifiers if isinstance(link, LinkByFingerprint)]
    found: bytes = fingerprints[0] if fingerprints else b"".join(link.pack() for link in point.link_specifiers)
    return found.hex()


def _flow_control(inner: bytes) -> str | None:
    """The line of the inner layer, which stem does not know; it precedes the introduction points."""
    found = re.search(rb"^flow-control ([0-9-]+ [0-9]+)$", inner.partition(b"\nintroduction-point ")[0], re.MULTILINE)
    return found[1].decode() if found else None


def _utc_now() -> datetime.datetime:
    """As stem tells times: UTC, without saying so."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
