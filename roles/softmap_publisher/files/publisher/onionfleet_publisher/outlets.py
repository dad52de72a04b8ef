# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the publisher tells its state: the status socket, the file of metrics, systemd."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import socket
import tempfile
from collections.abc import Callable


async def serve(path: str, answer: Callable[[], str]) -> asyncio.AbstractServer:
    """Answer each connection to a unix socket with one text. A socket that a former process left is replaced."""

    async def handle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            writer.write(answer().encode())
            await asyncio.wait_for(writer.drain(), 10)
        writer.close()

    server = await asyncio.start_unix_server(handle, path)
    pathlib.Path(path).chmod(0o660)
    return server


def replace(path: pathlib.Path, text: str) -> None:
    """Write a file that its readers never see in part, 0640."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(file.fileno(), 0o640)
            file.write(text)
        pathlib.Path(temporary).replace(path)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise


def notify(state: str) -> None:
    """Tell systemd, where it wants to know (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
