# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import pathlib
import socket
import threading


class FakeTor:
    """A control port over a unix socket that knows services and whether it publishes; notes every SETCONF."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.path = str(folder / "control")
        self.services = ["HiddenServiceDir=/var/lib/a", "HiddenServicePort=80 unix:/run/a.sock"]
        self.publishes, self.sandbox, self.info, self.commands = "1", "0", {}, []
        self.connections: list[socket.socket] = []
        self.held: dict[str, str] = {}  # what an HSDir answers: a descriptor, or the reason why not
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def say(self, line: str) -> None:
        for connection in self.connections:
            with contextlib.suppress(OSError):  # a client that has gone
                connection.sendall(line.encode() + b"\r\n")

    def hang_up(self) -> None:
        for connection in self.connections:
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.connections.clear()

    def _accept(self) -> None:
        while True:
            connection, _peer = self._listener.accept()
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            for line in connection.makefile(encoding="utf-8", newline="\r\n"):
                connection.sendall(self._answer(line.rstrip("\r\n")).encode())
        except OSError:
            pass

    def _answer(self, line: str) -> str:
        word, _space, rest = line.partition(" ")
        if word == "PROTOCOLINFO":
            return '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250 OK\r\n'
        if word == "GETCONF":
            known = {"PublishHidServDescriptors": self.publishes, "Sandbox": self.sandbox}
            found = [f"{rest}={known[rest]}"] if rest in known else self.services
            return "".join(f"250{'-' if one is not found[-1] else ' '}{one}\r\n" for one in found)
        if word == "GETINFO" and "\n" in self.info.get(rest, ""):
            lines = "\r\n".join(self.info[rest].splitlines())
            return f"250+{rest}=\r\n{lines}\r\n.\r\n250 OK\r\n"
        if word == "GETINFO":
            return f"250-{rest}={self.info[rest]}\r\n250 OK\r\n" if rest in self.info else "552 no such thing\r\n"
        if word == "SETCONF":
            self._set(rest)
        if word == "HSFETCH":
            return "250 OK\r\n" + self._fetched(*rest.split(" SERVER=$"))
        return "250 OK\r\n"

    def _fetched(self, label: str, hsdir: str) -> str:
        answer = self.held.get(hsdir, "NOT_FOUND")
        if "\n" not in answer:
            return f"650 HS_DESC FAILED {label} NO_AUTH ${hsdir}~x id REASON={answer}\r\n"
        lines = "\r\n".join(answer.splitlines())
        return f"650+HS_DESC_CONTENT {label} id ${hsdir}~x\r\n{lines}\r\n.\r\n650 OK\r\n"

    def _set(self, rest: str) -> None:
        pairs = [part.split('="', 1) for part in rest.rstrip('"').split('" ')]
        self.commands.append(list(map(tuple, pairs)))
        self.publishes = dict(pairs).get("PublishHidServDescriptors", self.publishes)
        services = [f"{key}={value}" for key, value in pairs if key.startswith("Hidden")]
        self.services = services or self.services
