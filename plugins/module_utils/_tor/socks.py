# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks an onion service for a page, or for a connection, through tor's SOCKS port on a unix socket.

Overview::

  Target        what to ask for and what answer to expect
  Answer        what came back, how fast, or why not
  ask           one request over a circuit of its own
  DEFAULT_PORTS ports of the schemes that have one
  ProbeError    why one request failed, in a few words that are the same each time
"""

from __future__ import annotations

import dataclasses
import http.client
import re
import secrets
import socket
import ssl
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english

_BODY_LIMIT = 65536
_WORDS = 200  # characters
DEFAULT_PORTS = {"http": 80, "https": 443}
# RFC 1928, section 6; from 0xF0 on, tor's own (proposal 304), which need ExtendedErrors on the SocksPort.
_REFUSALS = {
    0x01: "tor could not connect (perhaps nothing listens on the target of the service)",
    0x02: "tor's configuration forbids it",
    0x03: "network unreachable",
    0x04: "service unreachable (no introduction or rendezvous, or client authorization)",
    0x05: "the service refused the connection (nothing listens on its target, or it has no such port)",
    0x06: "timeout in tor",
    0xF0: "descriptor not found",
    0xF1: "descriptor invalid",
    0xF2: "introduction failed",
    0xF3: "rendezvous failed",
    0xF4: "client authorization missing",
    0xF5: "client authorization wrong",
    0xF6: "invalid address",
    0xF7: "introduction timed out",
}


class ProbeError(OnionfleetError):
    """One request failed."""


@dataclasses.dataclass(frozen=True)
class Target:
    """What to ask for.

    :param scheme: "http", "https" or "tcp".
    :param status: accepted status codes of HTTP; empty for any below 400.
    :param contains: text that the answer has to contain, or empty.
    :param send: text to send over a tcp connection, or empty.
    :param capture: regular expression with one group, searched in headers and body, or empty.
    :param verify: whether a certificate has to be valid for the address.
    """

    address: str
    port: int
    scheme: str = "http"
    path: str = "/"
    status: t.Sequence[int] = ()
    contains: str = ""
    send: str = ""
    capture: str = ""
    verify: bool = False


@dataclasses.dataclass(frozen=True)
class Answer:
    """One request's outcome; error is empty where the expected answer came."""

    seconds: float
    error: str = ""
    body: bytes = b""
    answered_by: str | None = None


def ask(socks: str, target: Target, *, timeout: float) -> Answer:
    """Ask once, isolated from every other circuit.

    :param socks: path of tor's SOCKS socket.
    :param timeout: seconds until the connection is there, and again for each piece of the answer.
    :raises OnionfleetError: there is no such socket; whatever goes wrong behind it is in the answer.
    """
    start = time.monotonic()
    head, body, error = "", b"", ""
    try:
        with _connect(socks, target.address, target.port, timeout) as stream:
            head, body = _exchange(stream, target, start + timeout)
        _check(target, head, body)
    except ProbeError as refused:
        error = str(refused)
    except (socket.timeout, TimeoutError):
        error = "timeout"
    except ssl.SSLError as failed:
        error = f"TLS: {failed.reason or failed}"
    except (OSError, http.client.HTTPException) as failed:
        error = f"connection broken ({failed or type(failed).__name__})"
    found = re.search(target.capture, head + body.decode("utf-8", "replace")) if target.capture and not error else None
    # the service chose these words
    return Answer(time.monotonic() - start, error[:_WORDS], body, (found.group(1) or "")[:_WORDS] if found else None)


def _connect(path: str, host: str, port: int, timeout: float) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.settimeout(timeout)
        try:
            stream.connect(path)
        except OSError as error:
            raise OnionfleetError(
                f"SOCKS socket {path}: {in_english(error)}; does its tor have this SocksPort?"
            ) from error
        _negotiate(stream, host, port)
    except BaseException:
        stream.close()
        raise
    return stream


def _negotiate(stream: socket.socket, host: str, port: int) -> None:
    """SOCKS 5 (RFC 1928) with a user name (RFC 1929) used once, which gives the stream circuits of its own."""
    stream.sendall(b"\x05\x01\x02")
    if _receive(stream, 2) != b"\x05\x02":
        raise ProbeError("this is not tor's SOCKS socket")
    user = secrets.token_hex(16).encode()
    stream.sendall(b"\x01" + bytes([len(user)]) + user + b"\x01x")
    _receive(stream, 2)
    name = host.encode("ascii", "replace")
    stream.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
    reply = _receive(stream, 4)
    if reply[1]:
        raise ProbeError(_REFUSALS.get(reply[1], f"tor's SOCKS error {reply[1]:#04x}"))
    _receive(stream, {1: 4, 4: 16}.get(reply[3]) or _receive(stream, 1)[0])
    _receive(stream, 2)


def _receive(stream: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        chunk = stream.recv(size - len(received))
        if not chunk:
            raise ProbeError("tor closed the SOCKS connection")
        received += chunk
    return received


def _exchange(stream: socket.socket, target: Target, deadline: float) -> tuple[str, bytes]:
    """Headers (empty for tcp) and the body's beginning."""
    stream.settimeout(max(deadline - time.monotonic(), 0.1))
    if target.scheme == "tcp":
        return "", _talk(stream, target, deadline)
    if target.scheme == "https":
        stream = _tls(stream, target)
    with stream:
        host = target.address if target.port == DEFAULT_PORTS[target.scheme] else f"{target.address}:{target.port}"
        request = f"GET {target.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: onion_probe\r\nConnection: close\r\n\r\n"
        stream.sendall(request.encode("utf-8"))
        response = http.client.HTTPResponse(stream, method="GET")
        response.begin()
        if not (response.status in target.status if target.status else response.status < 400):
            raise ProbeError(f"HTTP status {response.status}")
        return str(response.headers), response.read(_BODY_LIMIT)


def _tls(stream: socket.socket, target: Target) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    if not target.verify:
        # The address itself names the service's key, so a certificate adds nothing that tor has not checked.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(stream, server_hostname=target.address)


def _talk(stream: socket.socket, target: Target, deadline: float) -> bytes:
    if target.send:
        stream.sendall(target.send.encode("utf-8"))
    received = b""
    while target.contains.encode("utf-8") not in received and len(received) < _BODY_LIMIT:
        stream.settimeout(max(deadline - time.monotonic(), 0.1))
        chunk = stream.recv(4096)
        if not chunk:
            break
        received += chunk
    return received


def _check(target: Target, head: str, body: bytes) -> None:
    if target.contains and target.contains not in head + body.decode("utf-8", "replace"):
        raise ProbeError("the answer does not contain the expected text")
