# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A caching HTTP proxy that reaches the hosts on its list and no other: the only way out of a test network.

Packages and by-hash lists never change, so plain-HTTP requests for them are kept on disk.  CONNECT (TLS) is tunnelled
to port 443.  Whatever is not on the list, the live Tor network first of all, gets 403.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import select
import shutil
import socket
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding"}
IP_FREEBIND = 15


class Proxy(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], *, allow: set[str], cache: Path, upstream: SplitResult | None) -> None:
        self.allow, self.cache, self.upstream = allow, cache, upstream
        self.guard = threading.Lock()
        self.locks: dict[Path, threading.Lock] = {}
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        # the bridge gets its address with the first host
        self.socket.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        super().server_bind()

    def lock_of(self, key: Path) -> threading.Lock:
        with self.guard:
            return self.locks.setdefault(key, threading.Lock())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    server: Proxy

    def log_message(self, format: str, *args: object) -> None:
        sys.stderr.write(f"{self.client_address[0]} {format % args}\n")

    def refuse(self) -> None:
        self.send_error(403, "not on the list of this test network's proxy")
        self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.scheme != "http" or (url.hostname or "").lower() not in self.server.allow:
            self.refuse()
        elif self.command == "GET" and (url.path.endswith(".deb") or "/by-hash/" in url.path):
            self.from_cache(url)
        else:
            self.forward(url, None)

    def from_cache(self, url: SplitResult) -> None:
        kept = self.server.cache / hashlib.sha256(url.path.encode()).hexdigest()
        with self.server.lock_of(kept):
            if not kept.exists():
                self.forward(url, kept)
                return
        with kept.open("rb") as body:
            self.send_response(200)
            self.send_header("Content-Length", str(kept.stat().st_size))
            self.end_headers()
            shutil.copyfileobj(body, self.wfile)

    def forward(self, url: SplitResult, kept: Path | None) -> None:
        # a part of a file is of no use to the cache
        drop = HOP_BY_HOP | {"host"} | ({"range", "if-range"} if kept else set())
        headers = {k: v for k, v in self.headers.items() if k.lower() not in drop}
        via = self.server.upstream or url
        connection = http.client.HTTPConnection(via.hostname or "", via.port or 80, timeout=120)
        path = self.path if self.server.upstream else url._replace(scheme="", netloc="").geturl()
        connection.request(self.command, path, headers={**headers, "Host": url.netloc})
        self.relay(connection.getresponse(), kept)
        connection.close()

    def relay(self, answer: http.client.HTTPResponse, kept: Path | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        size = answer.getheader("Content-Length")
        if size is None and answer.status not in (204, 304):
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return
        with tempfile.TemporaryDirectory(dir=self.server.cache) as folder:
            part = Path(folder, "part")
            with part.open("wb") as copy:
                while chunk := answer.read(1 << 18):
                    self.wfile.write(chunk)
                    copy.write(chunk)
            if kept and answer.status == 200 and size == str(part.stat().st_size):
                part.rename(kept)

    def do_CONNECT(self) -> None:
        host, port = self.path.rsplit(":", 1)
        if host.lower() not in self.server.allow or port != "443":
            self.refuse()
            return
        via = self.server.upstream
        peer = http.client.HTTPConnection(
            (via.hostname or "") if via else host, (via.port or 80) if via else 443, timeout=60
        )
        if via:
            peer.set_tunnel(host, 443)
        peer.connect()
        self.send_response(200, "Connection established")
        self.end_headers()
        self.tunnel(peer.sock)
        peer.close()
        self.close_connection = True

    def tunnel(self, peer: socket.socket) -> None:
        pair = [self.connection, peer]
        while readable := select.select(pair, [], [], 120)[0]:
            for end in readable:
                data = end.recv(65536)
                if not data:
                    return
                pair[1 - pair.index(end)].sendall(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--cache", required=True, type=Path)
    parser.add_argument("--pidfile", required=True, type=Path)
    parser.add_argument("--upstream", type=urlsplit, help="another proxy to go through")
    parser.add_argument("--allow", action="append", default=[], metavar="HOST")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    address, port = arguments.listen.rsplit(":", 1)
    allow = {host.lower() for host in arguments.allow}
    server = Proxy((address, int(port)), allow=allow, cache=arguments.cache, upstream=arguments.upstream)
    arguments.pidfile.write_text(str(os.getpid()))
    server.serve_forever()


if __name__ == "__main__":
    main()
