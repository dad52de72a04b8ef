# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import pathlib
import socket
import stat

import pytest
from onionfleet_publisher import outlets


def test_one_answer_for_each_connection_also_after_a_crash(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "status.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))

    async def run() -> list[bytes]:
        answers = iter(["one\n", "two\n"])
        server = await outlets.serve(str(path), lambda: next(answers))
        found = []
        for _index in range(2):
            reader, writer = await asyncio.open_unix_connection(path)
            found.append(await reader.read())
            writer.close()
        server.close()
        return found

    assert asyncio.run(run()) == [b"one\n", b"two\n"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o660 if path.exists() else True


def test_a_file_is_replaced_as_a_whole(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.prom"
    outlets.replace(path, "old\n")
    before = path.open()
    outlets.replace(path, "new\n")
    assert (before.read(), path.read_text()) == ("old\n", "new\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def full(*_arguments: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fchmod", full)
    with pytest.raises(OSError, match="no space"):
        outlets.replace(path, "newer\n")
    assert [one.name for one in tmp_path.iterdir()] == ["metrics.prom"]


def test_systemd_is_told_where_it_asks(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    outlets.notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        outlets.notify("READY=1")
        assert systemd.recv(100) == b"READY=1"
    outlets.notify("STOPPING=1")
