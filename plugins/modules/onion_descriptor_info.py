#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_descriptor_info
short_description: Descriptors of onion services, on the HSDirs and in their own daemons
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - With O(addresses), reckons from a tor client's consensus which HSDirs are responsible for each service in the
    time period that clients use now, asks every one of them for the descriptor, and tells what each holds.
    That an HSDir has no descriptor, or does not answer, is a result and no error.
  - With O(daemons), asks tor daemons of this host for the descriptors that they made themselves and for their
    introduction circuits. By these one can tell whose descriptor an HSDir holds, which no descriptor says.
  - Descriptors are public. Introduction points are encrypted to whoever knows the address, or to authorized clients.
extends_documentation_fragment: [onionfleet.balance.attributes.read_only, onionfleet.balance.host.daemons]
requirements:
  - cryptography (with O(addresses); with O(daemons) only for RV(daemons[].services[].introduction_points))
options:
  addresses:
    description: Addresses of services, as in V(….onion).
    type: list
    elements: str
  control:
    description: Control socket of the tor client that asks the HSDirs.
    type: path
    default: /run/tor-instances/onionprobe/control
  credentials:
    description:
      - By a service's address, an authorized client's x25519 private key in base32, as C(.auth_private) files have it.
      - Without it, or where it is malformed, the introduction points of a service with
        client authorization are unknown.
      - Needs pipelining (C(ansible_pipelining=true)), or Ansible would write it to a file on the host.
    type: dict
    default: {}
  targets:
    description: With O(daemons), whether to look whether the targets of their services accept connections on this host.
    type: bool
    default: false
  timeout:
    description: Seconds that all HSDirs together may take to answer.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: See which descriptor each HSDir holds
  onionfleet.balance.onion_descriptor_info:
    addresses:
      - 2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion
  register: published

- name: See what the daemons of a replica made themselves
  onionfleet.balance.onion_descriptor_info:
    daemons: [newsroomw1, newsroomw2]
  register: own
"""

RETURN = r"""
period:
  description: The time period and hash ring that clients use now; only with O(addresses).
  returned: success
  type: dict
  contains:
    number:
      description: Number of the time period.
      type: int
    length:
      description: Its length in minutes.
      type: int
    random_value:
      description: Which shared random value of the consensus makes the hash ring, V(current) or V(previous).
      type: str
services:
  description: One entry per address, in their order; only with O(addresses).
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The service's address.
      type: str
    responsible:
      description: Number of responsible HSDirs.
      type: int
    held:
      description: How many of them hold a descriptor.
      type: int
    revision_counter:
      description: The highest revision counter among them, or null.
      type: int
    newest:
      description: How many hold that one.
      type: int
    hsdirs:
      description: What each responsible HSDir answered.
      type: list
      elements: dict
      contains:
        fingerprint:
          description: The relay.
          type: str
        replica:
          description: Which replica of the descriptor it stores, from 1.
          type: int
        held:
          description: Whether it holds a descriptor.
          type: bool
        error:
          description: Why there is none, in tor's words (as V(NOT_FOUND)), or V(TIMEOUT); null if there is one.
          type: str
        revision_counter:
          description: Its revision counter; a number that grows, from which no time can be read.
          type: int
        blinded_key:
          description: The service's public key in the time period of the descriptor (base64); the same on all HSDirs.
          type: str
        signing_key:
          description: The descriptor's signing key (base64), which its daemon made for it and keeps over its uploads.
          type: str
        age_hours:
          description: Whole hours since it was made, 0 for less than one or two.
          type: int
        introduction_points:
          description: Fingerprints of the introduction points' relays, or null where a credential is missing.
          type: list
          elements: str
        introduction_keys:
          description: >-
            Their authentication keys (base64), by which a backend is known in a publisher's descriptor; or null.
          type: list
          elements: str
daemons:
  description: One entry per daemon, in their order; only with O(daemons).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The daemon's name.
      type: str
    error:
      description: Why it does not answer, or null.
      type: str
    services:
      description: Its services.
      type: list
      elements: dict
      contains:
        address:
          description: The service's address.
          type: str
        directory:
          description: The name of its folder in the daemon's data directory.
          type: str
        revision_counter:
          description: The revision counter of the descriptor that it last made, or null.
          type: int
        blinded_key:
          description: The service's public key in the time period of that descriptor (base64), or null.
          type: str
        signing_key:
          description:
            - That descriptor's signing key (base64), or null.
            - During half of each period clients use the daemon's other descriptor, which tor does not show.
          type: str
        introduction_points:
          description: Relays of that descriptor's introduction points, or null where they cannot be decrypted.
          type: list
          elements: str
        introduction_keys:
          description: Their authentication keys (base64), or null.
          type: list
          elements: str
        introduction_circuits:
          description: The last relays of all introduction circuits, of both descriptors.
          type: list
          elements: str
        silent_targets:
          description: Targets that accept no connection, each with why; empty without O(targets).
          type: list
          elements: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import HAS_CRYPTOGRAPHY
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.published import held_by_hsdirs, made_by_daemons


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str"},
            "daemons": {"type": "list", "elements": "str"},
            "control": {"type": "path", "default": "/run/tor-instances/onionprobe/control"},
            "credentials": {"type": "dict", "default": {}, "no_log": True},
            "targets": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 60},
        },
        mutually_exclusive=[("addresses", "daemons")],
        required_one_of=[("addresses", "daemons")],
        supports_check_mode=True,
    )
    wanted = module.params
    if wanted["addresses"] and not HAS_CRYPTOGRAPHY:
        module.fail_json(msg=missing_required_lib("cryptography"))
    with errors_fail(module):
        if wanted["daemons"] is not None:
            found = {"daemons": made_by_daemons(wanted["daemons"], wanted["credentials"], targets=wanted["targets"])}
        else:
            found = held_by_hsdirs(
                wanted["addresses"], wanted["control"], credentials=wanted["credentials"], timeout=wanted["timeout"]
            )
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
