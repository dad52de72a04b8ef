# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret keys of onion services in every form that people have them in.

Overview::

  SecretKey         expanded secret; .public_key, .address, .to_tor_file(), .service_files()
  generate          a new SecretKey
  load_secret       bytes in any known format -> SecretKey
  read_file         content of a file that may be a key
  load_path         file, or directory as tor and vanity miners write it -> SecretKey
  load_found        the same, of files that somebody else has read
  directory_state   what a service directory holds, compared with an address

No message contains a part of a secret.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import hashlib
import os
import re
import stat
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import address as addresses
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import ed25519

Read = t.Callable[[str], t.Optional[bytes]]

SECRET_FILE = "hs_ed25519_secret_key"
PUBLIC_FILE = "hs_ed25519_public_key"
HOSTNAME_FILE = "hostname"
FILES = (SECRET_FILE, PUBLIC_FILE, HOSTNAME_FILE)

_SECRET_HEADER = b"== ed25519v1-secret: type0 ==\0\0\0"
_PUBLIC_HEADER = b"== ed25519v1-public: type0 ==\0\0\0"
# RFC 8410, section 7, version 1 or 2; version 2 ends with the public key, tagged as there or as older programs do
_PKCS8 = re.compile(
    rb"\x30[\x2e\x51\x53]\x02\x01[\0\1]\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20(?P<seed>.{32})"
    rb"(?:(?:\x81\x21|\xa1\x23\x03\x21)\0(?P<public>.{32}))?\Z",
    re.DOTALL,
)
_PEM_BEGIN = b"-----BEGIN "
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MOST_BYTES = 16384
_YAML = re.compile(rb"^\s*(hostname|hs_ed25519_public_key|hs_ed25519_secret_key):[ \t]*(\S+)\s*$", re.MULTILINE)
_VERSION_2_FILE = "private_key"
_VERSION_2 = (
    "is the key of an onion service of version 2, which Tor serves no more; its address is gone, make a new key"
)
_FORMATS = (
    "use tor's hs_ed25519_secret_key (as it is or in base64), a PKCS#8 PEM of an Ed25519 key, "
    "ED25519-V3:… of ADD_ONION, or mkp224o's YAML"
)


@dataclasses.dataclass(frozen=True)
class SecretKey:
    """The expanded secret key of a service: 32 bytes of scalar and 32 bytes of hash prefix, as tor stores it.

    :raises OnionfleetError: not 64 bytes, or the scalar is not clamped (RFC 8032, section 5.1.5).
    """

    expanded: bytes = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        if len(self.expanded) != 64:
            raise OnionfleetError(f"an expanded secret key has 64 bytes, not {len(self.expanded)}: it is truncated")
        if self.expanded[0] & 0b111 or self.expanded[31] >> 6 != 0b01:
            raise OnionfleetError(
                "the secret scalar is not clamped: the key is damaged or of another kind; " + _FORMATS
            )

    @functools.cached_property
    def public_key(self) -> bytes:
        """The public key, 32 bytes."""
        return ed25519.public_key(self.expanded[:32])

    @property
    def address(self) -> str:
        """The address, "….onion"."""
        return addresses.address_from_public_key(self.public_key)

    def to_tor_file(self) -> bytes:
        """The 96 bytes of tor's hs_ed25519_secret_key."""
        return _SECRET_HEADER + self.expanded

    def service_files(self) -> t.Dict[str, bytes]:
        """File name to content, of all key files in a service directory."""
        return {
            SECRET_FILE: self.to_tor_file(),
            PUBLIC_FILE: _PUBLIC_HEADER + self.public_key,
            HOSTNAME_FILE: self.address.encode() + b"\n",
        }


def _expand(seed: bytes) -> SecretKey:
    digest = bytearray(hashlib.sha512(seed).digest())
    digest[0] &= 0b11111000
    digest[31] = digest[31] & 0b00111111 | 0b01000000
    return SecretKey(bytes(digest))


def generate() -> SecretKey:
    """Make a new key from the system's random source."""
    return _expand(os.urandom(32))


