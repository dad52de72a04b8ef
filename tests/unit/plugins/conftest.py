# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A publisher's status socket that answers as it is told to."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
import time
import typing as t

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations

STATUS: dict[str, t.Any] = {
    "onionbalance": "0.2.4",
    "started": 1000.5,
    "loaded": "0" * 64,
    "tor": {"connected": True, "consensus": True},
    "services": [
        {
            "name": "archive",
            "address": "a.onion",
            "introduction_points": 6,
            "descriptors": [{"which": "first", "signing_key": "c2lnbmluZw==", "uploaded": 8}],
            "instances": [
                {"name": "app1/archiveb1", "address": "b.onion", "state": "up", "listed": True, "listed_keys": ["A"]}
            ],
        }
    ],
    "probes": {"interval": 20, "per_minute": 6, "suspended": False},
}


class Publisher:
    """Sends the ``pieces`` to whoever connects, ``pause`` seconds before each; hangs up unless it is to ``hang``."""

    usual = STATUS

    def __init__(self, path: str) -> None:
        self.path, self.pieces, self.pause, self.hang = path, [b""], 0.0, False
        self.ended = threading.Event()
        self.listener: socket.socket | None = None

    def says(self, **changes: t.Any) -> None:
        """Answer properly."""
        self.answers(json.dumps({**STATUS, **changes}).encode())

    def answers(self, *pieces: bytes, pause: float = 0, hang: bool = False) -> None:
        self.pieces, self.pause, self.hang = list(pieces), pause, hang
        if self.listener is None:
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(self.path)
            self.listener.listen(16)
            self.thread = threading.Thread(target=self._serve, args=(self.listener,), daemon=True)
            self.thread.start()

    def dies(self) -> None:
        """Leave the socket's file behind, as a killed process does."""
        if self.listener is not None:
            self.ended.set()
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.thread.join(5)
            self.listener.close()
            self.listener = None

    def _serve(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            for piece in self.pieces:
                time.sleep(self.pause)
                client.sendall(piece)
            if self.hang:
                self.ended.wait(30)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Publisher]:
    # short: a socket's path has 107 bytes at most
    folder = tempfile.mkdtemp(prefix="status")
    path = os.path.join(folder, "status.sock")
    monkeypatch.setattr(locations, "PUBLISHER_STATUS", path)
    made = Publisher(path)
    yield made
    made.dies()
    shutil.rmtree(folder)
