# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What plugins say that only the roles and playbooks of this collection call."""

    DOCUMENTATION = r"""
options: {}
notes:
  - Internal to the roles and playbooks of this collection. Its options and what it returns may change with any version.
"""
