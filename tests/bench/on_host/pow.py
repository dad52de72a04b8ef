# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a tor ten times a second whether proof of work is on, until the input ends; then says how often it was, as JSON.

pow.py SOCKET: the daemon's control port.
"""

import collections
import json
import pathlib
import select
import socket
import sys

counts, connection = collections.Counter(), None
while not select.select([sys.stdin], [], [], 0.1)[0]:
    try:
        if connection is None:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(5)
            connection.connect(sys.argv[1])
            lines = connection.makefile("rw", newline="\r\n")
            lines.write(f"AUTHENTICATE {pathlib.Path(sys.argv[1] + '.authcookie').read_bytes().hex()}\r\n")
            lines.flush()
            lines.readline()
        lines.write("GETCONF HiddenServiceOptions\r\n")
        lines.flush()
        answer = []
        while not answer or answer[-1][3:4] == "-":
            answer.append(lines.readline())
            if not answer[-1]:
                raise OSError("closed")
        enabled = any("HiddenServicePoWDefensesEnabled=1" in line for line in answer)
        counts["on" if enabled else "off"] += 1
    except OSError:
        connection = None
        counts["silent"] += 1
print(json.dumps(counts))
