# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime

import hypothesis.strategies as st
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fake_tor import Backend, blinding, period_now, point
from hypothesis import given, settings
from onionfleet_publisher import received
from stem.client.datatype import CertType
from stem.descriptor.certificate import Ed25519CertificateV1, Ed25519Extension, ExtensionType
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3, _blinded_pubkey, _blinded_sign

BACKEND = Backend(points=3)
PUBLIC = HiddenServiceDescriptorV3.identity_key_from_address(BACKEND.address)
KEYS = [_blinded_pubkey(PUBLIC, blinding(PUBLIC, period_now() + shift)) for shift in (-1, 0, 1)]
TEXT = BACKEND.descriptor()


def _read(text: str) -> received.Received:
    return received.read(text, BACKEND.address, KEYS)


def test_a_good_descriptor() -> None:
    got = _read(TEXT)
    assert set(got.points) == {received.point_identity(one) for one in BACKEND.points}
    assert got.flow_control == "1-2 31"
    assert got.blinded_key == KEYS[1]
    assert got.counter == BACKEND.counter
    assert _read(BACKEND.descriptor(flow_control=None)).flow_control is None


def test_of_which_descriptor_is_newer() -> None:
    got = _read(TEXT)
    assert got.replaces(None)
    assert got.replaces(got)
    assert not got.replaces(dataclasses.replace(got, counter=got.counter + 1))
    assert got.replaces(dataclasses.replace(got, counter=got.counter + 1, blinded_key=KEYS[0]))


def test_a_descriptor_of_somebody_else_or_of_another_time() -> None:
    for text in (Backend().descriptor(), BACKEND.descriptor(period=period_now() - 5)):
        with pytest.raises(received.Rejected, match="signed by another service"):
            _read(text)


def test_a_descriptor_that_only_claims_to_be_signed_by_the_service() -> None:
    signing_key = Ed25519PrivateKey.generate()
    certificate = Ed25519CertificateV1(cert_type=CertType.HS_V3_DESC_SIGNING, key=signing_key, signature=b"x" * 64,
                                       extensions=[Ed25519Extension(ExtensionType.HAS_SIGNING_KEY, None, KEYS[1])])
    with pytest.raises(received.Rejected, match="damaged"):
        _read(BACKEND.descriptor(signing_key=signing_key, signing_cert=certificate))
    certificate.signature = _blinded_sign(
        certificate.pack()[:-64], BACKEND.key, KEYS[1], blinding(PUBLIC, period_now())
    )
    assert _read(BACKEND.descriptor(signing_key=signing_key, signing_cert=certificate)).points
    certificate.expiration = datetime.datetime(2020, 1, 1)
    certificate.signature = None
    certificate.signature = _blinded_sign(certificate.pack(), BACKEND.key, KEYS[1], blinding(PUBLIC, period_now()))
    with pytest.raises(received.Rejected, match="expired"):
        _read(BACKEND.descriptor(signing_key=signing_key, signing_cert=certificate))


def test_only_usable_introduction_points_count() -> None:
    good, bad = point(), point()
    yesterday = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(days=1)
    broken = [
        bad._replace(link_specifiers=[]),
        bad._replace(onion_key_raw="AAAA"),
        bad._replace(enc_key_raw="!"),
        bad._replace(auth_key_cert=bad.enc_key_cert),
        bad._replace(legacy_key_raw="-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----"),
        bad._replace(link_specifiers=bad.link_specifiers * 60),
    ]
    bad.auth_key_cert.expiration = yesterday
    backend = Backend()
    keys = [
        _blinded_pubkey(public, blinding(public, period_now()))
        for public in [HiddenServiceDescriptorV3.identity_key_from_address(backend.address)]
    ]
    for one in (*broken, bad):
        backend.points = [one, good, one]
        assert set(received.read(backend.descriptor(), backend.address, keys).points) == {received.point_identity(good)}
        backend.points = [one]
        with pytest.raises(received.Rejected, match="no usable introduction point"):
            received.read(backend.descriptor(), backend.address, keys)


def test_relays_are_told_apart() -> None:
    assert received.relay_of(point(1)) == received.relay_of(point(1)) != received.relay_of(point(2))
    bare = point(1)
    assert received.relay_of(bare._replace(link_specifiers=bare.link_specifiers[:1])) != received.relay_of(bare)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_descriptor_is_rejected_or_says_the_same(data: st.DataObject) -> None:
    text = bytearray(TEXT.encode())
    for _index in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 200)))
        text[start:end] = data.draw(
            st.binary(max_size=80)
            | st.sampled_from([b"", b"\n", bytes(text[end : end + 50]), b"-----BEGIN MESSAGE-----\n"])
        )
    try:
        got = _read(text.decode("utf-8", "replace"))
    except received.Rejected:
        return
    assert got.points.keys() == _read(TEXT).points.keys()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "x" * 60_000,
        "hs-descriptor 3\n",
        TEXT * 2,
        TEXT[:-200],
        TEXT.replace("hs-descriptor 3", "hs-descriptor 4"),
    ],
)
def test_what_is_no_descriptor(text: str) -> None:
    with pytest.raises(received.Rejected):
        _read(text)
