# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -I -B DIRECTORY` runs the publisher; --help tells its options."""

from __future__ import annotations

import sys

from onionfleet_publisher.cli import main

sys.exit(main(sys.argv[1:]))
