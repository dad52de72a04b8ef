# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: with_addresses
short_description: Give a publisher the addresses of its backends
version_added: "0.1.0"
description:
  - Adds to the backends in a publisher's part of the plan the addresses that their tors made.
  - Of a backend that was not looked at, or is lost, it takes the address that a publisher is configured with.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
positional: own, configured, planned
options:
  _input:
    description: C(publisher.services) of a host's slice of the plan.
    type: list
    elements: dict
    required: true
  own:
    description: The results of M(onionfleet.balance.onion_descriptor_info) for the daemons of backends, by host name.
    type: dict
    required: true
  configured:
    description: The results of M(onionfleet.balance.onionbalance_info), by host name.
    type: dict
    required: true
  planned:
    description: All C(services) of the plan. A publisher is believed about those that it publishes.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What the publisher is to publish
  ansible.builtin.set_fact:
    publisher_services: >-
      {{ slice.publisher.services | onionfleet.balance.with_addresses(own, configured, plan.services) }}
"""

RETURN = r"""
_value:
  description: The services, as M(onionfleet.balance.onionbalance_config) takes them.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.backend_addresses import with_addresses


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Any]:
        """Name it."""
        return {"with_addresses": with_addresses}