def load_secret(data: bytes) -> SecretKey:
    """Read a secret key, whatever its format.

    :param data: tor's hs_ed25519_secret_key (96 bytes); PKCS#8 PEM, with or without text around it; mkp224o's YAML; the
        blob of ADD_ONION with or without "ED25519-V3:"; or the base64 of one of these files.
    :raises OnionfleetError: what is wrong with it, in one fault.
    """
    if not data.strip():
        raise OnionfleetError("the secret key is empty, or could not be read")
    if data.startswith(b"== "):
        return _load_tor_file(data)
    if data.startswith(_BYTE_ORDER_MARK):
        return load_secret(data[len(_BYTE_ORDER_MARK) :])
    if _PEM_BEGIN in data:
        return _load_pem(data)
    fields = _YAML.findall(data)
    if fields:
        return _load_yaml(fields)
    text = b"".join(data.split())
    if text.startswith(b"ED25519-V3:"):
        text = text[len(b"ED25519-V3:") :]
    try:
        decoded = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise OnionfleetError("the secret key is in no known format; " + _FORMATS) from None
    if decoded.startswith(b"== ") or _PEM_BEGIN in decoded or _YAML.search(decoded):
        return load_secret(decoded)
    if len(decoded) != 64:
        raise OnionfleetError(f"the base64 holds {len(decoded)} bytes, a secret key has 64 or 96; {_FORMATS}")
    return SecretKey(decoded)


def _load_tor_file(data: bytes) -> SecretKey:
    if data.startswith(_PUBLIC_HEADER):
        raise OnionfleetError("this is a public key file; give the secret one, " + SECRET_FILE)
    if not _SECRET_HEADER.startswith(data[:32]):
        raise OnionfleetError(
            f"the file has a wrong header; tor's {SECRET_FILE} begins with '== ed25519v1-secret: type0 =='"
        )
    if len(data) != 96:
        raise OnionfleetError(f"the secret key file has {len(data)} bytes, tor writes 96: it is truncated or damaged")
    return SecretKey(data[32:])


def _load_pem(data: bytes) -> SecretKey:
    blocks = [(label.decode(), content) for label, content in _PEM.findall(data)]
    labels = [label for label, _content in blocks]
    if "RSA PRIVATE KEY" in labels:
        raise OnionfleetError("the PEM " + _VERSION_2)
    contents = [content for label, content in blocks if label == "PRIVATE KEY"]
    if len(contents) != 1:
        raise OnionfleetError(f"the PEM is not one unencrypted PKCS#8 private key: {_advice(labels)}")
    try:
        found = _PKCS8.match(base64.b64decode(b"".join(contents[0].split()), validate=True))
    except binascii.Error:
        found = None
    if not found:
        raise OnionfleetError(
            "the PEM is not one unencrypted PKCS#8 Ed25519 private key: it is of another kind, or damaged; "
            "'openssl genpkey -algorithm ed25519' makes one"
        )
    secret = _expand(found["seed"])
    if found["public"] not in (None, secret.public_key):
        raise OnionfleetError("the PEM holds a public key that does not belong to its private key; it is damaged")
    return secret


def _advice(labels: t.Sequence[str]) -> str:
    if labels.count("PRIVATE KEY") > 1:
        return "it holds several; keep one"
    if "ENCRYPTED PRIVATE KEY" in labels:
        return "it is encrypted; 'openssl pkey -in FILE' decrypts it"
    return f"it holds {', '.join(labels) or 'no whole block'}; 'openssl genpkey -algorithm ed25519' makes one"


def _load_yaml(fields: t.Sequence[t.Tuple[bytes, bytes]]) -> SecretKey:
    names = [name.decode() for name, _value in fields]
    if names.count(SECRET_FILE) != 1:
        raise OnionfleetError(f"the YAML has {SECRET_FILE} {names.count(SECRET_FILE)} times; keep the part of one key")
    told = {name.decode(): value for name, value in fields}
    secret = load_secret(told[SECRET_FILE])
    if HOSTNAME_FILE in told and told[HOSTNAME_FILE] != secret.address.encode():
        raise OnionfleetError(
            f"the YAML has the {HOSTNAME_FILE} of another key than its {SECRET_FILE}, that of {secret.address}"
        )
    return secret


