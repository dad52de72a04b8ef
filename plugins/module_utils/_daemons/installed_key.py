# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a service in its folder on a host: which one is there, and which files are missing.

Overview::

  key_state       folder and address -> as _keyfile.directory_state says, but cheaper
  missing_files   name -> content of the key files that are to be written
  own_files       the same beside a key that tor made itself
  lost            what is said where that secret is gone
  present_files   names of the key files that are there
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import address as addresses
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file

NAMES = (key_file.SECRET_FILE, key_file.PUBLIC_FILE, key_file.HOSTNAME_FILE)


def key_state(path: str, address: str) -> str:
    """As ``directory_state``, but without arithmetic where the public files and the secret's size agree.

    Whoever loads them compares secret and public key.
    """
    secret, public, hostname = (disk.read_bytes(f"{path}/{name}") for name in NAMES)
    if secret is None and public is None and hostname is None:
        return "absent"
    if (hostname or b"").decode("ascii", "replace").strip() == address and len(secret or b"") == 96 \
            and (public or b"")[32:] == addresses.public_key_from_address(address):
        return "match"
    return key_file.directory_state(path, address, disk.read_bytes)


def missing_files(path: str, address: str, secret: t.Any, *, check: bool) -> t.Dict[str, bytes]:
    """Name to content of the key files that are to be written; none where the key is there.

    :param secret: the key in any known format, as text; nothing where there is none.
    :param check: without a secret the content is then empty, since the run that follows may have one; and secret and
        public key are compared by arithmetic.
    :raises OnionfleetError: another key is there or was given, or none.
    """
    # who only looks has time to
    state = key_file.directory_state(path, address, disk.read_bytes) if check else key_state(path, address)
    if state == "match":
        # tor reads it when it starts only, and whoever looks at the host reads it always
        lost = not os.path.lexists(f"{path}/{key_file.HOSTNAME_FILE}")
        return {key_file.HOSTNAME_FILE: f"{address}\n".encode()} if lost else {}
    if state == "foreign":
        raise OnionfleetError(f"{path}: holds the key of another address than {address}; keys are never overwritten: "
                              "move the directory away, or declare its address")
    if state != "absent":
        raise OnionfleetError(f"{path}: {state}; restore the key files or move the directory away")
    if not secret:
        if check:
            return dict.fromkeys(NAMES, b"")
        raise OnionfleetError(
            f"its key is missing in {path}, and no secret was given; run the keys playbook, or give the "
            "secret of this service"
        )
    key = key_file.load_secret(str(secret).encode(errors="replace"))
    if key.address != address:
        raise OnionfleetError(f"the secret that was given is that of {key.address}, not of {address}")
    return key.service_files()


def own_files(path: str) -> t.Dict[str, bytes]:
    """Name to content of files missing beside a secret key that tor made itself; none where there is no key yet.

    :raises OnionfleetError: the secret key is gone, or the files are those of different keys.
    """
    there = present_files(path)
    if there and key_file.SECRET_FILE not in there:
        raise OnionfleetError(lost(path))
    missing = [name for name in NAMES if there and name not in there]
    if not missing:
        return {}
    whole = key_file.load_path(path, disk.read_bytes).service_files()
    return {name: whole[name] for name in missing}


def lost(path: str) -> str:
    """The fault of a folder without the secret key that a tor made there."""
    return (
        f"{path}/{key_file.SECRET_FILE}: is gone; a tor that runs goes on with what it has in memory, and none can "
        "start with it again. Bring the file back, or have publishers leave this backend out (onion_drained, "
        "deploy) and run the playbook onionfleet.balance.renew, which has a new key made"
    )


def present_files(path: str) -> t.List[str]:
    """Those of a service's key files that are there, whatever is in them."""
    return [name for name in NAMES if os.path.lexists(f"{path}/{name}")]
