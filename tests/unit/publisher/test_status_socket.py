# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import pathlib
import socket
import stat

from onionfleet_publisher import status_socket


def test_one_answer_for_each_connection_also_after_a_crash(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "status.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))

    async def run() -> list[bytes]:
        answers = iter(["one\n", "two\n"])
        server = await status_socket.serve(str(path), lambda: next(answers))
        found = []
        for _index in range(2):
            reader, writer = await asyncio.open_unix_connection(path)
            found.append(await reader.read())
            writer.close()
        server.close()
        return found

    assert asyncio.run(run()) == [b"one\n", b"two\n"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o660 if path.exists() else True
