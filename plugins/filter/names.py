# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: names
short_description: Names that an operator gives to a playbook
version_added: "0.1.0"
description:
  - Takes a list, or names with commas between, as C(-e) gives them. Spaces around a name do not matter.
extends_documentation_fragment: [onionfleet.balance.internal]
author:
  - The onionfleet.balance developers (@onionfleet)
positional: variable
options:
  _input:
    description: A list of names, or a text.
    type: raw
    required: true
  variable:
    description: The name of the variable, for the fault where it holds something else.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show whom it concerns
  ansible.builtin.debug:
    msg: "{{ 'web1, web2' | onionfleet.balance.names('onion_compromised') }}"
"""

RETURN = r"""
_value:
  description: The names, each once.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.names import names
from ansible_collections.onionfleet.balance.plugins.plugin_utils._errors import as_filter


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Any]:
        """Name it."""
        return {"names": as_filter(names)}
