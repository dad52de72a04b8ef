# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tor_daemons
short_description: Start, reload, restart and stop tor daemons, and wait until they serve
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Does what M(onionfleet.balance.tor_instances) found to be due, one daemon after another.
  - Waits until each is active, and with O(wait) until it has bootstrapped and relays hold the descriptors of its
    services, before the next one's turn.
  - Keeps a record of what each daemon loaded in C(/var/lib/onionfleet/loaded).
extends_documentation_fragment: [onionfleet.balance.attributes, onionfleet.balance.host]
attributes:
  diff_mode:
    support: none
  idempotent:
    support: none
    details: [It does what it is told. Nothing is due when O(actions) is empty.]
options:
  actions:
    description: What to do, as M(onionfleet.balance.tor_instances) returns it, in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the daemon.
        type: str
        required: true
      action:
        description: What to do.
        type: str
        choices: [start, reload, restart, stop]
        required: true
      stagger:
        description: A start does not happen before this many seconds from the beginning of the task.
        type: int
        default: 0
      reasons:
        description: Why; not used.
        type: list
        elements: str
        default: []
      revisions:
        description: Revision counters of descriptors; not used.
        type: dict
        default: {}
  wait:
    description: Wait until the daemon has bootstrapped and its descriptors are uploaded.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for one daemon at most.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Load the new configuration
  onionfleet.balance.tor_daemons:
    actions: "{{ instances.actions }}"
    timeout: 180
"""

RETURN = r"""
done:
  description: What was done, in order; in check mode what would be.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the daemon.
      type: str
    action:
      description: What was done.
      type: str
    seconds:
      description: How long it took, with waiting, but without O(actions[].stagger).
      type: float
failed_daemon:
  description: Name of the daemon that failed; later ones were not touched.
  returned: failure
  type: str
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import running
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import errors_fail


def one(action: t.Mapping[str, t.Any], parameters: t.Mapping[str, t.Any], begun: float) -> float:
    """Do one action; the seconds that it took."""
    if action["action"] == "start":
        time.sleep(max(0.0, begun + action["stagger"] - time.monotonic()))
    started = time.monotonic()
    running.perform(action["name"], action["action"])
    if parameters["wait"] and action["action"] != "stop":
        running.serve(action["name"], started + parameters["timeout"])
    return round(time.monotonic() - started, 1)


def run(parameters: t.Mapping[str, t.Any], check: bool, done: t.List[t.Dict[str, t.Any]]) -> None:
    begun = time.monotonic()
    for action in parameters["actions"]:
        done.append({"name": action["name"], "action": action["action"], "seconds": 0.0})
        if not check:
            done[-1]["seconds"] = one(action, parameters, begun)


def main() -> None:
    module = AnsibleModule(
        {"actions": {"type": "list", "elements": "dict", "required": True, "options": {
            "name": {"type": "str", "required": True},
            "action": {"type": "str", "choices": ["start", "reload", "restart", "stop"], "required": True},
            "stagger": {"type": "int", "default": 0},
            "reasons": {"type": "list", "elements": "str", "default": []},
            "revisions": {"type": "dict", "default": {}}}},
         "wait": {"type": "bool", "default": True},
         "timeout": {"type": "int", "default": 300}},
        supports_check_mode=True,
    )
    if os.geteuid() != 0 and not module.check_mode:
        module.fail_json(msg="starting and stopping daemons needs root; set become: true")
    done: t.List[t.Dict[str, t.Any]] = []
    with errors_fail(module, lambda: {"done": done[:-1], **({"failed_daemon": done[-1]["name"]} if done else {})}):
        run(module.params, module.check_mode, done)
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
