# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_client_key
short_description: Credentials of the clients of a restricted onion service
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Keeps a folder with the x25519 key pairs of all clients that may use one onion service, and makes those that are
    missing.
  - C(NAME.auth_private) goes to the client, into its tor's C(ClientOnionAuthDir). C(NAME.auth) is the service's side,
    which O(onionfleet.balance.tor_instances#module:daemons) writes from the RV(clients) returned here.
  - A private key is never returned, shown or replaced.
  - Needs nothing but Python on the host, and is meant for the controller or the operator's own machine; private keys of
    clients have no business on the servers.
extends_documentation_fragment: [onionfleet.balance.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: [Shows names of files only.]
  idempotent:
    support: full
options:
  path:
    description: The folder, made with mode 0700. One folder per service.
    type: path
    required: true
  address:
    description: Address of the service.
    type: str
    required: true
  clients:
    description: The clients.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: A name, of letters, digits, C(-) and C(_).
        type: str
        required: true
      public_key:
        description: Public key of a client that made its own pair, in base32 or base64. No private file is made then.
        type: str
  prune:
    description:
      - Remove the credentials of clients that are not listed.
      - A client is locked out when the service has loaded its new list of clients.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Anna and Berta may use the service, and nobody else
  onionfleet.balance.onion_client_key:
    path: "{{ inventory_dir }}/clients/newsroom"
    address: duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion
    clients:
      - name: anna
      - name: berta
        public_key: N2NU7BSRL6YODZCYPN4CREB54TYLKGIE2KYOQWLFYC23ZJVCE5DQ
    prune: true
  delegate_to: localhost
  register: newsroom_clients
"""

RETURN = r"""
clients:
  description: The clients, as the field C(authorized_clients) of a service takes them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the client.
      type: str
    public_key:
      description: Public key in tor's base32; V(<new>) for a pair that check mode did not make.
      type: str
removed:
  description: Names of the clients whose credentials were, or would be, removed.
  returned: success
  type: list
  elements: str
"""

import os
import re
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host.key_files import write_private
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import address as addresses
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import client_key, key_file

NEW = "<new>"
PRIVATE = ".auth_private"
PUBLIC = ".auth"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
Client = t.Dict[str, t.Any]


class Files:
    """What the folder holds, and what it shall hold."""

    def __init__(self, path: str, address: str) -> None:
        self._path = path
        self._address = address
        self.writes: t.Dict[str, str] = {}

    def _read(self, name: str) -> str | None:
        content = key_file.read_file(os.path.join(self._path, name))
        return None if content is None else content.decode("ascii", "replace")

    def _stored(self, name: str) -> t.Tuple[bytes | None, bytes | None]:
        """Private and public key of a client, so far as its files are there."""
        private_text, public_text = self._read(name + PRIVATE), self._read(name + PUBLIC)
        address, private = client_key.read_private(private_text) if private_text is not None else (None, None)
        if address not in (None, self._address):
            raise OnionfleetError(f"{name + PRIVATE} is for {address}; keep one folder per service")
        return private, client_key.read_public(public_text) if public_text is not None else None

    def add(self, name: str, given: str | None) -> Client:
        """Note which files of a client are missing; its public part, as the declaration takes it."""
        private, stored = self._stored(name)
        made = not (private or stored or given)
        if made:
            private = os.urandom(32)
        told = [
            client_key.public_key(private) if private else None,
            stored,
            client_key.decode_public(given) if given else None,
        ]
        publics = {public for public in told if public}
        if len(publics) > 1:
            raise OnionfleetError(
                f"public_key: {name + PRIVATE}, {name + PUBLIC} and the option are of different pairs"
            )
        public = publics.pop()
        if made:
            self.writes[name + PRIVATE] = client_key.private_line(self._address, private or b"")
        if not stored:
            self.writes[name + PUBLIC] = client_key.public_line(public)
        return {"name": name, "public_key": client_key.encode(public), "made": made}

    def strangers(self, names: t.Set[str]) -> t.List[str]:
        """Files of clients that are not named."""
        there = sorted(os.listdir(self._path)) if os.path.isdir(self._path) else []
        return [file for file in there if file.endswith((PRIVATE, PUBLIC)) and client_of(file) not in names]

    def converge(self, remove: t.List[str]) -> None:
        """Write and remove."""
        for name, content in self.writes.items():
            write_private(os.path.join(self._path, name), content.encode())
        for name in remove:
            os.unlink(os.path.join(self._path, name))


def client_of(file: str) -> str:
    """The client's name in a file name."""
    return file.rpartition(".")[0]


def name_faults(clients: t.List[Client]) -> t.List[str]:
    """Names that are no file names, and names that stand twice."""
    places: t.Dict[str, t.List[int]] = {}
    for number, client in enumerate(clients, 1):
        places.setdefault(client["name"], []).append(number)
    faults = [
        f"clients: {name!r}: name: letters, digits, '-' and '_' are expected" for name in places if not NAME.match(name)
    ]
    return faults + [f"clients: {name!r}: stands at {at[0]} and {at[1]}" for name, at in places.items() if len(at) > 1]


def run(params: t.Dict[str, t.Any], check: bool) -> t.Dict[str, t.Any]:
    """Complete the folder, or say in check mode what that changes."""
    addresses.public_key_from_address(params["address"])
    faults = name_faults(params["clients"])
    files, clients = Files(params["path"], params["address"]), []
    for client in [] if faults else params["clients"]:
        try:
            clients.append(files.add(client["name"], client["public_key"]))
        except OnionfleetError as exc:
            faults.append(f"client '{client['name']}': {exc}")
    if faults:
        raise OnionfleetError(*faults)
    remove = files.strangers({client["name"] for client in clients}) if params["prune"] else []
    if not check:
        files.converge(remove)
    for client in clients:
        if client.pop("made") and check:
            client["public_key"] = NEW
    return {
        "changed": bool(files.writes or remove),
        "clients": clients,
        "removed": sorted({client_of(file) for file in remove}),
        "diff": {
            "before": "".join(f"{name}\n" for name in remove),
            "after": "".join(f"{name}\n" for name in files.writes),
        },
    }


def main() -> None:
    client = {"name": {"type": "str", "required": True}, "public_key": {"type": "str", "no_log": False}}
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "address": {"type": "str", "required": True},
            "clients": {"type": "list", "elements": "dict", "required": True, "options": client},
            "prune": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module.params, module.check_mode))
    except OnionfleetError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"{exc.filename}: {exc.strerror}")


if __name__ == "__main__":
    main()
