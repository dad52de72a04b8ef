#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_drain
short_description: Have tor daemons take no new visitors, and wait until those that they have are gone
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Closes the introduction circuits of tor daemons until tor gives their introduction points up, so that visitors who
    still have a descriptor that lists them ask for a newer one. Circuits of visitors go on.
  - Then waits until no stream of a visitor is left. A stream is a connection of the tor
    process to a target of its services.
  - For daemons that other ones stand in for already, see M(onionfleet.balance.onion_publishing). Tor chooses new
    introduction points, so a daemon that is released afterwards serves again.
extends_documentation_fragment:
  - onionfleet.balance.attributes
  - onionfleet.balance.host
  - onionfleet.balance.host.daemons
attributes:
  check_mode:
    details: [Drains nothing.]
  diff_mode:
    support: none
  idempotent:
    support: none
    details: [Introduction points are given up whenever it runs.]
options:
  daemons:
    description: >-
      Names of tor daemons (instances) on this host. One that does not run, or does not answer, is no failure.
    required: true
  timeout:
    description: Seconds to wait at most. When streams are left then, a warning says so, and it is no failure.
    type: int
    default: 600
  quiet:
    description: >-
      Seconds without any stream after which a daemon is drained; the end of a download may still be on its way.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Let visitors finish
  onionfleet.balance.onion_drain:
    daemons: [newsroomw1]
    timeout: 120
"""

RETURN = r"""
daemons:
  description: One entry per daemon, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The daemon's name.
      type: str
    streams:
      description: How many streams were left in the end.
      type: int
    error:
      description: Why nobody can tell, as that it does not run, or null.
      type: str
seconds:
  description: How long it took.
  returned: success
  type: float
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import drain
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import errors_fail


def main() -> None:
    module = AnsibleModule(
        {"daemons": {"type": "list", "elements": "str", "required": True},
         "timeout": {"type": "int", "default": 600},
         "quiet": {"type": "int", "default": 5}},
        supports_check_mode=True,
    )
    wanted, began = module.params, time.monotonic()
    if module.check_mode:
        module.exit_json(
            changed=bool(wanted["daemons"]),
            seconds=0.0,
            daemons=[{"name": name, "streams": 0, "error": None} for name in wanted["daemons"]],
        )
    if os.geteuid() != 0:
        module.fail_json(msg="the connections of a tor daemon are seen by root only; set become: true")
    with errors_fail(module):
        daemons = drain.running(wanted["daemons"])
        drain.drain(daemons, timeout=wanted["timeout"], quiet=wanted["quiet"])
    for daemon in daemons:
        if daemon.streams:
            module.warn(f"daemon '{daemon.name}': {daemon.streams} streams are still open after {wanted['timeout']} s")
    module.exit_json(
        changed=any(not daemon.error for daemon in daemons),
        seconds=round(time.monotonic() - began, 1),
        daemons=[{"name": daemon.name, "streams": daemon.streams, "error": daemon.error or None} for daemon in daemons],
    )


if __name__ == "__main__":
    main()
