# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a test host: who answers, on unix sockets also to which tor; /bytes/N, so many bytes; /bytes/N/S, within so
many seconds; /long, a download that ends when the file /run/pages.end appears."""

import http.server
import os
import pwd
import socket
import socketserver
import struct
import sys
import threading
import time

CHUNK = b"." * 65536


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path.startswith("/bytes/"):
            self._send(*map(int, self.path.split("/")[2:]))
            return
        if self.path != "/long":
            self.wfile.write(f"hello from {socket.gethostname()}{self._visitor()}\n".encode())
            return
        while not os.path.exists("/run/pages.end"):
            self.wfile.write(CHUNK)
            time.sleep(0.2)
        self.wfile.write(b"the end")

    def _send(self, size, seconds=0):
        for _chunk in range(size // len(CHUNK)):
            self.wfile.write(CHUNK)
            time.sleep(seconds / (size // len(CHUNK)))
        self.wfile.write(CHUNK[: size % len(CHUNK)])

    def _visitor(self):
        if self.connection.family != socket.AF_UNIX:
            return ""
        credentials = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return f" to {pwd.getpwuid(struct.unpack('3i', credentials)[1]).pw_name}"

    def address_string(self):
        return "visitor"

    def log_message(self, *words):
        pass


class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


socketserver.TCPServer.request_queue_size = 128  # of all servers here; visitors come in crowds
os.makedirs("/run/pages", exist_ok=True)
for name in sys.argv[1:]:
    path = f"/run/pages/{name}.sock"
    if os.path.exists(path):
        os.unlink(path)
    server = Unix(path, Page)
    os.chmod(path, 0o666)
    threading.Thread(target=server.serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Page).serve_forever()
