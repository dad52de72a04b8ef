#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: keeper_credentials
short_description: Keys of clients that a keeper asks restricted services with
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Writes them all into one file that the superuser alone reads; what is not named is not in it any more.
  - A running keeper takes a new key within half a minute.
extends_documentation_fragment: [onionfleet.balance.attributes, onionfleet.balance.internal]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: [Shows addresses only.]
  idempotent:
    support: full
options:
  credentials:
    description:
      - Address of a service to the private x25519 key of one of its clients, in base32 or base64.
      - Needs pipelining (C(ansible_pipelining=true)), or Ansible would write it to a file on the host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The keeper may ask for the newsroom
  onionfleet.balance.keeper_credentials:
    credentials: "{{ onion_client_credentials }}"
  vars:
    ansible_pipelining: true
"""

RETURN = r""" # """

import base64
import json
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host import diff, disk, locations
from ansible_collections.onionfleet.balance.plugins.module_utils._host.key_files import write_private
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import client_key


def run(credentials: t.Mapping[str, t.Any], write: bool) -> t.Dict[str, t.Any]:
    keys = {address: base64.b64encode(client_key(str(text))).decode() for address, text in sorted(credentials.items())}
    text, present = json.dumps(keys) + "\n", disk.read_text(locations.KEEPER_CREDENTIALS)
    if present == text or (present is None and not keys):
        return {"changed": False}
    if write:
        write_private(locations.KEEPER_CREDENTIALS, text.encode())
    before, after = _addresses(present), "".join(f"{address}\n" for address in keys)
    hidden = "# (a hidden value differs)\n" if before == after else ""
    return {"changed": True, "diff": [diff.part(locations.KEEPER_CREDENTIALS, before, after + hidden)]}


def _addresses(text: t.Optional[str]) -> str:
    try:
        return "".join(f"{address}\n" for address in json.loads(text or "{}"))
    except (ValueError, TypeError):
        return ""


def main() -> None:
    module = AnsibleModule(
        {"credentials": {"type": "dict", "required": True, "no_log": True}}, supports_check_mode=True
    )
    with errors_fail(module):
        result = run(module.params["credentials"], not module.check_mode)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
