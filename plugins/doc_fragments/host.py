# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What modules say that run on hosts."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - Root, by C(become).
"""

    DAEMONS = r"""
options:
  daemons:
    description: Names of tor daemons (instances) on this host.
    type: list
    elements: str
"""
