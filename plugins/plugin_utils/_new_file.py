# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller that appear whole or not at all, and never in the place of another one."""

from __future__ import annotations

import os
import tempfile


def create(path: str, content: bytes, mode: int) -> None:
    """Make a file appear.

    :raises FileExistsError: there is one already. :raises OSError: the disk refuses.
    """
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(os.path.abspath(path)), prefix=".") as handle:
        handle.write(content)
        handle.flush()
        os.fchmod(handle.fileno(), mode)
        os.fsync(handle.fileno())
        os.link(handle.name, path)
