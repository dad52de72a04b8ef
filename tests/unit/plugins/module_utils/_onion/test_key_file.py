# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import os
import pathlib
import typing as t

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa, x25519
from hypothesis import given, settings
from hypothesis import strategies as st

KEY = key_file.load_secret(b"== ed25519v1-secret: type0 ==\0\0\0" + b"\x08" * 31 + b"\x48" + bytes(32))
OTHER = key_file.generate()


def pem(key: t.Any, password: bytes | None = None, form: t.Any = serialization.PrivateFormat.PKCS8) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=50, deadline=None)
def test_every_format_gives_the_same_key(seed: bytes) -> None:
    source = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    key = key_file.load_secret(pem(source))
    assert key.public_key == source.public_key().public_bytes_raw()
    tor_file, blob = key.to_tor_file(), base64.b64encode(key.expanded)
    forms = [
        tor_file,
        base64.b64encode(tor_file),
        base64.encodebytes(tor_file),
        base64.b64encode(pem(source)),
        blob,
        b"ED25519-V3:" + blob + b"\n",
        b"\n" + pem(source).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + pem(source),
        b"\xef\xbb\xbf" + blob,
        b"Private-Key: (ed25519)\npriv:\n    00:11\n" + pem(source) + public_pem(source),
        public_pem(source) + pem(source),
        version_2_pem(source, b"\x81\x21\x00"),
        version_2_pem(source, b"\xa1\x23\x03\x21\x00"),
        base64.b64encode(b"\xef\xbb\xbf" + pem(source)),
        mined(key),
        mined(key).replace(b"\n", b"\r\n"),
        mined(key, raw=True),
        base64.b64encode(mined(key)),
    ]
    assert {key_file.load_secret(form) for form in forms} == {key}


def public_pem(source: ed25519.Ed25519PrivateKey) -> bytes:
    return source.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def version_2_pem(source: ed25519.Ed25519PrivateKey, tag: bytes, public: bytes | None = None) -> bytes:
    """RFC 5958: the public key follows."""
    seed = source.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    body = (
        bytes.fromhex("020101300506032b657004220420") + seed + tag + (public or source.public_key().public_bytes_raw())
    )
    der = b"\x30" + bytes([len(body)]) + body
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"


def mined(key: key_file.SecretKey, raw: bool = False, address: str | None = None) -> bytes:
    """What mkp224o -y writes."""
    files = key.service_files()
    public, secret = (
        base64.b64encode(files[name][32 if raw else 0 :]).decode()
        for name in (key_file.PUBLIC_FILE, key_file.SECRET_FILE)
    )
    return (
        f"---\nhostname: {address or key.address}\nhs_ed25519_public_key: {public}\nhs_ed25519_secret_key: {secret}\n"
        "time: 2026-01-01 00:00:00\n"
    ).encode()


@given(st.binary())
def test_arbitrary_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(OnionfleetError):
        key_file.load_secret(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (KEY.to_tor_file()[:80], "80 bytes, tor writes 96"),
        (KEY.to_tor_file()[:20], "20 bytes, tor writes 96"),
        (KEY.to_tor_file() + b"\n", "97 bytes, tor writes 96"),
        (b"== ed25519v1-secret: type1 ==\0\0\0" + KEY.expanded, "wrong header"),
        (KEY.service_files()[key_file.PUBLIC_FILE], "public key file"),
        (base64.b64encode(KEY.to_tor_file()[:80]), "80 bytes, tor writes 96"),
        (b"ED25519-V3:" + base64.b64encode(KEY.expanded[:40]), "40 bytes"),
        (base64.b64encode(b"\x01" + KEY.expanded[1:]), "not clamped"),
        (base64.b64encode(KEY.expanded[:31] + b"\xc8" + KEY.expanded[32:]), "not clamped"),
        (b"not a key, really", "no known format"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "unencrypted PKCS#8"),
        (
            pem(ed25519.Ed25519PrivateKey.generate(), b"password"),
            "it is encrypted; 'openssl pkey -in FILE' decrypts it",
        ),
        (
            pem(ed25519.Ed25519PrivateKey.generate(), form=serialization.PrivateFormat.OpenSSH),
            "unencrypted PKCS#8.*it holds OPENSSH PRIVATE KEY;",
        ),
        (pem(x25519.X25519PrivateKey.generate()), "unencrypted PKCS#8"),
        (pem(rsa.generate_private_key(65537, 1024)), "unencrypted PKCS#8"),
        (public_pem(ed25519.Ed25519PrivateKey.generate()), "unencrypted PKCS#8.*it holds PUBLIC KEY;"),
        (pem(ed25519.Ed25519PrivateKey.generate()) * 2, "it holds several; keep one"),
        (
            version_2_pem(ed25519.Ed25519PrivateKey.generate(), b"\x81\x21\x00", b"x" * 32),
            "public key that does not belong",
        ),
        (
            pem(rsa.generate_private_key(65537, 1024), form=serialization.PrivateFormat.TraditionalOpenSSL),
            "onion service of version 2, which Tor serves no more; its address is gone",
        ),
        (mined(KEY) + mined(OTHER), "hs_ed25519_secret_key 2 times; keep the part of one key"),
        (b"---\nhostname: a.onion\n", "hs_ed25519_secret_key 0 times"),
        (mined(KEY, address=OTHER.address), "has the hostname of another key"),
        (b" \n", "is empty"),
    ],
)
def test_the_fault_says_what_is_wrong(data: bytes, why: str) -> None:
    with pytest.raises(OnionfleetError, match=why) as caught:
        key_file.load_secret(data)
    assert base64.b64encode(KEY.expanded[:24]).decode() not in str(caught.value)


