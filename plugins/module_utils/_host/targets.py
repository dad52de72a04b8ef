# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a service leads visitors to accepts connections, seen from its own host.

Overview::

  refusal    a target -> why it accepts no connection
  refusals   the same of many at once
"""

from __future__ import annotations

import concurrent.futures
import socket
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import in_english

_AT_ONCE = 20


def refusal(target: str, timeout: float = 3.0) -> str:
    """Why a target accepts no connection, in words; empty where it does.

    :param target: "unix:PATH", "ADDRESS:PORT" or "[ADDRESS]:PORT". :param timeout: seconds.
    """
    try:
        if target.startswith("unix:"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout)
                connection.connect(target[len("unix:"):])
        else:
            host, _colon, port = target.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), timeout).close()
    except ConnectionRefusedError:
        return f"nothing listens on {target}"
    except socket.timeout:
        return f"{target} accepts no connection within {timeout:g} s"
    except OSError as error:
        return f"{target} accepts no connection: {in_english(error)}"
    except ValueError as error:
        return f"{target} accepts no connection: {error}"
    return ""


def refusals(targets: t.Iterable[str]) -> t.Dict[str, str]:
    """Those that accept no connection, each with why."""
    asked = list(dict.fromkeys(targets))
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        return {target: why for target, why in zip(asked, pool.map(refusal, asked)) if why}
