# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of keys in the operator's repository: two files per service.

NAME.secret is the vault-encrypted base64 of tor's hs_ed25519_secret_key; NAME.yml tells address and public key to
everybody who has no vault password. Files are created, never changed.

Module Overview:

    public_entries   what the plain files tell, for the plan
    Wanted           a service that shall have a key
    complete         creates what is missing
    secret_names     the services whose secrets are in the store
    read_secret      decrypts one key
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import fcntl
import os
import pathlib
import re
import typing as t

import yaml
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import address as onion_addresses
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import new_file

if t.TYPE_CHECKING:
    from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.vault import Vault

NEW = "<new>"
# A name becomes a file name, so that this is asked even before the plan looks at the declaration.
NAME = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
_NAME = re.compile(NAME + r"\Z")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A service that shall have a key.

    :ivar address: the address it must get, when the operator declares one.
    :ivar given: calls for the key to import; None to generate one.
    :ivar kept_elsewhere: the secret stays in the operator's own store, and only its public file is written.
    """

    name: str
    address: str | None = None
    given: t.Callable[[], key_file.SecretKey] | None = None
    kept_elsewhere: bool = False


def name_faults(names: t.Iterable[str]) -> list[str]:
    """Faults of names that cannot be file names in the store."""
    return [
        f"service {name!r}: name: a-z, 0-9 and '-' within are expected, 32 characters at most"
        for name in map(str, names)
        if not _NAME.match(name)
    ]


def public_entries(keys_dir: str, names: t.Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Read the plain files of the store.

    :param names: names of services; those that are no valid names are passed over.
    :returns: service name to address, without services that have no key; and the faults of the files.
    """
    addresses: dict[str, str] = {}
    faults: list[str] = []
    for name in dict.fromkeys(str(name) for name in names if _NAME.match(str(name))):
        try:
            address = _read_public(keys_dir, name)
            if address:
                addresses[name] = address
            elif _exists(keys_dir, name, "secret"):
                raise OnionfleetError(
                    f"{name}.yml is missing beside {name}.secret; the keys playbook makes it from that"
                )
        except OnionfleetError as exc:
            faults.append(f"service '{name}': key: {exc}")
    return addresses, faults + _shared_keys(addresses)


