# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control-port client, against a tor played by a thread."""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import threading

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import (
    ControlError,
    ControlPort,
    ControlUnreachable,
    quote,
)

SERVER_KEY = b"Tor safe cookie authentication server-to-controller hash"
CLIENT_KEY = b"Tor safe cookie authentication controller-to-server hash"


class FakeTor(threading.Thread):
    """Answers each command by its first words; keeps what it was told."""

    def __init__(self, directory, *, methods="NULL", cookie=b"", answers=None, forge=False):
        super().__init__(daemon=True)
        self.path = str(directory / "control")
        self.methods, self.cookie, self.forge = methods, cookie, forge
        self.answers = answers or {}
        self.heard = []
        self.cookie_file = directory / "control.authcookie"
        self.cookie_file.write_bytes(cookie)
        self.told = self.cookie_file
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.start()

    def run(self):
        connection, _address = self.listener.accept()
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                command = line.decode().rstrip("\r\n")
                self.heard.append(command)
                connection.sendall(self.answer(command).replace("\n", "\r\n").encode())

    def answer(self, command):
        if command == "PROTOCOLINFO 1":
            return f'250-PROTOCOLINFO 1\n250-AUTH METHODS={self.methods} COOKIEFILE="{self.told}"\n250 OK\n'
        if command.startswith("AUTHCHALLENGE"):
            self.message = self.cookie + bytes.fromhex(command.split()[2]) + b"n" * 32
            proof = "00" * 32 if self.forge else hmac.new(SERVER_KEY, self.message, hashlib.sha256).hexdigest().upper()
            return f"250 AUTHCHALLENGE SERVERHASH={proof} SERVERNONCE={(b'n' * 32).hex()}\n"
        if command.startswith("AUTHENTICATE") and self.methods != "NULL":
            expected = self.cookie.hex()
            if "SAFECOOKIE" in self.methods:
                expected = hmac.new(CLIENT_KEY, self.message, hashlib.sha256).hexdigest()
            return "250 OK\n" if command.split()[1] == expected else "515 Authentication failed\n"
        return self.answers.get(command, "250 OK\n")


@pytest.mark.parametrize("methods", ["NULL", "COOKIE,SAFECOOKIE"])
def test_authenticates_as_tor_offers(tmp_path, methods):
    tor = FakeTor(tmp_path, methods=methods, cookie=os.urandom(32))
    with ControlPort(tor.path) as control:
        control.signal("NEWNYM")
    tor.join(2)
    assert tor.heard[-1] == "SIGNAL NEWNYM"


def test_refuses_a_server_without_the_cookie(tmp_path):
    tor = FakeTor(tmp_path, methods="SAFECOOKIE", cookie=os.urandom(32), forge=True)
    with pytest.raises(ControlUnreachable, match="does not know tor's cookie"):
        ControlPort(tor.path)


@pytest.mark.parametrize("methods", ["HASHEDPASSWORD", "COOKIE", "COOKIE,HASHEDPASSWORD"])
def test_no_secret_goes_to_a_server_that_does_not_prove_to_know_it(tmp_path, methods):
    tor = FakeTor(tmp_path, methods=methods, cookie=os.urandom(32))
    with pytest.raises(ControlUnreachable, match="CookieAuthentication 1"):
        ControlPort(tor.path)
    tor.join(2)
    assert tor.heard == ["PROTOCOLINFO 1"]


def test_the_cookie_is_beside_the_socket_whatever_the_server_says(tmp_path):
    secret = tmp_path / "somebody's key"
    secret.write_bytes(os.urandom(32))
    tor = FakeTor(tmp_path, methods="COOKIE,SAFECOOKIE", cookie=os.urandom(32))
    tor.told = secret
    with ControlPort(tor.path):
        pass
    tor.join(2)
    assert tor.heard[-1].startswith("AUTHENTICATE ")


def _of_another_kind(cookie, kind, tmp_path):
    if kind == "FIFO":
        os.mkfifo(cookie)
    elif kind == "folder":
        cookie.mkdir()
    elif kind == "link":
        (tmp_path / "secret").write_bytes(bytes(32))
        tmp_path.chmod(0o775)  # as tor's own folder: others than root can change it
        cookie.symlink_to(tmp_path / "secret")
    elif kind != "nothing":
        cookie.write_bytes(bytes(int(kind)))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        *((kind, "authcookie: is no regular file") for kind in ("FIFO", "folder", "link")),
        *((size, "authcookie: is no cookie of tor's, which has 32 bytes") for size in ("0", "31", "33", "96")),
        ("nothing", "authcookie: No such file or directory"),
    ],
)
def test_what_is_no_cookie_is_not_used(tmp_path, kind, why):
    tor = FakeTor(tmp_path, methods="SAFECOOKIE")
    tor.cookie_file.unlink()
    _of_another_kind(tor.cookie_file, kind, tmp_path)
    with pytest.raises(ControlUnreachable, match=why):
        ControlPort(tor.path)
    tor.join(2)
    assert tor.heard == ["PROTOCOLINFO 1"]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "AUTHCHALLENGE",
        f"AUTHCHALLENGE SERVERHASH={'00' * 32}",
        f"AUTHCHALLENGE SERVERNONCE={'00' * 32}",
        f"AUTHCHALLENGE SERVERHASH={'00' * 32} SERVERNONCE=zz",
        f"AUTHCHALLENGE SERVERHASH=\u00e9 SERVERNONCE={'00' * 32}",
    ],
)
def test_a_challenge_that_is_answered_in_half(tmp_path, answer):
    tor = FakeTor(tmp_path, methods="SAFECOOKIE", cookie=os.urandom(32))
    well = tor.answer
    tor.answer = lambda command: f"250 {answer}\n" if command.startswith("AUTHCHALLENGE") else well(command)
    with pytest.raises(ControlUnreachable, match="does not answer the challenge"):
        ControlPort(tor.path)


