#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Work out what each host of the fleet runs
version_added: "0.1.0"
description:
  - Reads the declaration of the onion services and the inventory, and returns what each host has to run.
  - Refuses every fault of the declaration at once, on the controller, before any host is touched.
  - Reads the variables C(onion_services), C(onion_daemon_options), C(onion_daemons), C(onion_network_options),
    C(onion_probe_hosts), C(onion_publisher), C(onion_keeper), C(onion_drained) and C(onion_keys_dir) of the host it
    runs for, C(onion_client_credentials), of whose keys the format is looked at where they can be read, and
    C(onion_targets) of each host.
  - The field C(secret_key) of a service is never evaluated, so that no vault or secret store needs to be open.
author:
  - The onionfleet.balance developers (@onionfleet)
extends_documentation_fragment: [onionfleet.balance.attributes.read_only]
options:
  keys_required:
    description:
      - Whether a present service without a key is a fault, in check mode, too.
      - Otherwise it is planned without an address.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Work out the plan
  onionfleet.balance.plan:
  run_once: true
  register: fleet

- name: Show what this host runs
  ansible.builtin.debug:
    var: fleet.hosts[inventory_hostname]
"""

RETURN = r"""
hosts:
  description: The slice of each host, by host name.
  returned: success
  type: dict
  contains:
    daemons:
      description: The tor daemons, as M(onionfleet.balance.tor_instances) takes them.
      type: list
      elements: dict
    publisher:
      description: The C(services) that it publishes and the C(settings) of its publisher; null where it publishes none.
      type: dict
    keeper:
      description: The configuration of its keeper; null where it has none.
      type: dict
    packages:
      description: The Debian packages that it takes.
      type: list
      elements: str
    probe:
      description: Whether pages are fetched from this host to verify the services.
      type: bool
services:
  description: >-
    What each service is, by name. Layout, state, address, replicas, backends, publishers,
    ports, pow, keeper, restricted, single_hop, lower_protection.
  returned: success
  type: dict
probe_hosts:
  description: The hosts that verify the services through Tor.
  returned: success
  type: list
  elements: str
hints:
  description: What is allowed, but likely not meant.
  returned: success
  type: list
  elements: str
"""
