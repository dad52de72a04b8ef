#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_host_info
short_description: What of this collection is on a host
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Tells which tor daemons, publisher and keeper are on a host, with the services that they serve, whatever the
    declaration says now. P(onionfleet.balance.leavers#filter) compares it with the plan.
  - A daemon that somebody else configures is left out. Keys are never read.
extends_documentation_fragment: [onionfleet.balance.attributes.read_only, onionfleet.balance.host]
options: {}
"""

EXAMPLES = r"""
- name: See what is there
  onionfleet.balance.onion_host_info:
  register: found
"""

RETURN = r"""
daemons:
  description: Daemons that this collection configured, or whose configuration is gone while keys are still there.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the daemon.
      type: str
    managed:
      description: Whether its torrc is there, with our mark in it.
      type: bool
    running:
      description: Whether its unit is active.
      type: bool
    single_hop:
      description: Whether it is configured not to be anonymous.
      type: bool
    services:
      description: Its services.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the service, null where only the folder is there.
          type: str
        directory:
          description: The name of the folder.
          type: str
        address:
          description: Its address, null where there is none yet.
          type: str
        frontends:
          description: The addresses that a backend answers for.
          type: list
          elements: str
        clients:
          description: How many clients are authorized; none means that everybody may come.
          type: int
publisher:
  description: The publisher, null where there is none.
  returned: success
  type: dict
  contains:
    running:
      description: Whether its unit is active.
      type: bool
    services:
      description: Its services.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the service.
          type: str
        configured:
          description: Whether it is configured; else only its key is there.
          type: bool
        address:
          description: Its address, null where there is none.
          type: str
keeper:
  description: The keeper, null where there is none.
  returned: success
  type: dict
  contains:
    running:
      description: Whether its unit is active.
      type: bool
    services:
      description: Names of the services that it keeps.
      type: list
      elements: str
installed:
  description: Whether anything of this collection is on the host.
  returned: success
  type: bool
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._whole_host.survey import survey


def main() -> None:
    module = AnsibleModule({}, supports_check_mode=True)
    if os.geteuid() != 0:
        module.fail_json(msg="looking at tor's directories needs root; set become: true")
    with errors_fail(module):
        found = survey()
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
