# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: compromise
short_description: What the loss of a host to somebody else means, and what to do
version_added: "0.1.0"
description:
  - Tells which services lost their key with hosts, which did not, and the steps in their order.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
positional: hosts, probe_hosts
options:
  _input:
    description: The services of the plan.
    type: dict
    required: true
  hosts:
    description: The hosts that somebody else has, or may have, taken over.
    type: list
    elements: str
    required: true
  probe_hosts:
    description: C(probe_hosts) of the plan.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Tell it
  onionfleet.balance.show:
    text: "{{ plan.services | onionfleet.balance.compromise(['web2']) }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: str
"""

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.compromise import compromise
from ansible_collections.onionfleet.balance.plugins.plugin_utils._errors import as_filter


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Any]:
        """Name it."""
        return {"compromise": as_filter(compromise)}
