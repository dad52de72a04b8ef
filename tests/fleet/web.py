# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server for test hosts that says on which host it runs: on a TCP port of the loopback, and on a unix socket.

On the unix socket it also says to whom, that is which tor daemon brought the visitor.

  web.py PORT /path/of/socket
"""

from __future__ import annotations

import os
import pwd
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"served by {socket.gethostname()}{self._visitor()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _visitor(self) -> str:
        if self.connection.family != socket.AF_UNIX:
            return ""
        credentials = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _process, user, _group = struct.unpack("3i", credentials)
        return f" to {pwd.getpwuid(user).pw_name}"

    def address_string(self) -> str:
        # a unix socket has no address of the client
        return "client"


class UnixServer(ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        path = Path(str(self.server_address))
        path.unlink(missing_ok=True)
        self.socket.bind(str(path))
        # whoever serves pages to an onion service has to let tor's user in
        os.chmod(path, 0o666)
        self.server_name, self.server_port = "localhost", 80


if __name__ == "__main__":
    threading.Thread(target=UnixServer(sys.argv[2], Page).serve_forever, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
