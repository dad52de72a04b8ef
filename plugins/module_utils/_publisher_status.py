# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running publisher says of itself.

Overview::

  read_status   status socket -> its answer; raises OnionfleetError
"""

from __future__ import annotations

import json
import socket
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

# a thousand backends fit
_LIMIT = 4 * 1024 * 1024


def read_status(path: str, timeout: float) -> t.Dict[str, t.Any]:
    """Ask the publisher's status socket.

    :param timeout: seconds for the whole answer.
    :raises OnionfleetError: nobody listens, no answer in time, or one that is none.
    """
    try:
        answer = json.loads(_received(path, time.monotonic() + timeout))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OnionfleetError(f"{path}: {why}; see 'journalctl -u onionfleet-publisher'") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("services"), list):
        raise OnionfleetError(f"{path}: the answer is not a publisher's; see what listens there")
    return answer


def _received(path: str, deadline: float) -> bytes:
    received = bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(max(deadline - time.monotonic(), 0.001))
        client.connect(path)
        while len(received) <= _LIMIT:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ValueError("does not answer in time")
            client.settimeout(left)
            piece = client.recv(65536)
            if not piece:
                return bytes(received)
            received += piece
    raise ValueError("the answer is too long")
