# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status socket: its state, for readers that may open it."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import threading
from collections.abc import Callable


def serve(path: pathlib.Path, answer: Callable[[], str]) -> None:
    """Answer each connection to a unix socket with one text, in a thread. A socket of a former process is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o660)
    listener.listen()

    def run() -> None:
        while True:
            connection, _peer = listener.accept()
            with contextlib.suppress(OSError), connection:
                connection.settimeout(10)
                connection.sendall(answer().encode())

    threading.Thread(target=run, daemon=True).start()
