# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches a page of an onion service through the probe client of this host and writes it to a file, headers and all.

visit.py ADDRESS PATH FILE [ISOLATION]: the exit status tells whether the page was complete.
"""

import socket
import sys

SOCKS = "/run/tor-instances/onionprobe/probe.sock"

address, path, destination = sys.argv[1:4]
user = (sys.argv[4:] or ["visit"])[0].encode()
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(120)
connection.connect(SOCKS)
connection.sendall(b"\x05\x01\x02")
assert connection.recv(2) == b"\x05\x02"
connection.sendall(b"\x01" + bytes([len(user)]) + user + b"\x01x")
assert connection.recv(2) == b"\x01\x00"
name = address.encode()
connection.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + (80).to_bytes(2, "big"))
answer = connection.recv(10, socket.MSG_WAITALL)
assert answer[1] == 0, f"SOCKS error {answer[1]:#x}"
connection.sendall(b"GET %s HTTP/1.0\r\nHost: x\r\n\r\n" % path.encode())
with open(destination, "wb") as file:
    while True:
        data = connection.recv(65536)
        if not data:
            break
        file.write(data)
        file.flush()
