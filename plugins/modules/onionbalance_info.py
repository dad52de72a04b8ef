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
  description:
    - The services of its configuration, with C(name) and C(instances) (C(name), C(address), C(drained)). An address that
      is none is null.
  returned: always
  type: list
  elements: dict
status:
  description: What the running publisher says, or null.
  returned: always
  type: dict
  contains:
    services:
      description:
        - For each service its C(name), C(address) and C(introduction_points), its C(descriptors) with C(signing_key),
          C(revision_counter), C(hsdirs), C(uploaded) and C(failed), and its C(instances) with C(state) (V(up), V(down),
          V(drained) or V(unknown)), C(known) (whether enough came of it to list it or not), C(listed), C(listed_keys),
          C(since), C(last_answer_seconds) and C(failures).
      type: list
      elements: dict
    started:
      description: Since when it runs, seconds since the epoch.
      type: float
    loaded:
      description: SHA-256 of the configuration that it loaded, in hexadecimal.
      type: str
    tor:
      description: Whether its tor is C(connected) and has a C(consensus).
      type: dict
    probes:
      description: The C(interval) between two probes of one backend in seconds, how many there are C(per_minute) in all,
        and whether they are C(suspended), because the publisher's own Tor is suspected.
      type: dict
error:
  description: Why there is no status, or what is wrong with the configuration; empty where nothing is.
  returned: always
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils import _files, _layout, _onionbalance
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._publisher_status import read_status


def run(timeout: float) -> t.Dict[str, t.Any]:
    found: t.Dict[str, t.Any] = {"configured": [], "status": None}
    faults: t.List[str] = []
    for name, read in (("configured", _configured), ("status", lambda: read_status(_layout.PUBLISHER_STATUS, timeout))):
        try:
            found[name] = read()
        except OnionfleetError as error:
            faults += error.faults
    return {**found, "error": "; ".join(faults)}


def _configured() -> t.List[t.Dict[str, t.Any]]:
    text = _files.read_text(_layout.PUBLISHER_CONFIG)
    if text is None:
        raise OnionfleetError(f"{_layout.PUBLISHER_CONFIG}: is not there; deploy the publisher")
    return _onionbalance.parse(text)


def main() -> None:
    module = AnsibleModule({"timeout": {"type": "int", "default": 5}}, supports_check_mode=True)
    try:
        found = run(module.params["timeout"])
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'the host'}: {error.strerror}")
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
