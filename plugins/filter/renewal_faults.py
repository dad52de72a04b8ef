# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: renewal_faults
short_description: Why backends cannot get new keys now
version_added: "0.1.0"
description:
  - A backend can get a new key once all publishers of its service leave it out, so that no visitor is sent to it.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
positional: names, told
options:
  _input:
    description: The services of the plan.
    type: dict
    required: true
  names:
    description: The backends, as C(host/daemon).
    type: list
    elements: str
    required: true
  told:
    description: The results of M(onionfleet.balance.onionbalance_info), by host name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse what visitors still come to
  ansible.builtin.fail:
    msg: "{{ faults | join('\n') }}"
  when: faults | length > 0
  vars:
    faults: "{{ plan.services | onionfleet.balance.renewal_faults(['app1/archiveb1'], told) }}"
"""

RETURN = r"""
_value:
  description: A sentence for each reason; empty when they can.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.renewal import renewal_faults


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Any]:
        """Name it."""
        return {"renewal_faults": renewal_faults}
