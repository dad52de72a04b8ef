# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running publisher says of itself.

Overview::

  read_status   status socket -> its answer; raises OnionfleetError
  NotRunning    the OnionfleetError of a socket that nobody listens on
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._programs.status_socket import NotRunning, ask

__all__ = ("NotRunning", "read_status")

_OPTIONAL_TEXT = (str, type(None))
_SHAPE = {
    "started": (int, float),
    "loaded": _OPTIONAL_TEXT,
    "services": [
        {
            "name": str,
            "address": str,
            "descriptors": [{"signing_key": _OPTIONAL_TEXT}],
            "instances": [{"name": str, "address": str, "state": str, "listed_keys": [str]}],
        }
    ],
}


def read_status(path: str, timeout: float) -> t.Dict[str, t.Any]:
    """Ask the publisher's status socket; see _status_socket.ask."""
    return ask(path, timeout, unit="onionfleet-publisher", whose="publisher", shape=_SHAPE)
