# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thin client of tor's control port (control-spec) over a unix socket.

Lines go out and come back raw and in order: tor's lists of services repeat options and depend on their order.

* ControlPort: authenticates, sends commands, keeps events apart from replies
* ControlError: tor refused a command
* ControlUnreachable: there is no talking to tor (no socket, no permission, no answer in time)
* quote: a string as a QuotedString
"""

from __future__ import annotations

import collections
import hashlib
import hmac
import os
import re
import socket
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english
from ansible_collections.onionfleet.balance.plugins.module_utils._host.safe_open import open_file

_CLIENT_HASH_KEY = b"Tor safe cookie authentication controller-to-server hash"
_SERVER_HASH_KEY = b"Tor safe cookie authentication server-to-controller hash"
_CHALLENGED = re.compile(r"AUTHCHALLENGE SERVERHASH=(?P<hash>[0-9A-Fa-f]{64}) SERVERNONCE=(?P<nonce>[0-9A-Fa-f]{64})\Z")
_COOKIE_BYTES = 32
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class ControlError(OnionfleetError):
    """Tor refused a command: its status code (4xx or 5xx) and text."""

    def __init__(self, code: int, text: str, keyword: str = "command") -> None:
        super().__init__(f"tor refused {keyword}: {code} {text}")
        self.code = code
        self.text = text


class ControlUnreachable(OnionfleetError):
    """No conversation with tor over this socket."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"control socket {path}: {why}")


def quote(text: str) -> str:
    """A QuotedString (control-spec 2.1.1)."""
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'


