#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: onionbalance_info
short_description: What a publisher is told to publish, and what it says that it does
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Reads the configuration of the host's publisher, and asks the running one for its state.
  - A publisher that is not there, does not answer or has a torn configuration is no failure, but said in RV(error).
extends_documentation_fragment: [onionfleet.balance.attributes.read_only]
options:
  timeout:
    description: Seconds to wait for its answer.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: See which backends are listed
  onionfleet.balance.onionbalance_info:
  register: publisher
"""

RETURN = r"""
configured:
  description: The services of its configuration.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the service.
      type: str
    instances:
      description: Its backends.
      type: list
      elements: dict
      contains:
        name:
          description: The backend as C(host/daemon).
          type: str
        address:
          description: Its address, null where that is none.
          type: str
        drained:
          description: Whether it is left out.
          type: bool
status:
  description: What the running publisher says, or null.
  returned: always
  type: dict
  contains:
    services:
      description: The services that it publishes.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the service.
          type: str
        address:
          description: Its address.
          type: str
        introduction_points:
          description: How many its descriptor has.
          type: int
        descriptors:
          description: Its two descriptors, of this time period and of the next.
          type: list
          elements: dict
          contains:
            signing_key:
              description: The descriptor's signing key (base64), null before it was made.
              type: str
            revision_counter:
              description: Its revision counter, or null.
              type: int
            hsdirs:
              description: How many HSDirs are responsible for it.
              type: int
            uploaded:
              description: How many of them have taken it.
              type: int
            failed:
              description: How many have refused it, or did not answer.
              type: int
        instances:
          description: Its backends.
          type: list
          elements: dict
          contains:
            name:
              description: The backend as C(host/daemon).
              type: str
            address:
              description: Its address.
              type: str
            state:
              description: V(up), V(down), V(drained) or V(unknown).
              type: str
            known:
              description: Whether enough came of it to list it or not.
              type: bool
            listed:
              description: Whether the descriptor lists it.
              type: bool
            listed_keys:
              description: Keys of its introduction points in the descriptor (base64).
              type: list
              elements: str
            since:
              description: Since when it is in this state, seconds since the epoch, or null.
              type: float
            last_answer_seconds:
              description: How long its last answer to a probe took, or null.
              type: float
            failures:
              description: Failed probes in a row.
              type: int
    started:
      description: Since when it runs, seconds since the epoch.
      type: float
    loaded:
      description: SHA-256 of the configuration that it loaded, in hexadecimal, or null.
      type: str
    tor:
      description: Its tor.
      type: dict
      contains:
        connected:
          description: Whether its control socket answers.
          type: bool
        consensus:
          description: Whether it has a consensus that is live.
          type: bool
    probes:
      description: Its probes of backends.
      type: dict
      contains:
        interval:
          description: Seconds between two probes of one backend.
          type: float
        per_minute:
          description: How many there are in all.
          type: float
        suspended:
          description: Whether its own Tor is suspected, so that no backend is left out.
          type: bool
error:
  description: Why there is no status, or what is wrong with the configuration; empty where nothing is.
  returned: always
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import publisher_files
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.publisher_status import read_status


def run(timeout: float) -> t.Dict[str, t.Any]:
    found: t.Dict[str, t.Any] = {"configured": [], "status": None}
    faults: t.List[str] = []
    for name, read in (
        ("configured", publisher_files.configured),
        ("status", lambda: read_status(locations.PUBLISHER_STATUS, timeout)),
    ):
        try:
            found[name] = read()
        except OnionfleetError as error:
            faults += error.faults
    return {**found, "error": "; ".join(faults)}


def main() -> None:
    module = AnsibleModule({"timeout": {"type": "int", "default": 5}}, supports_check_mode=True)
    with errors_fail(module):
        found = run(module.params["timeout"])
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
