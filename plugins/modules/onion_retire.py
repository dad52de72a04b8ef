#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_retire
short_description: Remove daemons, services and keys from a host
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Stops and removes what it is told, at once. The role P(onionfleet.balance.retire#role) takes visitors away before.
  - Keys, and files that may hold passwords, are overwritten before they are unlinked. That reaches the blocks that they
    have now. Flash, file systems that copy on write, snapshots and backups may keep older ones.
  - A run that was killed goes on when it is run again.
extends_documentation_fragment: [onionfleet.balance.attributes, onionfleet.balance.host]
options:
  daemons:
    description: Names of tor daemons that go with everything, their configuration, data, keys, user and record.
    type: list
    elements: str
    default: []
  services:
    description: Services that go from daemons that stay, and are reloaded.
    type: list
    elements: dict
    default: []
    suboptions:
      daemon:
        description: Name of the daemon.
        type: str
        required: true
      name:
        description: Name of the service; null where only its folder is left.
        type: str
      directory:
        description: Name of its folder in the daemon's data directory.
        type: str
        required: true
  keys:
    description: Names of services whose key the publisher of this host has and needs no more.
    type: list
    elements: str
    default: []
  publisher:
    description: Whether the publisher goes.
    type: bool
    default: false
  keeper:
    description: Whether the keeper goes.
    type: bool
    default: false
  host:
    description: Whether everything else goes, too, programs, records, and what was changed about the host's own tor.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Remove a daemon that has left its service
  onionfleet.balance.onion_retire:
    daemons: [archivew2]
"""

RETURN = r"""
removed:
  description: What was removed, in order; in check mode what would be.
  returned: always
  type: list
  elements: str
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk
from ansible_collections.onionfleet.balance.plugins.module_utils._whole_host.retire import steps

SERVICE = {
    "daemon": {"type": "str", "required": True},
    "name": {"type": "str"},
    "directory": {"type": "str", "required": True},
}


def run(wanted: t.Mapping[str, t.Any], check: bool, removed: t.List[str]) -> None:
    if os.geteuid() != 0:
        raise OnionfleetError("removing daemons and keys needs root; set become: true")
    if check:
        removed += [step.words for step in steps(wanted)]
        return
    with disk.alone():
        for step in steps(wanted):
            step.act()
            removed.append(step.words)


def main() -> None:
    module = AnsibleModule(
        {
            "daemons": {"type": "list", "elements": "str", "default": []},
            "services": {"type": "list", "elements": "dict", "default": [], "options": SERVICE},
            "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "publisher": {"type": "bool", "default": False},
            "keeper": {"type": "bool", "default": False},
            "host": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    removed: t.List[str] = []
    with errors_fail(module, lambda: {"removed": removed}):
        run(module.params, module.check_mode, removed)
    diff = {"before": "".join(f"{line}\n" for line in removed), "after": ""}
    module.exit_json(changed=bool(removed), removed=removed, diff=diff)


if __name__ == "__main__":
    main()
