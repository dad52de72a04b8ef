# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The publisher's program as its hosts import it; Onionbalance and stem are the real packages."""

from __future__ import annotations

import pathlib
import sys

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "roles" / "softmap_publisher" / "files" / "publisher"
sys.path[:0] = [str(PROGRAM), str(pathlib.Path(__file__).parent)]
