#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: keeper_config
short_description: Configuration of a keeper, and that it runs with it
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Writes what a keeper keeps, and the keys of clients that it asks restricted services with.
  - Enables and starts the keeper. It is restarted where it runs with an older program, unit or configuration, also
    where a run was killed before it had restarted it.
  - A running keeper takes a new key within half a minute, without a restart.
requirements:
  - The keeper's program and unit, which the role P(onionfleet.balance.keeper#role) installs.
extends_documentation_fragment: [onionfleet.balance.attributes, onionfleet.balance.internal, onionfleet.balance.host]
attributes:
  diff_mode:
    details: [Shows addresses only of keys.]
options:
  config:
    description: C(keeper) of the host's part of the plan.
    type: dict
    required: true
  credentials:
    description:
      - Address of a service to the private x25519 key of one of its clients, in base32 or base64. Those of restricted
        services in O(config) are sent and written into one file that the superuser alone reads; what is not named is
        not in it any more.
      - By default the file stays as it is.
      - Needs pipelining (C(ansible_pipelining=true)), or Ansible would write it to a file on the host.
    type: dict
  restart:
    description: Whether to restart it in any case. A check run says so of a program or unit that it has not installed.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Keep what the plan says
  onionfleet.balance.keeper_config:
    config: "{{ plan.hosts[inventory_hostname].keeper }}"
    credentials: "{{ onion_client_credentials }}"
  throttle: 1
  vars:
    ansible_pipelining: true
"""

RETURN = r"""
action:
  description: What was done, or in check mode would be done, to the keeper, V(start), V(restart) or V(none).
  returned: success
  type: str
"""

import base64
import json
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host import diff, disk, locations
from ansible_collections.onionfleet.balance.plugins.module_utils._host.key_files import write_private
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import client_key
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.keeper_status import is_stale
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.service import bring

Data = t.Dict[str, t.Any]


def run(parameters: t.Mapping[str, t.Any], check: bool) -> Data:
    if os.geteuid() != 0:
        raise OnionfleetError("writing a keeper's configuration needs root; set become: true")
    keys = _keys(parameters["credentials"])
    changed = [node for node in _nodes(parameters["config"]) if disk.differs(node)]
    parts = [diff.node_diff(node) for node in changed]
    if changed and not check:
        with disk.alone(), disk.Transaction() as transaction:
            transaction.write(changed, [])
    parts += [] if keys is None else _write_keys(keys, check)
    due = parameters["restart"] or any(node.content is not None for node in changed) or is_stale()
    verbs = bring(locations.KEEPER_UNIT, "restart" if due else "start", check=check)
    return {
        "changed": bool(parts or verbs),
        "diff": parts,
        "action": next((verb for verb in verbs if verb != "enable"), "none"),
    }


def _nodes(config: Data) -> t.List[disk.Node]:
    # as to_nice_json writes it; verification compares it
    text = json.dumps(config, indent=4, separators=(",", ": ")) + "\n"
    return [
        disk.Node(locations.KEEPER_ROOT, 0o755, "root", "root"),
        disk.Node(locations.KEEPER_CONFIG, 0o600, "root", "root", text.encode()),
    ]


def _keys(credentials: t.Optional[t.Mapping[str, t.Any]]) -> t.Optional[t.Dict[str, str]]:
    """Address -> key in base64."""
    if credentials is None:
        return None
    return {address: base64.b64encode(client_key(str(text))).decode() for address, text in sorted(credentials.items())}


def _write_keys(keys: t.Mapping[str, str], check: bool) -> t.List[t.Dict[str, str]]:
    """:returns: what people see of the change, if there is one."""
    text, present = json.dumps(keys) + "\n", disk.read_text(locations.KEEPER_CREDENTIALS)
    if present == text or (present is None and not keys):
        return []
    if not check:
        write_private(locations.KEEPER_CREDENTIALS, text.encode())
    before, after = _addresses(present), "".join(f"{address}\n" for address in keys)
    hidden = "# (a hidden value differs)\n" if before == after else ""
    return [diff.part(locations.KEEPER_CREDENTIALS, before, after + hidden)]


def _addresses(text: t.Optional[str]) -> str:
    try:
        return "".join(f"{address}\n" for address in json.loads(text or "{}"))
    except (ValueError, TypeError):
        return ""


def main() -> None:
    module = AnsibleModule(
        {
            "config": {"type": "dict", "required": True},
            "credentials": {"type": "dict", "no_log": True},
            "restart": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    with errors_fail(module):
        result = run(module.params, module.check_mode)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