def test_no_socket(tmp_path):
    with pytest.raises(ControlUnreachable, match="No such file"):
        ControlPort(str(tmp_path / "none"))


def test_replies_are_raw_and_ordered(tmp_path):
    tor = FakeTor(
        tmp_path,
        answers={
            "GETCONF HiddenServiceOptions": (
                "250-HiddenServiceDir=/a\n250-HiddenServicePort=80 unix:/x=y\n"
                "250-HiddenServicePort=80 [::1]:8\n250 HiddenServiceVersion\n"
            ),
            "GETINFO ns/all": "250+ns/all=\nr one\n..dotted\n\n.\n250 OK\n",
            "GETINFO version": "250-version=0.4.9.11\n250 OK\n",
        },
    )
    with ControlPort(tor.path) as control:
        assert control.getconf("HiddenServiceOptions") == [
            ("HiddenServiceDir", "/a"),
            ("HiddenServicePort", "80 unix:/x=y"),
            ("HiddenServicePort", "80 [::1]:8"),
            ("HiddenServiceVersion", None),
        ]
        assert control.getinfo("ns/all") == "r one\n.dotted"
        assert control.getinfo("version") == "0.4.9.11"


def test_setconf_quotes(tmp_path):
    tor = FakeTor(tmp_path)
    with ControlPort(tor.path) as control:
        control.setconf([("Nickname", 'a"b\\c\nd'), ("SocksPort", None)])
    assert tor.heard[-1] == 'SETCONF Nickname="a\\"b\\\\c\\nd" SocksPort'
    assert quote("plain") == '"plain"'


def test_refusal_names_the_command_without_its_arguments(tmp_path):
    tor = FakeTor(tmp_path, answers={"ONION_CLIENT_AUTH_ADD secret": "512 Bad key\n"})
    with ControlPort(tor.path) as control, pytest.raises(ControlError) as caught:
        control.command("ONION_CLIENT_AUTH_ADD secret")
    assert (caught.value.code, caught.value.text) == (512, "Bad key")
    assert "secret" not in str(caught.value)


def test_one_command_is_one_line(tmp_path):
    tor = FakeTor(tmp_path)
    with ControlPort(tor.path) as control, pytest.raises(ValueError, match="one line"):
        control.command("GETINFO version\r\nSIGNAL HALT")


def test_events_are_kept_apart_from_replies(tmp_path):
    tor = FakeTor(
        tmp_path,
        answers={
            "GETINFO version": (
                "650 HS_DESC RECEIVED a\n250-version=1\n250 OK\n650+HS_DESC_CONTENT a b c\nline\n.\n650 OK\n650 HS_DE"
            ),
            "GETINFO more": "SC FAILED a\n250-more=2\n250 OK\n",
        },
    )
    with ControlPort(tor.path) as control:
        control.subscribe("HS_DESC", "HS_DESC_CONTENT")
        assert control.getinfo("version") == "1"
        assert control.next_event(1) == "HS_DESC RECEIVED a"
        assert control.next_event(1) == "HS_DESC_CONTENT a b c\nline"
        assert control.next_event(0.01) is None, "half an event waits for its other half"
        assert control.getinfo("more") == "2"
        assert control.next_event(1) == "HS_DESC FAILED a"
    assert "SETEVENTS HS_DESC HS_DESC_CONTENT" in tor.heard


def test_silence_is_an_error(tmp_path):
    tor = FakeTor(tmp_path, answers={"GETINFO slow": ""})
    with ControlPort(tor.path, timeout=0.05) as control, pytest.raises(
        ControlUnreachable, match="no answer to GETINFO"
    ):
        control.getinfo("slow")


def test_another_protocol(tmp_path):
    tor = FakeTor(tmp_path)
    tor.answer = lambda command: "HTTP/1.1 400 Bad Request\n"
    with pytest.raises(ControlUnreachable, match="does not speak"):
        ControlPort(tor.path)