def read_file(path: str) -> bytes | None:
    """The content of a regular file, or of one that a link leads to; None without one. Does not wait for a FIFO.

    :raises OSError: it cannot be read. :raises OnionfleetError: it is something else, or larger than any key.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OnionfleetError(f"{path}: is no regular file; name one that holds a key")
        if status.st_size > _MOST_BYTES:
            raise OnionfleetError(f"{path}: has {status.st_size} bytes, more than a key has; name one that holds a key")
        return os.read(handle, _MOST_BYTES)
    finally:
        os.close(handle)


def _public_of(name: str, content: bytes) -> bytes:
    """The public key (32 bytes) that a public key file or a hostname file tells."""
    if name == HOSTNAME_FILE:
        return addresses.public_key_from_address(content.decode("ascii", "replace").strip())
    if len(content) != 64 or not content.startswith(_PUBLIC_HEADER):
        raise OnionfleetError(f"{len(content)} bytes that are not tor's public key file")
    return content[32:]


def _found(directory: str, names: t.Iterable[str], read: Read) -> t.Dict[str, bytes]:
    """Path to content, of those files in a directory that are there."""
    found = {}
    for path in (os.path.join(directory, name) for name in names):
        try:
            content = read(path)
        except OSError as exc:
            raise OnionfleetError(f"{path}: cannot be read: {in_english(exc)}") from exc
        if content is not None:
            found[path] = content
    return found


def _told_keys(directory: str, found: t.Mapping[str, bytes]) -> t.Dict[str, bytes]:
    """Path to public key, of the public files that a service directory has."""
    keys = {}
    for name in (PUBLIC_FILE, HOSTNAME_FILE):
        path = os.path.join(directory, name)
        if path in found:
            try:
                keys[path] = _public_of(name, found[path])
            except OnionfleetError as exc:
                raise OnionfleetError(f"{path}: {exc}") from None
    return keys


def load_path(path: str, read: Read = read_file) -> SecretKey:
    """Read a secret key from a file, or from a directory whose public key and hostname, if there, must belong to it.

    :param read: content of a file, or None; where somebody else can put links, one that does not follow them.
    :raises OnionfleetError: missing, unreadable, damaged, or files of different keys; the fault names the file.
    """
    if not os.path.exists(path):
        raise OnionfleetError(f"{path}: there is no such file")
    folder, *names = (path, *FILES) if os.path.isdir(path) else os.path.split(path)
    found = _found(folder, names, read)
    if not found and os.path.exists(os.path.join(path, _VERSION_2_FILE)):
        raise OnionfleetError(f"{os.path.join(path, _VERSION_2_FILE)}: {_VERSION_2}")
    return load_found(path, found)


def load_found(path: str, found: t.Mapping[str, bytes]) -> SecretKey:
    """The same as ``load_path``, of what was read there.

    :param found: path to content, of those FILES that are in the directory ``path``, or of the file ``path`` itself.
    :raises OnionfleetError: as there.
    """
    secret_path = path if path in found else os.path.join(path, SECRET_FILE)
    told = _told_keys(path, found)
    if secret_path not in found:
        raise OnionfleetError(f"{secret_path}: there is no such file")
    try:
        secret = load_secret(found[secret_path])
    except OnionfleetError as exc:
        raise OnionfleetError(f"{secret_path}: {exc}") from None
    faults = [
        f"{other}: belongs to another key than {SECRET_FILE}, which is that of {secret.address}; "
        "remove or replace the wrong one"
        for other, key in told.items()
        if key != secret.public_key
    ]
    if faults:
        raise OnionfleetError(*faults)
    return secret


def directory_state(path: str, address: str, read: Read) -> str:
    """Compare a service directory with the address that it is to serve.

    :param read: see load_path.
    :returns: "absent" (nothing there, or not yet all files of this key), "match", "foreign" (the key of another
        address), or "broken: why" (unreadable, damaged, files of different keys).
    """
    try:
        told = _told_keys(path, _found(path, (PUBLIC_FILE, HOSTNAME_FILE), read))
        has_secret = os.path.lexists(os.path.join(path, SECRET_FILE))
        keys = {load_path(path, read).public_key} if has_secret else set(told.values())
    except OnionfleetError as exc:
        return "broken: {}".format("; ".join(exc.faults))
    if not keys <= {addresses.public_key_from_address(address)}:
        return "foreign"
    return "match" if has_secret and os.path.join(path, PUBLIC_FILE) in told else "absent"
