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
      description: The services that it keeps.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the service.
          type: str
        address:
          description: Its address.
          type: str
        targets:
          description: Whether its targets on this host answer.
          type: bool
        answers:
          description: Whether it answers through Tor, null before it was asked.
          type: bool
        why:
          description: Why it does not, or cannot be asked; else empty.
          type: str
        probes:
          description: How many probes there were.
          type: dict
          contains:
            answered:
              description: Those that were answered.
              type: int
            failed:
              description: Those that failed.
              type: int
        hsdirs_answer:
          description: Whether an HSDir answered the last time, null before one was asked.
          type: bool
        replicas:
          description: The replicas of this host.
          type: list
          elements: dict
          contains:
            name:
              description: The replica as C(host/daemon).
              type: str
            daemon:
              description: Name of the daemon.
              type: str
            drained:
              description: Whether it takes no turn, since it is drained.
              type: bool
            holds:
              description: Whether its descriptor is the one that HSDirs have, null where the keeper cannot tell.
              type: bool
            publishes:
              description: Whether it publishes by itself, null where its tor does not answer.
              type: bool
            armed:
              description: Whether it can publish at once.
              type: bool
            ready:
              description: Whether it is ready to serve.
              type: bool
            published:
              description: When it published in the last hour, seconds since the epoch.
              type: list
              elements: float
            took_over:
              description: Its last take-over, or null.
              type: dict
              contains: &act
                at:
                  description: When, seconds since the epoch.
                  type: float
                why:
                  description: Why.
                  type: str
            took_its_turn:
              description: Its last turn, or null.
              type: dict
              contains: *act
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
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.keeper_status import is_stale, read_status


def run(timeout: float) -> t.Dict[str, t.Any]:
    stale = is_stale()
    try:
        return {"status": read_status(locations.KEEPER_STATUS, timeout), "stale": stale, "error": ""}
    except OnionfleetError as error:
        return {"status": None, "stale": stale, "error": "; ".join(error.faults)}


def main() -> None:
    module = AnsibleModule({"timeout": {"type": "int", "default": 5}}, supports_check_mode=True)
    module.exit_json(changed=False, **run(module.params["timeout"]))


if __name__ == "__main__":
    main()
