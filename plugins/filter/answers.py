# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: answers
short_description: What was registered on each host that has it
version_added: "0.1.0"
description:
  - Gathers one variable of many hosts, by host. A host that does not have it, since it is lost, say, is left out.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
positional: hostvars, names
options:
  _input:
    description: The hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: Variables of all hosts. No other one is looked at; templating whole hosts would take minutes.
    type: dict
    required: true
  names:
    description: Names of the variable. Of several, the last one that a host has counts.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what keepers answered
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts | onionfleet.balance.answers(hostvars, 'kept') }}"
"""

RETURN = r"""
_value:
  description: The values, by host name.
  type: dict
"""

import typing as t


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Any]:
        """Name it."""
        return {"answers": answers}


def answers(hosts: t.Iterable[str], hostvars: t.Mapping[str, t.Mapping[str, t.Any]], *names: str) -> dict[str, t.Any]:
    """Host -> the last of these variables that it has; hosts that have none are left out."""
    found = {}
    for host in hosts:
        variables = hostvars[host]
        for name in reversed(names):
            if name in variables:
                found[host] = variables[name]
                break
    return found
