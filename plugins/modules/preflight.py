#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Find what keeps a host from running its part of the plan
version_added: "0.1.0"
description:
  - Looks, without changing anything, at privileges, the version of tor and its proof of work, keys that are already
    there, owners of directories, free space, reachability of unix sockets, and the clock.
  - Troubles are returned, not raised, so that those of the whole fleet can be reported at once by
    P(onionfleet.balance.fleet_report#filter).
author:
  - The onionfleet.balance developers (@onionfleet)
extends_documentation_fragment: [onionfleet.balance.attributes.read_only, onionfleet.balance.internal]
options:
  daemons:
    description: The tor daemons of the host, from M(onionfleet.balance.plan).
    type: list
    elements: dict
    required: true
  publisher:
    description: What the host publishes, from M(onionfleet.balance.plan); null where it is no publisher.
    type: dict
  minimum_tor:
    description: The oldest version of tor to accept.
    type: str
    default: 0.4.9.11
"""

EXAMPLES = r"""
- name: Look for trouble
  onionfleet.balance.preflight:
    daemons: "{{ fleet.hosts[inventory_hostname].daemons }}"
  register: found

- name: Stop before the first change
  ansible.builtin.assert:
    that: found.faults | length == 0
"""

RETURN = r"""
faults:
  description: What has to be mended first, a sentence each.
  returned: always
  type: list
  elements: str
hints:
  description: What is likely not meant.
  returned: always
  type: list
  elements: str
missing_keys:
  description: Services whose key has to be brought to this host.
  returned: always
  type: list
  elements: str
tor:
  description: The version of the installed tor.
  returned: always
  type: str
clock:
  description: How far the host's clock is ahead of the controller's, the round trip taken off.
  returned: always
  type: dict
  contains:
    offset:
      description: Seconds; negative where the host is behind.
      type: float
    uncertainty:
      description: Seconds that the offset may be wrong by, half of the round trip.
      type: float
"""

import dataclasses
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._whole_host.preflight import inspect


def main() -> None:
    now = time.time()
    module = AnsibleModule(
        argument_spec={
            "daemons": {"type": "list", "elements": "dict", "required": True},
            "publisher": {"type": "dict"},
            "minimum_tor": {"type": "str", "default": "0.4.9.11"},
        },
        supports_check_mode=True,
    )
    report = inspect(module.params["daemons"], module.params["publisher"], module.params["minimum_tor"])
    module.exit_json(changed=False, clock={"now": now}, **dataclasses.asdict(report))


if __name__ == "__main__":
    main()
