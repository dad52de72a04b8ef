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
  - Tells what of this collection is on the host, too, as M(onionfleet.balance.onion_host_info) does.
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
there:
  description: What M(onionfleet.balance.onion_host_info) returns, or null where it could not be looked at.
  returned: always
  type: dict
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
import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._whole_host.preflight import Report, inspect
from ansible_collections.onionfleet.balance.plugins.module_utils._whole_host.survey import survey


def look(report: Report) -> t.Optional[t.Dict[str, t.Any]]:
    """What is there; that it could not be looked at is a hint."""
    if os.geteuid() != 0:
        return None
    try:
        return survey()
    except OnionfleetError as error:
        report.hints += [f"what of this collection is on it could not be looked at: {fault}" for fault in error.faults]
        return None


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
    there = look(report)
    module.exit_json(changed=False, clock={"now": now}, there=there, **dataclasses.asdict(report))


if __name__ == "__main__":
    main()
