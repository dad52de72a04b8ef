#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: show
short_description: Print a text as it is
version_added: "0.1.0"
description:
  - Prints a report of several lines for a person to read, which M(ansible.builtin.debug) would print as one line of
    JSON.
author:
  - The onionfleet.balance developers (@onionfleet)
extends_documentation_fragment: [onionfleet.balance.attributes.read_only, onionfleet.balance.internal]
options:
  text:
    description: What to print. Nothing is printed for an empty one.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Print the report
  onionfleet.balance.show:
    text: "{{ lookup('ansible.builtin.template', 'report.txt.j2') }}"
"""

RETURN = r""" # """
