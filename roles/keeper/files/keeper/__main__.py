# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -I -B DIRECTORY CONFIG` runs the keeper; --help tells its options.

The folder ansible_collections beside this file holds the collection's module_utils that it shares with the modules.
"""

from __future__ import annotations

import sys

from onionfleet_keeper.cli import main

sys.exit(main(sys.argv[1:]))
