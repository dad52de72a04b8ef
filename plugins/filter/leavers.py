# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: leavers
short_description: What hosts have and the plan has not
version_added: "0.1.0"
description:
  - Compares what M(onionfleet.balance.onion_host_info) found on each host with the plan.
  - What belongs to a service of the declaration and is not in the plan leaves when somebody retires it, because its
    host left a group, there are fewer workers, the layout is another one, or the service is absent.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
positional: plan
options:
  _input:
    description: The results of M(onionfleet.balance.onion_host_info), by host name.
    type: dict
    required: true
  plan:
    description: The result of M(onionfleet.balance.plan).
    type: dict
    required: true
  only:
    description: >-
      Names of the services to look at. By default all, and what is left of hosts that serve nothing any more.
    type: list
    elements: str
  undeclared:
    description: Whether services leave that the declaration does not know.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what would be retired
  ansible.builtin.debug:
    msg: "{{ {'web1': found} | onionfleet.balance.leavers(fleet) }}"
"""

RETURN = r"""
_value:
  description:
    - C(hosts), for each host what M(onionfleet.balance.onion_retire) takes; hosts where nothing leaves are not listed.
    - C(services), for each service the C(replicas) and C(backends), as C(host/daemon),
      and the C(publishers) that leave.
    - C(orphans), services that nobody declares; C(hints), on hosts that could not be looked at.
    - C(switching), the services whose other layout is there; C(faults), why a deployment, the switch or the removal is
      refused, by C(deploy), C(switch) and C(retire).
  type: dict
"""

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.leavers import find_leavers


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Any]:
        """Name it."""
        return {"leavers": find_leavers}
