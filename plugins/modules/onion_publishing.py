#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_publishing
short_description: Have tor daemons publish now, or keep them from it
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - New visitors of a hardmap go to the replica whose descriptor the HSDirs hold. This module says which daemon that is,
    over the control port, without a restart or a reload, so that circuits and downloads go on.
  - It works on whole daemons, with all their services. Of each service, one daemon of the
    fleet is to publish at a time.
  - What it sets is forgotten when a daemon reloads or restarts, which goes back to its configuration.
extends_documentation_fragment:
  - onionfleet.balance.attributes
  - onionfleet.balance.host
  - onionfleet.balance.host.daemons
attributes:
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: [With O(state=published) daemons publish whenever they are told to.]
options:
  daemons:
    required: true
  state:
    description:
      - V(published), they publish now, and the module waits until HSDirs took their descriptors. What is refused is
        published again. It is a failure when less than a quorum, more than half, took one in time. A tor in its sandbox
        (option C(Sandbox)), which does not survive such commands, is restarted, which publishes, too.
      - V(standby), they publish nothing any more, and go on serving.
      - V(released), they go back to tor's own behaviour, without publishing. With proof of work on they publish.
      - With V(standby) and V(released) a tor in its sandbox is left alone.
      - With V(released), a daemon that a keeper keeps is left to the keeper.
      - With V(standby) and V(released) a daemon that does not run is no failure.
    type: str
    choices: [published, standby, released]
    required: true
  timeout:
    description: Seconds in which HSDirs have to take what is published.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Have this replica get the new visitors
  onionfleet.balance.onion_publishing:
    daemons: [newsroomw1]
    state: published

- name: Keep this one from publishing, before something is done to it
  onionfleet.balance.onion_publishing:
    daemons: [newsroomw1]
    state: standby
"""

RETURN = r"""
daemons:
  description: One entry per daemon, in their order; also when the module fails.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The daemon's name.
      type: str
    changed:
      description: Whether it was told something.
      type: bool
    error:
      description: Why it does not answer, or null.
      type: str
    services:
      description: With O(state=published), what came of the last uploads of each service.
      type: list
      elements: dict
      contains:
        address:
          description: The service's address.
          type: str
        tried:
          description: How many uploads began, of both descriptors together.
          type: int
        taken:
          description: How many were taken.
          type: int
        refused:
          description: How many failed, or were refused.
          type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import uploads
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import errors_fail


def run(daemons: list[uploads.Daemon], state: str, timeout: int, check: bool) -> None:
    if state == "published":
        uploads.publish(daemons, timeout=timeout, check=check)
    elif state == "standby":
        uploads.stand_by(daemons, check=check)
    else:
        uploads.release(daemons, check=check)


def main() -> None:
    module = AnsibleModule(
        {"daemons": {"type": "list", "elements": "str", "required": True},
         "state": {"type": "str", "choices": ["published", "standby", "released"], "required": True},
         "timeout": {"type": "int", "default": 60}},
        supports_check_mode=True,
    )
    daemons: list[uploads.Daemon] = []
    with errors_fail(module, lambda: {"daemons": [daemon.told() for daemon in daemons]}):
        daemons += [uploads.Daemon(name) for name in module.params["daemons"]]
        run(daemons, module.params["state"], module.params["timeout"], module.check_mode)
    module.exit_json(changed=any(daemon.changed for daemon in daemons), daemons=[daemon.told() for daemon in daemons])


if __name__ == "__main__":
    main()
