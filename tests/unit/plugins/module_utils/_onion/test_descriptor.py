# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading descriptors: those that stem makes, and a restricted one as an HSDir held it."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import time

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import descriptor
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import (
    address_from_public_key,
    public_key_from_address,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from stem.client.datatype import CertType, LinkByFingerprint
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3, InnerLayer, IntroductionPointV3

RECORD = pathlib.Path(__file__).parents[3] / "fixtures" / "private_network"
EXPECTED = json.loads((RECORD / "expected.json").read_text())
RESTRICTED = (RECORD / "descriptor").read_text()
RESTRICTED_KEY = public_key_from_address(EXPECTED["address"])


@pytest.fixture(scope="module")
def open_service():
    """Descriptor text, public key and the relays in it, made by stem."""
    key, signing = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    relays = [bytes([number]) * 20 for number in (1, 2, 3)]
    points = []
    for relay in relays:
        point = IntroductionPointV3.create_for_address("10.0.0.1", 9001)
        points.append(point._replace(link_specifiers=[*point.link_specifiers, LinkByFingerprint(relay)]))
    text = HiddenServiceDescriptorV3.content(
        identity_key=key,
        signing_key=signing,
        revision_counter=77,
        inner_layer=InnerLayer.create(introduction_points=points),
    )
    raw = [one.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for one in (key, signing)]
    return text.decode(), raw[0], raw[1], [relay.hex().upper() for relay in relays]


def test_outer_layer(open_service):
    text, _key, signing, _relays = open_service
    outer = descriptor.parse_outer(text)
    stem = HiddenServiceDescriptorV3.from_str(text)
    assert (outer.revision_counter, outer.lifetime, outer.signing_key) == (77, 180, signing)
    assert outer.blinded_key == bytes(stem.signing_cert.signing_key())
    assert 0 < time.time() - outer.signed_after <= 2 * 3600
    assert stem.signing_cert.type == CertType.HS_V3_DESC_SIGNING


def test_introduction_points_of_an_open_service(open_service):
    text, key, _signing, relays = open_service
    outer = descriptor.parse_outer(text)
    points = descriptor.introduction_points(outer, key)
    assert [point.relay for point in points] == relays
    needless = descriptor.client_key(EXPECTED["client_private_key"])
    assert descriptor.introduction_points(outer, key, needless) == points
    stem = HiddenServiceDescriptorV3.from_str(text).decrypt(address_from_public_key(key))
    keys = [base64.b64encode(point.auth_key_cert.key).decode() for point in stem.introduction_points]
    assert [point.key for point in points] == keys


def test_introduction_points_of_a_restricted_service():
    credential = descriptor.client_key(EXPECTED["client_private_key"])
    outer = descriptor.parse_outer(RESTRICTED)
    points = descriptor.introduction_points(outer, RESTRICTED_KEY, credential)
    assert [point.relay for point in points] == EXPECTED["introduction_points"]


@pytest.mark.parametrize("credential", [None, b"x" * 32])
def test_locked_without_a_fitting_credential(credential):
    with pytest.raises(descriptor.Locked):
        descriptor.introduction_points(descriptor.parse_outer(RESTRICTED), RESTRICTED_KEY, credential)


def test_descriptor_of_another_service(open_service):
    with pytest.raises(OnionfleetError, match="another service"):
        descriptor.introduction_points(descriptor.parse_outer(RESTRICTED), open_service[1])


@pytest.mark.parametrize(
    "missing", ["revision-counter", "descriptor-lifetime", "descriptor-signing-key-cert", "superencrypted"]
)
def test_damaged_descriptors(missing):
    with pytest.raises(OnionfleetError, match=f"no {missing}:"):
        descriptor.parse_outer(RESTRICTED.replace(missing, "x"))


@pytest.mark.parametrize("counter", ["18446744073709551616", "-1", "9" * 5000, "x"])
def test_a_counter_that_is_none(counter):
    with pytest.raises(descriptor.UNREADABLE):
        descriptor.parse_outer(re.sub(r"revision-counter \d+", f"revision-counter {counter}", RESTRICTED))


@pytest.mark.parametrize(
    "inner",
    [
        b"introduction-point \n",
        b"introduction-point A\n",
        b"introduction-point AA==\nauth-key\n-----BEGIN ED25519 CERT-----\nA\n-----END",
        b"\xff",
    ],
    ids=["no specifiers", "no base64", "no certificate", "no text"],
)
def test_nonsense_within_is_unreadable(open_service, monkeypatch, inner):
    """Whoever holds a service's key publishes what he likes."""
    text, key = open_service[:2]
    monkeypatch.setattr(descriptor, "_decrypt_inner", lambda *_arguments: inner)
    with pytest.raises(descriptor.UNREADABLE):
        descriptor.introduction_points(descriptor.parse_outer(text), key)


def test_a_relay_whose_fingerprint_has_another_length_has_none():
    assert descriptor._relay(b"\x01\x02\x03abc") == ""


def test_client_keys():
    text = EXPECTED["client_private_key"]
    key = descriptor.client_key(text)
    assert len(key) == 32
    assert descriptor.client_key(text.lower()) == key
    assert descriptor.client_key(base64.b64encode(key).decode()) == key
    with pytest.raises(OnionfleetError) as caught:
        descriptor.client_key("secret")
    assert "secret" not in str(caught.value)
