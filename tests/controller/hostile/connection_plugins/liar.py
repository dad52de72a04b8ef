# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to nowhere: hosts that answer modules from a table, and lie where the world of the test says so.

Nothing is run. What would have been sent is recorded, byte by byte.
"""

from __future__ import annotations

import pathlib
import sys

from ansible.plugins.connection import ConnectionBase

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from hostile.wire import Wire

DOCUMENTATION = r"""
name: liar
short_description: Hosts that answer from a table
description: For tests only. The file that LIAR_WORLD names holds the hosts and their lies.
author: The onionfleet.balance developers (@onionfleet)
extends_documentation_fragment: [connection_pipelining]
"""


class Connection(ConnectionBase):
    """Answers like a host with Python and a shell."""

    transport = "liar"
    has_pipelining = True
    has_tty = False

    def _connect(self):
        self._connected = True
        return self

    def _wire(self):
        # with delegate_to, that of the other host
        return Wire.of(self._play_context.remote_addr)

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._wire().run(cmd, in_data)

    def put_file(self, in_path, out_path):
        self._wire().put(out_path, pathlib.Path(in_path).read_bytes())

    def fetch_file(self, in_path, out_path):
        pathlib.Path(out_path).write_bytes(self._wire().fetch(in_path))

    def close(self):
        self._connected = False

    def reset(self):
        """Hosts that reboot are back at once."""
