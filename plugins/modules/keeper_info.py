#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: keeper_info
short_description: What the keeper of a host sees and does
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Asks the host's running keeper for its state.
  - A keeper that is not there or does not answer is no failure, but said in RV(error).
extends_documentation_fragment: [onionfleet.balance.attributes.read_only]
options:
  timeout:
    description: Seconds to wait for its answer.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: See which replica holds
  onionfleet.balance.keeper_info:
  register: keeper
"""

RETURN = r"""
status:
  description: What the running keeper says, or null.
  returned: always
  type: dict
  contains:
    time:
      description: The host's clock, seconds since the epoch.
      type: float
    turned:
      description: Seconds since it last looked after all services; it does so every second.
      type: float
    services:
      description:
        - For each service its C(name), C(address), whether its C(targets) on this host answer,
          whether the service C(answers) through Tor, C(why) not, how many C(probes) were answered and failed, and whether
          an HSDir did (C(hsdirs_answer)).
        - C(replicas) are those of this host, with C(name), C(daemon), whether each is C(drained), C(holds), C(publishes) by itself, is C(armed)
          to do so at once and C(ready) to serve, when it C(published) in the last hour (seconds since the epoch), and when
          and why it last C(took_over) and C(took_its_turn).
      type: list
      elements: dict
stale:
  description: Whether a keeper runs whose program, unit or configuration was changed after it had started.
  returned: always
  type: bool
error:
  description: Why there is no status; empty where there is one.
  returned: always
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils import _layout
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._keeper_status import is_stale, read_status

LOADED = (_layout.KEEPER_PROGRAM, _layout.KEEPER_UNIT, _layout.KEEPER_CONFIG)


def run(timeout: float) -> t.Dict[str, t.Any]:
    stale = is_stale(_layout.KEEPER_STATUS, LOADED)
    try:
        return {"status": read_status(_layout.KEEPER_STATUS, timeout), "stale": stale, "error": ""}
    except OnionfleetError as error:
        return {"status": None, "stale": stale, "error": "; ".join(error.faults)}


def main() -> None:
    module = AnsibleModule({"timeout": {"type": "int", "default": 5}}, supports_check_mode=True)
    module.exit_json(changed=False, **run(module.params["timeout"]))


if __name__ == "__main__":
    main()
