# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running keeper says of itself.

Overview::

  read_status   status socket -> its answer; raises OnionfleetError
  is_stale      whether it runs with an older program, unit or configuration
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.status_socket import ask

_NUMBER, _FLAG, _ACT = (int, float), (bool, type(None)), (dict, type(None))
_SHAPE = {
    "time": _NUMBER,
    "turned": _NUMBER,
    "services": [
        {
            "name": str,
            "targets": bool,
            "answers": _FLAG,
            "hsdirs_answer": _FLAG,
            "replicas": [
                {
                    "name": str,
                    "drained": bool,
                    "holds": _FLAG,
                    "publishes": _FLAG,
                    "armed": bool,
                    "ready": bool,
                    "published": [_NUMBER],
                    "took_over": _ACT,
                    "took_its_turn": _ACT,
                }
            ],
        }
    ],
}


def read_status(path: str, timeout: float) -> t.Dict[str, t.Any]:
    """Ask the keeper's status socket; see _status_socket.ask."""
    return ask(path, timeout, unit="onionfleet-keeper", whose="keeper", shape=_SHAPE)


def is_stale() -> bool:
    """Whether a keeper runs and a file loaded at its start has changed since; after a killed run nobody else knows."""
    try:
        started = os.stat(locations.KEEPER_STATUS).st_ctime  # it makes the socket when it starts
    except FileNotFoundError:
        return False
    return disk.last_change([locations.KEEPER_PROGRAM, locations.KEEPER_UNIT, locations.KEEPER_CONFIG]) > started
