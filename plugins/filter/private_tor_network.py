# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: private_tor_network
short_description: Lay a private Tor network out over hosts
version_added: "0.1.0"
description:
  - Spreads directory authorities and relays over hosts and works out the options of each, for
    M(onionfleet.balance.tor_instances), and those of every other tor that is to use the network.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
options:
  _input:
    description: IPv4 address by host, in the order in which hosts get their share.
    type: dict
    required: true
  authorities:
    description: How many directory authorities.
    type: int
    default: 3
  relays:
    description: How many relays besides them.
    type: int
    default: 7
  base_port:
    description: The first port; the network takes one for each relay and two for each authority from there on.
    type: int
    default: 5000
  voting_interval:
    description: Seconds between two consensuses; must divide a day evenly.
    type: int
    default: 20
  first_voting_interval:
    description: As O(voting_interval), until there is a first consensus.
    type: int
    default: 20
  consensus_params:
    description: Parameters to vote for, by name. Unless it is among them, C(cbtmintimeout) is 2000.
    type: dict
    default: {}
  keys:
    description:
      - The C(v3ident) and C(fingerprint) of each authority, from M(onionfleet.balance.tor_authority_keys). Zeros stand
        for those that are not known yet.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what a host would run
  ansible.builtin.debug:
    var: network.hosts[inventory_hostname]
  vars:
    network: "{{ {'net1': '192.0.2.1', 'net2': '192.0.2.2'} | onionfleet.balance.private_tor_network(relays=5) }}"
"""

RETURN = r"""
_value:
  description:
    - C(hosts), by host the names of its C(authorities) and its C(daemons).
    - C(options), what every other tor needs.
  type: dict
"""

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._errors import as_filter
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.private_network import private_tor_network


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name it."""
        return {"private_tor_network": as_filter(private_tor_network)}
