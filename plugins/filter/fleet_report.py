# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_report
short_description: Gather the preflights of all hosts
version_added: "0.1.0"
description:
  - Turns the results of M(onionfleet.balance.preflight) of all hosts into one list of faults and one of hints.
  - Adds what no host sees alone, clocks that are more than 5 seconds apart between hosts that share a key.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
positional: services
options:
  _input:
    description: The registered results, by host name.
    type: dict
    required: true
  services:
    description: The services of the plan.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Stop before the first change
  ansible.builtin.fail:
    msg: "{{ report.faults | join('\n') }}"
  when: report.faults | length > 0
  vars:
    report: "{{ results | onionfleet.balance.fleet_report(fleet.services) }}"
"""

RETURN = r"""
_value:
  description: The C(faults) and the C(hints), a sentence each that begins with the host's or service's name.
  type: dict
"""

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.preflights import fleet_report


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Any]:
        """Name it."""
        return {"fleet_report": fleet_report}
