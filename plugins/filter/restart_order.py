# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: restart_order
short_description: Order the restarts of a fleet
version_added: "0.1.0"
description:
  - Turns the actions that M(onionfleet.balance.tor_instances) returned on each host into one list of restarts.
  - The daemons whose descriptor is the latest of their service come last.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
options:
  _input:
    description: The actions, by host name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show who would restart when
  ansible.builtin.debug:
    msg: "{{ {'web1': written.actions} | onionfleet.balance.restart_order }}"
"""

RETURN = r"""
_value:
  description: A C(host) and its C(action) for each restart, in order.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.restarts import restart_order


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Any]:
        """Name it."""
        return {"restart_order": restart_order}
