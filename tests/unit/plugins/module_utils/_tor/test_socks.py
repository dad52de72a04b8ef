# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request through SOCKS, against a SOCKS server and services played by threads."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import socks

PAGE = b"HTTP/1.1 200 OK\r\nX-Host: web1\r\nContent-Length: 20\r\n\r\n<p>served by web1</p>"


class FakeSocks(threading.Thread):
    """Takes any stream, answers with a SOCKS code, then with what its service says."""

    def __init__(self, directory, *, code=0, reply=PAGE, method=b"\x05\x02", delay=0.0):
        super().__init__(daemon=True)
        self.path = str(directory / "socks")
        self.code, self.reply, self.method, self.delay = code, reply, method, delay
        self.users, self.hosts, self.heard = [], [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.start()

    def run(self):
        while True:
            connection, _address = self.listener.accept()
            with connection:
                self.serve(connection)

    def serve(self, connection):
        if connection.recv(3) == b"\x05\x01\x02":
            connection.sendall(self.method)
        if self.method != b"\x05\x02":
            return
        length = connection.recv(2)[1]
        self.users.append(connection.recv(length))
        connection.recv(2)
        connection.sendall(b"\x01\x00")
        length = connection.recv(5)[4]
        self.hosts.append((connection.recv(length).decode(), int.from_bytes(connection.recv(2), "big")))
        connection.sendall(b"\x05" + bytes([self.code]) + b"\x00\x01" + bytes(6))
        if not self.code:
            time.sleep(self.delay)
            connection.settimeout(10)
            if self.reply is not None:
                # A client in a hurry is gone by now.
                with contextlib.suppress(OSError):
                    self.heard.append(connection.recv(4096))
                    connection.sendall(self.reply)


def target(**fields):
    return socks.Target(**{"address": "a.onion", "port": 80, **fields})


def test_http(tmp_path):
    server = FakeSocks(tmp_path)
    answer = socks.ask(server.path, target(path="/x?y", contains="served", capture=r"by (\w+)"), timeout=20)
    assert (answer.error, answer.answered_by, answer.body) == ("", "web1", b"<p>served by web1</p>"[:20])
    assert server.hosts == [("a.onion", 80)]
    request = server.heard[0]
    assert request.startswith(b"GET /x?y HTTP/1.1\r\nHost: a.onion\r\n")


def test_the_host_header_names_another_port(tmp_path):
    server = FakeSocks(tmp_path)
    socks.ask(server.path, target(port=81), timeout=20)
    assert b"Host: a.onion:81\r\n" in server.heard[0]


def test_words_of_a_service_are_short(tmp_path, monkeypatch):
    monkeypatch.setattr(socks, "_WORDS", 2)
    path = FakeSocks(tmp_path).path
    assert socks.ask(path, target(capture=r"X-Host: (\w+)"), timeout=20).answered_by == "we"
    assert socks.ask(path, target(contains="nowhere"), timeout=20).error == "th"


def test_capture_reads_headers(tmp_path):
    answer = socks.ask(FakeSocks(tmp_path).path, target(capture=r"X-Host: (\w+)"), timeout=20)
    assert answer.answered_by == "web1"


def test_every_request_is_isolated(tmp_path):
    server = FakeSocks(tmp_path)
    for _request in range(3):
        socks.ask(server.path, target(), timeout=20)
    assert len(set(server.users)) == 3


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (0xF0, "descriptor not found"),
        (0xF2, "introduction failed"),
        (0xF4, "client authorization missing"),
        (0xF7, "introduction timed out"),
        (0x99, "tor's SOCKS error 0x99"),
    ],
)
def test_refusals_are_said_in_words(tmp_path, code, error):
    assert socks.ask(FakeSocks(tmp_path, code=code).path, target(), timeout=20).error == error


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"contains": "elsewhere"}, "the answer does not contain the expected text"),
        ({"status": (404,)}, "HTTP status 200"),
        ({"status": (200,)}, ""),
    ],
)
def test_expectations(tmp_path, fields, error):
    answer = socks.ask(FakeSocks(tmp_path).path, target(capture="(web)", **fields), timeout=20)
    assert answer.error == error
    assert answer.answered_by == (None if error else "web"), "who gave a wrong answer did not answer"


def test_a_status_of_400_is_a_failure(tmp_path):
    server = FakeSocks(tmp_path, reply=b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n")
    assert socks.ask(server.path, target(), timeout=20).error == "HTTP status 502"


def test_a_long_body_is_cut(tmp_path):
    server = FakeSocks(tmp_path, reply=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100000)
    answer = socks.ask(server.path, target(), timeout=20)
    assert (answer.error, len(answer.body)) == ("", 65536)


@pytest.mark.parametrize(("reply", "error"), [(b"", "connection broken"), (b"rubbish\r\n\r\n", "connection broken")])
def test_broken_answers(tmp_path, reply, error):
    assert socks.ask(FakeSocks(tmp_path, reply=reply).path, target(), timeout=20).error.startswith(error)


def test_timeout(tmp_path):
    answer = socks.ask(FakeSocks(tmp_path, delay=30).path, target(), timeout=0.1)
    assert answer.error == "timeout"
    assert answer.seconds < 20


def test_tcp_is_answered_by_the_connection(tmp_path):
    server = FakeSocks(tmp_path, reply=None)
    assert socks.ask(server.path, target(scheme="tcp", port=22), timeout=20).error == ""
    assert server.hosts == [("a.onion", 22)]


def test_tcp_sends_and_expects(tmp_path):
    server = FakeSocks(tmp_path, reply=b"220 web1 ready")
    fields = {"scheme": "tcp", "send": "EHLO\r\n", "contains": "ready", "capture": r"220 (\w+)"}
    assert socks.ask(server.path, target(**fields), timeout=20).answered_by == "web1"
    assert server.heard == [b"EHLO\r\n"]
    answer = socks.ask(server.path, target(**{**fields, "contains": "never"}), timeout=20)
    assert answer.error == "the answer does not contain the expected text"


def test_https_needs_tls(tmp_path):
    assert socks.ask(FakeSocks(tmp_path).path, target(scheme="https", port=443), timeout=20).error.startswith("TLS: ")


def test_another_server(tmp_path):
    server = FakeSocks(tmp_path, method=b"\x05\xff")
    assert socks.ask(server.path, target(), timeout=20).error == "this is not tor's SOCKS socket"


def test_no_socket_is_an_error_of_ours(tmp_path):
    with pytest.raises(OnionfleetError, match="No such file"):
        socks.ask(str(tmp_path / "none"), target(), timeout=20)