class ControlPort:
    """An authenticated control connection.

    :param path: tor's control socket.
    :param timeout: seconds that tor may take for one reply.
    :raises ControlUnreachable: nothing listens there, or we may not talk to it.
    """

    def __init__(self, path: str, *, timeout: float = 10.0) -> None:
        self._path = path
        self._timeout = timeout
        self._buffer = bytearray()
        self._lines: list[str] = []
        self._data: list[str] | None = None
        self._events: collections.deque[str] = collections.deque()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
            self._authenticate()
        except OSError as error:
            self.close()
            raise ControlUnreachable(
                path, f"{in_english(error)}; is its tor running, and are we root?"
            ) from error
        except OnionfleetError:
            self.close()
            raise

    def __enter__(self) -> ControlPort:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def command(self, line: str) -> list[str]:
        """Send one command line; the reply's lines without status codes, a data block joined to its line by newlines.

        :raises ControlError: tor refused it.
        :raises ControlUnreachable: no answer in time.
        """
        keyword = line.split(" ", 1)[0]
        if "\n" in line or "\r" in line:
            raise ValueError(f"{keyword}: a command is one line")
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(line.encode("utf-8", "surrogateescape") + b"\r\n")
        except OSError as error:
            raise ControlUnreachable(self._path, str(error)) from error
        code, lines = self._reply(keyword)
        if code >= 400:
            raise ControlError(code, lines[-1], keyword)
        return lines

    def getinfo(self, key: str) -> str:
        """The value of one GETINFO key, without a newline at either end.

        :raises ControlError: tor does not know the key (552) or has no answer.
        """
        return self.command("GETINFO " + key)[0].partition("=")[2].strip("\n")

    def getconf(self, *keys: str) -> list[tuple[str, str | None]]:
        """Options and values as tor lists them; None where an option has its default and tor names no value."""
        pairs = (line.partition("=") for line in self.command("GETCONF " + " ".join(keys)))
        return [(key, value if equals else None) for key, equals, value in pairs]

    def setconf(self, pairs: t.Sequence[tuple[str, str | None]]) -> None:
        """Set options together and in this order; None brings an option back to its default.

        :raises ControlError: tor refused them, and changed nothing.
        """
        self.command(
            " ".join(["SETCONF"] + [key if value is None else key + "=" + quote(value) for key, value in pairs])
        )

    def signal(self, name: str) -> None:
        self.command("SIGNAL " + name)

    def subscribe(self, *events: str) -> None:
        """Receive these events from now on, and no others."""
        self.command(" ".join(("SETEVENTS",) + events))

    def next_event(self, timeout: float) -> str | None:
        """The next event without its code, lines joined by newlines (a data block's closing OK left out).

        :param timeout: seconds to wait; afterwards None.
        :raises ControlUnreachable: tor closed the connection.
        """
        deadline = time.monotonic() + timeout
        while not self._events:
            message = self._message(deadline)
            if message is None:
                return None
            self._keep_event(*message)
        return self._events.popleft()

    def _reply(self, keyword: str) -> tuple[int, list[str]]:
        deadline = time.monotonic() + self._timeout
        while True:
            message = self._message(deadline)
            if message is None:
                # A reply that comes late would be taken for the next command's.
                self.close()
                raise ControlUnreachable(self._path, f"no answer to {keyword} in {self._timeout:g} s")
            if not self._keep_event(*message):
                return message

    def _keep_event(self, code: int, lines: list[str]) -> bool:
        if code // 100 != 6:
            return False
        self._events.append("\n".join(lines[:-1] if len(lines) > 1 and lines[-1] == "OK" else lines))
        return True

    def _message(self, deadline: float) -> tuple[int, list[str]] | None:
        """One whole reply or event, or None at the deadline; what came of it so far waits for the next call."""
        while True:
            line = self._line(deadline)
            if line is None:
                return None
            if self._data is not None:
                if line != ".":
                    self._data.append(line[1:] if line.startswith(".") else line)
                    continue
                self._lines[-1], self._data = "\n".join(self._data), None
                continue
            if not re.match(r"\d{3}[-+ ]", line):
                raise ControlUnreachable(self._path, "what answers there does not speak tor's control protocol")
            self._lines.append(line[4:])
            if line[3] == "+":
                self._data = [line[4:]]
            elif line[3] == " ":
                lines, self._lines = self._lines, []
                return int(line[:3]), lines

    def _line(self, deadline: float) -> str | None:
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                received = self._socket.recv(65536)
            except socket.timeout:
                return None
            except OSError as error:
                raise ControlUnreachable(self._path, str(error)) from error
            if not received:
                raise ControlUnreachable(self._path, "tor closed the connection")
            self._buffer += received
        end = self._buffer.index(b"\n")
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        return line.decode("utf-8", "surrogateescape")

    def _authenticate(self) -> None:
        methods = re.search(r"^AUTH METHODS=(\S+)", "\n".join(self.command("PROTOCOLINFO 1")), re.MULTILINE)
        offered = methods.group(1).split(",") if methods else []
        if "NULL" in offered:
            self.command("AUTHENTICATE")
        elif "SAFECOOKIE" in offered:
            self._authenticate_by_cookie(self._cookie())
        else:
            raise ControlUnreachable(self._path, "tor offers no safe cookie; set CookieAuthentication 1 for it")

    def _cookie(self) -> bytes:
        """From beside the socket, where Debian's tors have it.

        The other side says where it is, too. That does not count: root would open any file for it.
        """
        path = self._path + ".authcookie"
        try:
            with os.fdopen(open_file(path, os.O_RDONLY), "rb") as stream:
                cookie = stream.read(_COOKIE_BYTES + 1)
        except OSError as error:
            raise ControlUnreachable(self._path, f"{path}: {in_english(error)}") from error
        except OnionfleetError as error:
            raise ControlUnreachable(self._path, str(error)) from error
        if len(cookie) != _COOKIE_BYTES:
            raise ControlUnreachable(self._path, f"{path}: is no cookie of tor's, which has {_COOKIE_BYTES} bytes")
        return cookie

    def _authenticate_by_cookie(self, cookie: bytes) -> None:
        """Prove to know the cookie, once the other side has proved it; the cookie itself stays here."""
        nonce = os.urandom(32)
        answer = _CHALLENGED.match(self.command("AUTHCHALLENGE SAFECOOKIE " + nonce.hex())[0])
        if answer is None:
            raise ControlUnreachable(self._path, "what answers there does not answer the challenge as tor does")
        message = cookie + nonce + bytes.fromhex(answer["nonce"])
        expected = hmac.new(_SERVER_HASH_KEY, message, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, answer["hash"].lower()):
            raise ControlUnreachable(self._path, "what answers there does not know tor's cookie")
        self.command("AUTHENTICATE " + hmac.new(_CLIENT_HASH_KEY, message, hashlib.sha256).hexdigest())
