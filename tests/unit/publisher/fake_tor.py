# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tor that is not one: its control and SOCKS ports on unix sockets, a network of relays, and backends' descriptors.

    Network     relays, their consensus and microdescriptors
    Backend     an onion service whose descriptors are made and signed by stem
    FakeTor     the two sockets, served by threads
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import pathlib
import random
import socket
import socketserver
import threading
import time
from collections.abc import Callable

import stem.descriptor.hidden_service
from onionbalance.hs_v3 import tor_ed25519
from stem.client.datatype import LinkByFingerprint, LinkByIPv4
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3, InnerLayer, IntroductionPointV3

# As Onionbalance does for the whole process; backends have keys in tor's format here too.
stem.descriptor.hidden_service._blinded_sign = tor_ed25519._blinded_sign_with_tor_key

_BASE_POINT = (b"(15112221349535400772501151409588531511454012693041857206046113283949847762202, "
               b"46316835694926478169428394003475163141307993866256225615783033603165251855960)")


def tor_key(seed: bytes) -> bytes:
    """A secret key file as tor writes it."""
    expanded = bytearray(hashlib.sha512(seed).digest())
    expanded[0] &= 248
    expanded[31] = expanded[31] & 63 | 64
    return b"== ed25519v1-secret: type0 ==\0\0\0" + bytes(expanded)


def period_now() -> int:
    """Number of the time period of the real network that clients ask for (rend-spec-v3, 2.2.1)."""
    return (int(time.time()) // 3600 * 60 - 720) // 1440


def blinding(public: bytes, period: int) -> bytes:
    """rend-spec-v3, A.2."""
    number = b"key-blind" + period.to_bytes(8, "big") + (1440).to_bytes(8, "big")
    return hashlib.sha3_256(b"Derive temporary signing key\0" + public + _BASE_POINT + number).digest()


def point(relay: int = 0) -> IntroductionPointV3:
    address = ".".join(str(byte) for byte in (10, *relay.to_bytes(3, "big")))
    links = [LinkByIPv4(address, 9001), LinkByFingerprint(hashlib.sha1(b"%d" % relay).digest())]
    return IntroductionPointV3.create_for_link_specifiers(links)


class Backend:
    def __init__(self, points: int = 3, relays: int = 1 << 24) -> None:
        self.key = tor_ed25519.load_tor_key_from_disk(tor_key(os.urandom(32)))
        self.address = HiddenServiceDescriptorV3.address_from_identity_key(self.key)
        self._relays = relays
        self.counter = 1
        self._frozen: tuple[tuple[int, ...], str] = ((), "")
        self.renew(points)

    def renew(self, points: int = 3) -> None:
        """Other introduction points, as after a restart."""
        self.points = [point(random.randrange(self._relays)) for _index in range(points)]

    def freeze(self) -> str:
        """Its descriptor, the same as long as it has the same introduction points."""
        key = tuple(id(point) for point in self.points)
        if self._frozen[0] != key:
            self._frozen = key, self.descriptor()
        return self._frozen[1]

    def descriptor(self, *, period: int | None = None, flow_control: str | None = "1-2 31", **replaced: object) -> str:
        public = HiddenServiceDescriptorV3.identity_key_from_address(self.address)
        self.counter += 1
        inner = InnerLayer.create(
            attr={"flow-control": flow_control} if flow_control else {}, introduction_points=self.points
        )
        values = {
            "blinding_nonce": blinding(public, period_now() if period is None else period),
            "identity_key": self.key,
            "inner_layer": inner,
            "revision_counter": self.counter,
        }
        return str(HiddenServiceDescriptorV3.create(**(values | replaced)))


class Network:
    """`relays` directories; the consensus is one of the real network's kind, valid now."""

    def __init__(self, relays: int = 12) -> None:
        start = int(time.time()) // 3600 * 3600
        self.fingerprints, self.microdescriptors, entries = [], [], []
        for number in range(relays):
            identity = hashlib.sha256(b"ed%d" % number).digest()
            rsa = base64.encodebytes(hashlib.shake_256(b"rsa%d" % number).digest(140)).decode().strip()
            text = (
                f"onion-key\n-----BEGIN RSA PUBLIC KEY-----\n{rsa}\n-----END RSA PUBLIC KEY-----\n"
                f"ntor-onion-key {_b64(identity)}\nid ed25519 {_b64(identity)}\n"
            )
            fingerprint = hashlib.sha1(b"%d" % number).digest()
            self.fingerprints.append(fingerprint.hex().upper())
            self.microdescriptors.append(text)
            entries.append(
                f"r relay{number} {_b64(fingerprint)} {_time(start)} 10.0.{number // 250}.{number % 250 + 1} 9001 0\n"
                f"m {_b64(hashlib.sha256(text.encode()).digest())}\n"
                "s Fast HSDir Running Stable V2Dir Valid\nv Tor 0.4.9.11\n"
                "pr Cons=1-2 Desc=1-2 DirCache=2 HSDir=2 HSIntro=4-5 HSRend=1-2 "
                "Link=1-5 LinkAuth=3 Microdesc=1-2 Relay=1-4\n"
                "w Bandwidth=100\n"
            )
        random_value = _b64(hashlib.sha256(b"shared random").digest()) + "="
        self.consensus = (
            "network-status-version 3 microdesc\nvote-status consensus\nconsensus-method 33\n"
            f"valid-after {_time(start)}\nfresh-until {_time(start + 3600)}\nvalid-until {_time(start + 10800)}\n"
            "voting-delay 300 300\nknown-flags Fast HSDir Running Stable V2Dir Valid\nparams hsdir_spread_store=4\n"
            f"shared-rand-previous-value 9 {random_value}\nshared-rand-current-value 9 {random_value}\n"
            + "".join(entries)
            + "directory-footer\nbandwidth-weights Wbd=0\n"
        )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _time(epoch: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch))