def test_a_key_does_not_show_itself() -> None:
    assert repr(KEY) == "SecretKey()"


def test_an_expanded_key_has_64_bytes() -> None:
    with pytest.raises(OnionfleetError, match="64 bytes, not 63"):
        key_file.SecretKey(KEY.expanded[:63])


def fill(directory: pathlib.Path, key: key_file.SecretKey, *names: str) -> str:
    for name, content in key.service_files().items():
        if not names or name in names:
            (directory / name).write_bytes(content)
    return str(directory)


def test_file_and_directory_are_read(tmp_path: pathlib.Path) -> None:
    assert key_file.load_path(fill(tmp_path, KEY)) == KEY
    assert key_file.load_path(str(tmp_path / key_file.SECRET_FILE)) == KEY


def test_files_of_another_key_are_all_named(tmp_path: pathlib.Path) -> None:
    fill(tmp_path, KEY)
    fill(tmp_path, OTHER, key_file.PUBLIC_FILE, key_file.HOSTNAME_FILE)
    with pytest.raises(OnionfleetError) as caught:
        key_file.load_path(str(tmp_path))
    assert [fault.split(": ")[0] for fault in caught.value.faults] == [
        str(tmp_path / key_file.PUBLIC_FILE),
        str(tmp_path / key_file.HOSTNAME_FILE),
    ]


@pytest.mark.parametrize("name", ["hs_ed25519_secret_key", "hs_ed25519_public_key", "hostname"])
def test_a_damaged_file_is_named(tmp_path: pathlib.Path, name: str) -> None:
    fill(tmp_path, KEY)
    (tmp_path / name).write_bytes(b"== damaged")
    with pytest.raises(OnionfleetError, match=name):
        key_file.load_path(str(tmp_path))
    assert key_file.directory_state(str(tmp_path), KEY.address, key_file.read_file).startswith("broken: ")


def test_a_folder_of_version_2_is_called_so(tmp_path: pathlib.Path) -> None:
    (tmp_path / "private_key").write_bytes(b"-----BEGIN RSA PRIVATE KEY-----\n")
    with pytest.raises(OnionfleetError, match="private_key: is the key of an onion service of version 2"):
        key_file.load_path(str(tmp_path))
    (tmp_path / "hostname").write_bytes(b"expyuzz4wqqyqhjn.onion\n")
    with pytest.raises(OnionfleetError, match="hostname: .* is an address of version 2"):
        key_file.load_path(str(tmp_path))
    fill(tmp_path, KEY)
    assert key_file.load_path(str(tmp_path)) == KEY


def test_a_missing_or_unreadable_file_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OnionfleetError, match="no such file"):
        key_file.load_path(str(tmp_path))
    (tmp_path / key_file.SECRET_FILE).mkdir()
    with pytest.raises(OnionfleetError, match="is no regular file"):
        key_file.load_path(str(tmp_path))


@pytest.mark.parametrize(
    ("key", "names", "state"),
    [
        (KEY, ["none"], "absent"),
        (KEY, [], "match"),
        (KEY, [key_file.SECRET_FILE, key_file.PUBLIC_FILE], "match"),
        (KEY, [key_file.SECRET_FILE], "absent"),
        (KEY, [key_file.PUBLIC_FILE, key_file.HOSTNAME_FILE], "absent"),
        (OTHER, [], "foreign"),
        (OTHER, [key_file.SECRET_FILE], "foreign"),
        (OTHER, [key_file.HOSTNAME_FILE], "foreign"),
    ],
)
def test_directory_state(tmp_path: pathlib.Path, key: key_file.SecretKey, names: list[str], state: str) -> None:
    assert key_file.directory_state(fill(tmp_path, key, *names), KEY.address, key_file.read_file) == state
    assert key_file.directory_state(str(tmp_path / "missing"), KEY.address, key_file.read_file) == "absent"


@pytest.mark.parametrize("name", key_file.FILES)
@pytest.mark.parametrize("kind", ["FIFO", "device", "large"])
def test_what_is_no_file_of_a_key_is_refused_at_once(tmp_path: pathlib.Path, name: str, kind: str) -> None:
    path = pathlib.Path(fill(tmp_path, KEY)) / name
    path.unlink()
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(KEY.to_tor_file() * 200)
    with pytest.raises(OnionfleetError, match=f"{name}: (is no regular file|has 19200 bytes)"):
        key_file.load_path(str(tmp_path))
    with pytest.raises(OnionfleetError, match=f"{name}: (is no regular file|has 19200 bytes)"):
        key_file.load_path(str(path))
    assert key_file.directory_state(str(tmp_path), KEY.address, key_file.read_file).startswith(f"broken: {path}: ")


def test_a_link_to_a_file_is_followed(tmp_path: pathlib.Path) -> None:
    fill(tmp_path, KEY)
    (tmp_path / "link").symlink_to(tmp_path / key_file.SECRET_FILE)
    assert key_file.load_path(str(tmp_path / "link")) == KEY