def read_secret(keys_dir: str, name: str, vault: Vault) -> key_file.SecretKey:
    """Decrypt the key of one service.

    :raises OnionfleetError: missing, not decryptable, or damaged.
    """
    if not _exists(keys_dir, name, "secret"):
        raise OnionfleetError(f"{name}.secret is not in {keys_dir}; run the keys playbook")
    try:
        with open(_path(keys_dir, name, "secret"), "rb") as handle:
            return key_file.load_secret(vault.decrypt(handle.read()))
    except OSError as exc:
        raise OnionfleetError(f"{name}.secret: cannot be read: {in_english(exc)}") from None
    except OnionfleetError as exc:
        raise OnionfleetError(f"{name}.secret: {exc}") from None


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the store holds, or shall hold, for one service.

    :ivar generated: the key was made just now, so that a run in check mode must not tell its address.
    :ivar create: endings of the files to create.
    """

    name: str
    address: str
    generated: bool
    create: tuple[str, ...]
    secret: key_file.SecretKey | None = dataclasses.field(repr=False)


def complete(keys_dir: str, wanted: t.Sequence[Wanted], vault: Vault, *, check: bool) -> list[Entry]:
    """Create the files that are missing: all of them or, when anything is wrong, none.

    :returns: one entry per service; in check mode nothing is created.
    :raises OnionfleetError: every fault of every service.
    :raises Unfinished: the disk refused after some files.
    """
    with contextlib.nullcontext() if check else _locked(keys_dir):
        entries = _decide(keys_dir, wanted, vault)
        if not check:
            new_file.clean(keys_dir)
            _make(keys_dir, entries, vault)
    return entries


def _make(keys_dir: str, entries: list[Entry], vault: Vault) -> None:
    made: list[str] = []
    try:
        for entry in entries:
            for ending in entry.create:
                _create(keys_dir, entry, ending, vault)
                made.append(_path(keys_dir, entry.name, ending))
    except OnionfleetError as exc:
        if made:
            raise new_file.Unfinished(exc, made) from None
        raise


def _decide(keys_dir: str, wanted: t.Sequence[Wanted], vault: Vault) -> list[Entry]:
    entries, faults = [], name_faults(service.name for service in wanted)
    if os.path.lexists(keys_dir) and not os.path.isdir(keys_dir):
        faults.append(
            f"keys_dir: {keys_dir}: is no folder, or a symbolic link to none; move it away, or name another one"
        )
    told: set[str] = set()
    for service in [] if faults else wanted:
        try:
            entries.append(_entry(keys_dir, service, vault))
        except OnionfleetError as exc:
            told.add(service.name)
            faults += [f"service '{service.name}': key: {fault}" for fault in exc.faults]
    faults += _shared_keys({entry.name: entry.address for entry in entries})
    if any("secret" in entry.create for entry in entries):
        faults += vault.faults() or _locked_out(keys_dir, vault, told)
    if faults:
        raise OnionfleetError(*faults)
    return entries


def _locked_out(keys_dir: str, vault: Vault, told: t.Collection[str]) -> list[str]:
    """Keys of the store that no password given opens: one made with another password is of no use beside them.

    :param told: services whose faults are known already.
    """
    faults: list[str] = []
    for name in sorted(set(secret_names(keys_dir)) - set(told)):
        try:
            read_secret(keys_dir, name, vault)
        except OnionfleetError as exc:
            faults += [f"service '{name}': key: {fault}; no key is made before it opens, too" for fault in exc.faults]
    return faults


def secret_names(keys_dir: str) -> list[str]:
    """The services whose secrets are in the store; a file whose name is no name of a service is none of its own."""
    return [path.stem for path in pathlib.Path(keys_dir).glob("*.secret") if _NAME.match(path.stem)]


def _entry(keys_dir: str, service: Wanted, vault: Vault) -> Entry:
    address = _read_public(keys_dir, service.name)
    stored = _exists(keys_dir, service.name, "secret")
    given = service.given() if service.given and not (address and service.kept_elsewhere) else None
    if not (stored or given or service.kept_elsewhere) and (address or service.address):
        raise OnionfleetError(
            f"the secret of {address or service.address} is missing; bring {service.name}.secret back or import the key"
            + (f" (or remove {service.name}.yml, for a new address)" if address else "")
        )
    # a run that was killed between its two files left the secret one, which tells everything
    secret = read_secret(keys_dir, service.name, vault) if stored and not address else given
    generated = not (secret or address)
    if generated:
        secret = key_file.generate()
    address = address or t.cast(key_file.SecretKey, secret).address
    there = [f"{service.name}.{ending}" for ending in ("secret", "yml") if _exists(keys_dir, service.name, ending)]
    said = {"the key to import": given.address if given else None, "the field address": service.address}
    faults = [
        f"the store has {address}, {what} says {other}; a key is never replaced here: if {address} was never "
        f"published, move {' and '.join(there)} away and run again"
        if there
        else f"the key to import says {address}, {what} says {other}; mend the field, or import the key that it means"
        for what, other in said.items()
        if other not in (None, address)
    ]
    if faults:
        raise OnionfleetError(*faults)
    missing = {"secret": not (stored or service.kept_elsewhere), "yml": not _exists(keys_dir, service.name, "yml")}
    return Entry(service.name, address, generated, tuple(ending for ending in missing if missing[ending]), secret)


def _shared_keys(addresses: dict[str, str]) -> list[str]:
    owners: dict[str, list[str]] = {}
    for name, address in addresses.items():
        owners.setdefault(address, []).append(name)
    return [
        f"services {' and '.join(map(repr, names))}: key: have the same key, that of {address}; a service has its own"
        for address, names in owners.items()
        if len(names) > 1
    ]


def _path(keys_dir: str, name: str, ending: str) -> str:
    return os.path.join(keys_dir, f"{name}.{ending}")


def _exists(keys_dir: str, name: str, ending: str) -> bool:
    """Whether the store has a file.

    :raises OnionfleetError: something else is in its place.
    """
    path = _path(keys_dir, name, ending)
    if os.path.islink(path) and not os.path.exists(path):
        raise OnionfleetError(
            f"{name}.{ending} is a symbolic link to {os.readlink(path)}, which is not there; bring that back"
        )
    if os.path.exists(path) and not os.path.isfile(path):
        raise OnionfleetError(f"{name}.{ending} is no file; move it away")
    return os.path.isfile(path)


def _read_public(keys_dir: str, name: str) -> str | None:
    """The address in NAME.yml, which must be that of its public key; None where there is no such file."""
    if not _exists(keys_dir, name, "yml"):
        return None
    try:
        with open(_path(keys_dir, name, "yml"), "rb") as handle:
            entry = yaml.safe_load(handle)
        address, public_key = str(entry["address"]), base64.b64decode(entry["public_key"], validate=True)
    except OSError as exc:
        raise OnionfleetError(f"{name}.yml cannot be read: {in_english(exc)}") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        raise OnionfleetError(
            f"{name}.yml does not hold address and public_key; bring it back, or remove it and "
            "run the keys playbook, which makes it from the secret"
        ) from None
    if onion_addresses.address_from_public_key(public_key) != address:
        raise OnionfleetError(f"{name}.yml: the address does not belong to the public key; bring the file back")
    return address


@contextlib.contextmanager
def _locked(keys_dir: str) -> t.Iterator[None]:
    """Hold other runs off; locks the folder above, since a refused run must not even create the store."""
    try:
        handle = os.open(os.path.dirname(os.path.abspath(keys_dir)), os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise OnionfleetError(f"keys_dir: {keys_dir}: the folder above it: {in_english(exc)}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create(keys_dir: str, entry: Entry, ending: str, vault: Vault) -> None:
    """Make a file appear whole, or fail where another run (on another machine, so not held off) was faster."""
    path = _path(keys_dir, entry.name, ending)
    try:
        new_file.make_folder(keys_dir, 0o700)
        new_file.create(path, _content(entry, ending, vault), 0o600 if ending == "secret" else 0o644)
    except FileExistsError:
        raise OnionfleetError(f"service '{entry.name}': key: {path} was made by another run; run again") from None
    except OSError as exc:
        raise OnionfleetError(f"service '{entry.name}': key: {path} cannot be made: {in_english(exc)}") from None


def _content(entry: Entry, ending: str, vault: Vault) -> bytes:
    secret = t.cast(key_file.SecretKey, entry.secret)
    if ending == "secret":
        return vault.encrypt(base64.b64encode(secret.to_tor_file()) + b"\n")
    public_key = base64.b64encode(secret.public_key).decode()
    return (
        f"# Address of the onion service '{entry.name}'; its secret is kept apart from this file.\n"
        f"address: {entry.address}\npublic_key: {public_key}\n"
    ).encode()