class FakeTor:
    """`backends` are fetched and probed by address; those in `dead` answer neither; `takes(fingerprint)` says what a
    directory does with an upload (None: no answer at all)."""

    def __init__(self, folder: pathlib.Path, network: Network, backends: list[Backend]) -> None:
        self.control, self.socks = str(folder / "control"), str(folder / "probe.sock")
        self.network = network
        self.backends = {backend.address: backend for backend in backends}
        self.dead: set[str] = set()
        self.texts: dict[str, str] = {}  # what directories hold, where it is not the backend's present descriptor
        self.takes: Callable[[str], bool | None] = lambda fingerprint: True
        self.bootstrapped = self.circuits = True
        self.uploads: list[tuple[float, tuple[str, ...], str]] = []  # when, to whom, the descriptor
        self.fetched: list[tuple[str, str]] = []
        self.probed: list[str] = []
        self._connections: list[_Control] = []
        self._servers: list[socketserver.BaseServer] = []

    def start(self) -> FakeTor:
        for path, handler in ((self.control, _Control), (self.socks, _Socks)):
            pathlib.Path(path).unlink(missing_ok=True)
            server = _Server(path, handler)
            server.tor = self
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            self._servers.append(server)
        return self

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers = []
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.request.shutdown(socket.SHUT_RDWR)
        self._connections = []
        for path in (self.control, self.socks):
            pathlib.Path(path).unlink(missing_ok=True)

    def tell(self, event: str) -> None:
        for connection in self._connections:
            connection.send(event)

    def descriptor(self, address: str) -> str | None:
        if address in self.texts:
            return self.texts[address]
        return None if address in self.dead or address not in self.backends else self.backends[address].freeze()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    tor: FakeTor


