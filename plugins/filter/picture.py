# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: picture
short_description: Draw the fleet
version_added: "0.1.0"
description:
  - Draws the services with their addresses, publishers, replicas or backends and hosts, from the plan or from a status.
    From a status it also tells who publishes now, what stands by and what is dead.
  - More than four hosts of a service that are alike are drawn as one box; workers are counted.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
positional: format
options:
  _input:
    description:
      - C(services) of the plan, which M(onionfleet.balance.plan) returns.
      - Or what P(onionfleet.balance.fleet_status#filter) returned, which is what the JSON report of role
        P(onionfleet.balance.verify#role) holds.
    type: dict
    required: true
  format:
    description:
      - V(mermaid) is for Mermaid, V(markdown) the same in a code block, as code hosts draw it.
      - V(dot) is for the program C(dot) of Graphviz.
    type: str
    choices: [mermaid, markdown, dot]
    default: mermaid
  redact:
    description: >-
      Whether to number hosts and daemons and to leave out addresses and texts of errors. The names of services stay.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Draw the plan
  ansible.builtin.copy:
    content: "{{ fleet.services | onionfleet.balance.picture('dot') }}"
    dest: fleet.dot
    mode: "0600"
  delegate_to: localhost
  run_once: true

- name: Draw what a verification reported, to show it around
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'report.json') | from_json | onionfleet.balance.picture(redact=true) }}"
"""

RETURN = r"""
_value:
  description: The source of the picture.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.onionfleet.balance.plugins.plugin_utils._picture.drawing import FORMATS
from ansible_collections.onionfleet.balance.plugins.plugin_utils._picture.picture import picture_of


def picture(source: t.Mapping[str, t.Any], format: str = "mermaid", redact: bool = False) -> str:
    """The plan's services, or a status, drawn in a format."""
    if format not in FORMATS:
        raise AnsibleFilterError(f"{format!r} is no format of a picture; use one of {', '.join(FORMATS)}")
    return FORMATS[format](picture_of(source, redact))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Any]:
        """Name it."""
        return {"picture": picture}
