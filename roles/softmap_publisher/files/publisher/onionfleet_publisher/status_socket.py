# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status socket: its state, for readers that may open it."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
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
