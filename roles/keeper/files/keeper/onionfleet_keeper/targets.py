# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the service's targets on this host answer?

    answer(groups, timeout)     for each port of the service, at least one of its targets accepts a connection
"""

from __future__ import annotations

import socket
from collections.abc import Sequence


def answer(groups: Sequence[Sequence[str]], timeout: float = 3.0) -> bool:
    return all(any(_accepts(target, timeout) for target in group) for group in groups)


def _accepts(target: str, timeout: float) -> bool:
    """`target` is "unix:PATH", "ADDRESS:PORT" or "[ADDRESS]:PORT"."""
    try:
        if target.startswith("unix:"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout)
                connection.connect(target[len("unix:"):])
        else:
            host, _colon, port = target.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), timeout).close()
    except (OSError, ValueError):
        return False
    return True
