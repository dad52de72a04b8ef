# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running program of ours says of itself: JSON over a unix socket.

Overview::

  ask          path of the socket -> its answer; raises OnionfleetError
  NotRunning   the OnionfleetError of a socket that nobody listens on
"""

from __future__ import annotations

import json
import socket
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english

# a thousand backends fit
_LIMIT = 4 * 1024 * 1024


class NotRunning(OnionfleetError):
    """Nobody listens on the status socket."""


def ask(path: str, timeout: float, *, unit: str, whose: str, shape: t.Any) -> t.Dict[str, t.Any]:
    """Ask a status socket.

    :param timeout: seconds for the whole answer.
    :param unit: of systemd, whose journal tells more.
    :param whose: whose answer it should be, in words.
    :param shape: what readers of an answer rely on, as types within mappings and lists; it may hold more.
    :raises NotRunning: nobody listens. :raises OnionfleetError: no answer in time, or one that is none.
    """
    see = f"see 'journalctl -u {unit}'"
    try:
        answer = json.loads(_received(path, time.monotonic() + timeout))
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning(f"{path}: nobody listens ({in_english(error)}); {see}") from error
    except (OSError, ValueError, RecursionError) as error:
        why = in_english(error) if isinstance(error, OSError) else str(error)
        raise OnionfleetError(f"{path}: {why}; {see}") from error
    if not _fits(answer, shape):
        raise OnionfleetError(f"{path}: the answer is not a {whose}'s; see what listens there")
    return t.cast("t.Dict[str, t.Any]", answer)


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


def _fits(value: t.Any, shape: t.Any) -> bool:
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(
            key in value and _fits(value[key], inner) for key, inner in shape.items()
        )
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(item, shape[0]) for item in value)
    return isinstance(value, shape)