class _Control(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.tor: FakeTor = self.server.tor
        self.lock = threading.Lock()
        self.tor._connections.append(self)
        with contextlib.suppress(OSError, ValueError):
            while line := self.rfile.readline():
                self._command(line.decode().rstrip("\r\n"))

    def send(self, *lines: str) -> None:
        with self.lock, contextlib.suppress(OSError, ValueError):
            self.wfile.write("".join(line.replace("\n", "\r\n") + "\r\n" for line in lines).encode())

    def _command(self, line: str) -> None:
        word, _other, rest = line.partition(" ")
        method = getattr(self, "_" + word.lstrip("+").lower(), None)
        self.send("250 OK") if method is None else method(rest)

    def _protocolinfo(self, _rest: str) -> None:
        self.send("250-PROTOCOLINFO 1", "250-AUTH METHODS=NULL", '250-VERSION Tor="0.4.9.11"', "250 OK")

    def _getconf(self, rest: str) -> None:
        self.send(f"250 {rest}")

    def _getinfo(self, key: str) -> None:
        network, ready = self.tor.network, self.tor.bootstrapped
        if key.startswith("dir/") and not ready:
            return self.send("551 no consensus")
        values = {
            "version": "0.4.9.11",
            "status/circuit-established": "01"[self.tor.circuits],
            "network-liveness": "up",
            "status/bootstrap-phase": 'NOTICE BOOTSTRAP PROGRESS=45 TAG=x SUMMARY="Asking for relays"',
            "dir/status-vote/current/consensus-microdesc": network.consensus,
            "md/all": "".join(network.microdescriptors),
        }
        value = values[key]
        if "\n" in value:
            return self.send(f"250+{key}=\n{value}.", "250 OK")
        return self.send(f"250-{key}={value}", "250 OK")

    def _hsfetch(self, rest: str) -> None:
        name, _other, server = rest.partition(" ")
        address, hsdir = name + ".onion", server.removeprefix("SERVER=") or "A" * 40
        self.tor.fetched.append((address, hsdir))
        text = self.tor.descriptor(address)
        self.send("250 OK")
        if text is None:
            self.send(
                f"650 HS_DESC FAILED {name} NO_AUTH ${hsdir}~relay id REASON=NOT_FOUND",
                f"650+HS_DESC_CONTENT {name} id ${hsdir}~relay\n.",
                "650 OK",
            )
        else:
            self.send(
                f"650 HS_DESC RECEIVED {name} NO_AUTH ${hsdir}~relay id",
                f"650+HS_DESC_CONTENT {name} id ${hsdir}~relay\n{text.rstrip()}\n.",
                "650 OK",
            )

    def _hspost(self, rest: str) -> None:
        lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
        text, words = "\n".join(lines) + "\n", rest.split(" ")
        hsdirs = tuple(word.removeprefix("SERVER=") for word in words if word.startswith("SERVER="))
        name = next(word.removeprefix("HSADDRESS=") for word in words if word.startswith("HSADDRESS="))
        self.tor.uploads.append((time.time(), hsdirs, text))
        self.send("250 OK")
        for hsdir in hsdirs:
            takes = self.tor.takes(hsdir)
            if takes is not None:
                self.send(
                    f"650 HS_DESC {'UPLOADED' if takes else 'FAILED'} {name} UNKNOWN ${hsdir}~relay"
                    + ("" if takes else " id REASON=UPLOAD_REJECTED")
                )


class _Socks(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        tor: FakeTor = self.server.tor
        with contextlib.suppress(OSError, IndexError):
            self.rfile.read(3)
            self.wfile.write(b"\x05\x02")
            self.rfile.read(self.rfile.read(2)[1])
            self.rfile.read(self.rfile.read(1)[0])
            self.wfile.write(b"\x01\x00")
            self.rfile.read(4)
            address = self.rfile.read(self.rfile.read(1)[0]).decode()
            self.rfile.read(2)
            tor.probed.append(address)
            ok = tor.circuits and address in tor.backends and address not in tor.dead
            self.wfile.write(b"\x05" + (b"\x00" if ok else b"\xf2") + b"\x00\x01" + bytes(6))
