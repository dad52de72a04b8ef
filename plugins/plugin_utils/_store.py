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
    read_secret      decrypts one key
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import fcntl
import os
import re
import tempfile
import typing as t

import yaml

from ansible_collections.onionfleet.balance.plugins.module_utils import _address, _keyfile
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

if t.TYPE_CHECKING:
    from ansible_collections.onionfleet.balance.plugins.plugin_utils._vault import Vault

NEW = "<new>"
# A name becomes a file name, so that this is asked even before the plan looks at the declaration.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A service that shall have a key.

    :ivar address: the address it must get, when the operator declares one.
    :ivar given: calls for the key to import; None to generate one.
    :ivar kept_elsewhere: the secret stays in the operator's own store, and only its public file is written.
    """

    name: str
    address: str | None = None
    given: t.Callable[[], _keyfile.SecretKey] | None = None
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
            elif os.path.lexists(_path(keys_dir, name, "secret")):
                raise OnionfleetError(f"{name}.yml is missing beside {name}.secret; the keys playbook makes it from that")
        except OnionfleetError as exc:
            faults.append(f"service '{name}': key: {exc}")
    return addresses, faults + _shared_keys(addresses)


def read_secret(keys_dir: str, name: str, vault: Vault) -> _keyfile.SecretKey:
    """Decrypt the key of one service.

    :raises OnionfleetError: missing, not decryptable, or damaged.
    """
    try:
        with open(_path(keys_dir, name, "secret"), "rb") as handle:
            return _keyfile.load_secret(vault.decrypt(handle.read()))
    except FileNotFoundError:
        raise OnionfleetError(f"{name}.secret is not in {keys_dir}; run the keys playbook") from None
    except (OSError, OnionfleetError) as exc:
        raise OnionfleetError(f"{name}.secret: {exc}") from None


def complete(keys_dir: str, wanted: t.Sequence[Wanted], vault: Vault, *, check: bool = False) -> tuple[dict[str, str], list[str]]:
    """Create the files that are missing, all or, when anything is wrong, none.

    :returns: service name to address ("<new>" for a key that check mode did not make), and the names of the services
        for which a file was, or would be, created.
    :raises OnionfleetError: every fault of every service.
    """
    with contextlib.nullcontext() if check else _locked(keys_dir):
        entries = _decide(keys_dir, wanted, vault)
        missing = [entry for entry in entries if entry.create]
        if not check:
            for entry in missing:
                _create(keys_dir, entry, vault)
    made = {True: NEW, False: ""}
    return {entry.name: (made[check] if entry.generated else "") or entry.address for entry in entries}, [entry.name for entry in missing]
