# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_key
short_description: Make, import, derive and verify the key of an onion service
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Looks after the key files in a service directory, C(hs_ed25519_secret_key), C(hs_ed25519_public_key) and
    C(hostname). They are written with mode 0600, in a folder of mode 0700, and belong to the owner of that folder.
  - Where O(path) holds a key, verifies that its files belong together and tells its address.
  - Where it holds none, imports the key of O(source) or O(secret), or generates one.
  - Without O(path), tells address and public key of O(source) or O(secret), and writes nothing.
  - "These formats are understood: tor's C(hs_ed25519_secret_key) (96 bytes), PKCS#8 PEM of an Ed25519 key (version 1 or
    2, with or without text around it), the YAML of C(mkp224o -y) with one key, the blob of C(ADD_ONION) with or without
    C(ED25519-V3:), the base64 of any of these; and a directory as tor and vanity miners write it."
  - Needs nothing but Python on the host.
extends_documentation_fragment: [onionfleet.balance.attributes]
attributes:
  diff_mode:
    details: [Shows the address only.]
options:
  path:
    description: The service directory.
    type: path
  source:
    description: A file or directory on the host to import from.
    type: path
  secret:
    description: The secret key itself.
    type: str
  address:
    description: The address that the key must have. With it, no key is ever generated.
    type: str
  force:
    description: Replace a different or damaged key in O(path) by that of O(source) or O(secret). The old key is gone.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: A service with a new key
  onionfleet.balance.onion_key:
    path: /var/lib/tor/newsroom

- name: Import what a vanity miner found, if it is what we think
  onionfleet.balance.onion_key:
    path: /var/lib/tor/newsroom
    source: /root/mined/newsroom.onion
    address: newsroomfmgd5a5gyyhdnxj7icgoxrzc4ym6r7nncyknp5wroj3fctyd.onion

- name: Which address does this key have?
  onionfleet.balance.onion_key:
    secret: "{{ lookup('ansible.builtin.file', 'newsroom.pem') }}"
  register: newsroom_key
"""

RETURN = r"""
address:
  description: The address; V(<new>) for a key that check mode did not generate.
  returned: success
  type: str
  sample: duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion
public_key:
  description: The Ed25519 public key (32 bytes) in base64; V(<new>) for a key that check mode did not generate.
  returned: success
  type: str
  sample: HQSh0EozjG5q6XC/q+5JBJ1nAiUJhMqVDAFnP07ANK0=
"""

import base64
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk
from ansible_collections.onionfleet.balance.plugins.module_utils._host.key_files import change_mode, write_private
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file

NEW = "<new>"
MODES = {"": 0o700, key_file.SECRET_FILE: 0o600, key_file.PUBLIC_FILE: 0o600, key_file.HOSTNAME_FILE: 0o600}


def given_key(params: t.Dict[str, t.Any]) -> key_file.SecretKey | None:
    """The key to import, if any."""
    if params["secret"] is not None:
        return key_file.load_secret(params["secret"].encode("utf-8", "surrogateescape"))
    return key_file.load_path(params["source"]) if params["source"] else None


def present_key(path: str | None, replaceable: bool) -> key_file.SecretKey | None:
    """The key in the service directory, if any; a damaged one counts as none where it may be replaced."""
    if not path or not any(os.path.lexists(os.path.join(path, name)) for name in MODES if name):
        return None
    try:
        return key_file.load_path(path, disk.read_bytes)
    except OnionfleetError:
        if replaceable:
            return None
        raise


def decide(params: t.Dict[str, t.Any]) -> t.Tuple[key_file.SecretKey | None, key_file.SecretKey | None]:
    """The key that is there, and the one that shall be; the latter is None where one is to be generated."""
    given = given_key(params)
    present = present_key(params["path"], bool(given and params["force"]))
    wanted = given or present
    if params["address"] and (wanted is None or wanted.address != params["address"]):
        found = (
            f"the key is that of {wanted.address}" if wanted else "there is no key, and none can be made for an address"
        )
        raise OnionfleetError(f"address: {params['address']} is expected, but {found}")
    if given and present and given != present and not params["force"]:
        raise OnionfleetError(
            f"path: {params['path']} holds the key of {present.address}, not that of {given.address}; "
            "move it away, or say force: true to lose it"
        )
    return present, wanted


def stale_files(path: str, key: key_file.SecretKey | None) -> t.List[str]:
    """Names of key files to write: missing, or of other content."""
    if key is None:
        return [name for name in MODES if name]
    return [name for name, content in key.service_files().items() if disk.read_bytes(f"{path}/{name}") != content]


def open_modes(path: str) -> t.List[str]:
    """Paths whose mode is not what tor and this module write."""
    paths = {os.path.join(path, name) if name else path: mode for name, mode in MODES.items()}
    return [one for one, mode in paths.items() if os.path.lexists(one) and os.stat(one).st_mode & 0o777 != mode]


def converge(path: str, key: key_file.SecretKey, names: t.List[str], modes: t.List[str]) -> None:
    """Write the files named, and close the modes of what was there."""
    for name in names:
        write_private(os.path.join(path, name), key.service_files()[name])
    for one in modes:
        change_mode(one, MODES[os.path.basename(one)] if one != path else MODES[""])


def run(params: t.Dict[str, t.Any], check: bool) -> t.Dict[str, t.Any]:
    """Bring the service directory to the wanted key, or say in check mode what that changes."""
    present, wanted = decide(params)
    path = params["path"]
    names = stale_files(path, wanted) if path else []
    modes = open_modes(path) if path else []
    key = wanted or key_file.generate()
    told = NEW if check and not wanted else key.address
    if not check:
        converge(path, key, names, modes)
    return {
        "changed": bool(names or modes),
        "address": told,
        "public_key": NEW if told == NEW else base64.b64encode(key.public_key).decode(),
        "diff": {
            "before": {"address": present.address if present else None, "written": [], "closed": []},
            "after": {"address": told, "written": names, "closed": modes},
        },
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "source": {"type": "path"},
            "secret": {"type": "str", "no_log": True},
            "address": {"type": "str"},
            "force": {"type": "bool", "default": False},
        },
        required_one_of=[("path", "source", "secret")],
        mutually_exclusive=[("source", "secret")],
        supports_check_mode=True,
    )
    with errors_fail(module):
        module.exit_json(**run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
