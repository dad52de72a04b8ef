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
  diff_mode:
    details: [Shows names of files only.]
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
      - Remove the credentials of all clients that are not listed.
      - A client is locked out when the service has loaded its new list of clients.
    type: bool
    default: false
  absent:
    description: Names of clients whose credentials are removed. Who has none there is passed over.
    type: list
    elements: str
    default: []
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

- name: Carla may no longer use the service
  onionfleet.balance.onion_client_key:
    path: "{{ inventory_dir }}/clients/newsroom"
    address: duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion
    clients: []
    absent: [carla]
  delegate_to: localhost
  register: newsroom_clients
"""

RETURN = r"""
clients:
  description:
    - All clients whose credentials the folder has then, as the field C(authorized_clients) of a service takes them.
    - Those of O(clients) come first, then the others by name.
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
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host.key_files import write_private
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import address as addresses
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import client_key, key_file

NEW = "<new>"
PRIVATE = ".auth_private"
PUBLIC = ".auth"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
Client = t.Dict[str, t.Any]
Read = t.TypeVar("Read")


class Files:
    """What the folder holds, and what it shall hold."""

    def __init__(self, path: str, address: str) -> None:
        self._path = path
        self._address = address
        _refuse_links_to_nothing(path)
        self._there = sorted(os.listdir(path)) if os.path.isdir(path) else []
        self.writes: t.Dict[str, str] = {}

    def of_clients(self) -> t.List[str]:
        """Names of files that hold credentials."""
        return [file for file in self._there if file.endswith((PRIVATE, PUBLIC))]

    def path_of(self, file: str) -> str:
        """The path of a file in the folder."""
        return os.path.join(self._path, file)

    def _read(self, file: str, read: t.Callable[[str], Read]) -> Read | None:
        if file not in self._there:
            return None
        path = self.path_of(file)
        _refuse_links_to_nothing(path)
        content = key_file.read_file(path)
        if content is None:
            return None
        try:
            return read(content.decode("ascii", "replace"))
        except OnionfleetError as exc:
            raise OnionfleetError(*(f"{path}: {fault}" for fault in exc.faults)) from None

    def _stored(self, name: str) -> t.Tuple[bytes | None, bytes | None]:
        """Private and public key of a client, so far as its files are there."""
        return self._read(name + PRIVATE, self._private), self._read(name + PUBLIC, client_key.read_public)

    def _private(self, content: str) -> bytes:
        address, private = client_key.read_private(content)
        if address != self._address:
            raise OnionfleetError(f"is for {address}; keep one folder per service")
        return private

    def keep(self, name: str) -> Client:
        """The public part of a client whose files are there."""
        private, stored = self._stored(name)
        return self._client(name, private, stored, None)

    def add(self, name: str, given: str | None) -> Client:
        """Note which files of a client are missing; its public part."""
        private, stored = self._stored(name)
        made = not (private or stored or given)
        if made:
            private = os.urandom(32)
        client = self._client(name, private, stored, client_key.decode_public(given) if given else None)
        if made:
            self.writes[name + PRIVATE] = client_key.private_line(self._address, private or b"")
        if not stored:
            self.writes[name + PUBLIC] = client_key.public_line(client_key.decode(client["public_key"]))
        return {**client, "made": made}

    def _client(self, name: str, private: bytes | None, stored: bytes | None, given: bytes | None) -> Client:
        told = (client_key.public_key(private) if private else None, stored, given)
        publics = {public for public in told if public}
        if len(publics) > 1:
            raise OnionfleetError(
                f"public_key: {self.path_of(name + PRIVATE)}, {name + PUBLIC} and the option are of different pairs"
            )
        return {"name": name, "public_key": client_key.encode(publics.pop()), "made": False}

    def converge(self, remove: t.List[str]) -> None:
        """Write and remove."""
        for name, content in self.writes.items():
            write_private(self.path_of(name), content.encode())
        for name in remove:
            os.unlink(self.path_of(name))


def _refuse_links_to_nothing(path: str) -> None:
    """What a link leads to may be away for a while: on a disk that is not mounted there are keys already."""
    place = os.path.abspath(path)
    while place != "/":
        if os.path.islink(place) and not os.path.exists(place):
            raise OnionfleetError(f"{place} is a symbolic link to nothing; remove it, or bring its target back")
        place = os.path.dirname(place)


def client_of(file: str) -> str:
    """The client's name in a file name."""
    return file.rpartition(".")[0]


def name_faults(clients: t.List[Client], absent: t.List[str]) -> t.List[str]:
    """Names that are no file names, and names that stand twice."""
    places: t.Dict[str, t.List[int]] = {}
    for number, client in enumerate(clients, 1):
        places.setdefault(client["name"], []).append(number)
    faults = [
        f"{field}: {name!r}: name: letters, digits, '-' and '_' are expected"
        for field, names in (("clients", list(places)), ("absent", absent))
        for name in names
        if not NAME.match(name)
    ]
    faults += [f"clients: {name!r}: stands at {at[0]} and {at[1]}" for name, at in places.items() if len(at) > 1]
    return faults + [f"absent: {name!r}: is in clients, too" for name in absent if name in places]


def run(params: t.Dict[str, t.Any], check: bool) -> t.Dict[str, t.Any]:
    """Complete the folder, or say in check mode what that changes."""
    addresses.public_key_from_address(params["address"])
    faults = name_faults(params["clients"], params["absent"])
    if faults:
        raise OnionfleetError(*faults)
    files = Files(params["path"], params["address"])
    listed = {client["name"]: client["public_key"] for client in params["clients"]}
    clients: t.List[Client] = []
    remove: t.List[str] = []
    others: t.Set[str] = set()
    for file in files.of_clients():
        name = client_of(file)
        if name in params["absent"] or (params["prune"] and name not in listed):
            remove.append(file)
        elif not NAME.match(name):
            faults.append(f"{files.path_of(file)}: {name!r} is no client's name; rename the file, or move it away")
        elif name not in listed:
            others.add(name)
    for name in [*listed, *sorted(others)]:
        try:
            clients.append(files.keep(name) if name in others else files.add(name, listed[name]))
        except OnionfleetError as exc:
            faults += [f"client '{name}': {fault}" for fault in exc.faults]
    if faults:
        raise OnionfleetError(*faults)
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
            "absent": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    with errors_fail(module):
        module.exit_json(**run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
