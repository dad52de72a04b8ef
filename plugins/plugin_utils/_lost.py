# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why nothing is known of a host, from what one of its tasks registered.

Module Overview:

    lost         the result of a task that brought nothing -> why, in words
    distrusted   the same -> the gate's sentence about the host; empty where it was believed
    first_line   of a result's message
    UNREACHABLE  what lost says of a host that does not answer
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate import DISTRUST

UNREACHABLE = "host is not reachable"
DISTRUSTED = f"its answer {DISTRUST}"


def lost(result: t.Mapping[str, t.Any]) -> str:
    """Why a host could not be looked at.

    :param result: registered, and without what was asked for.
    """
    if not result.get("unreachable"):
        return str(result.get("msg", "lost before it could be looked at"))
    return DISTRUSTED if distrusted(result) else UNREACHABLE


def distrusted(result: t.Mapping[str, t.Any]) -> str:
    """The sentence of a host whose answer did not pass, which Ansible may have put words before."""
    message = first_line(result)
    return message[message.find("host '"):] if DISTRUST in message else ""


def first_line(result: t.Mapping[str, t.Any]) -> str:
    return next(iter(str(result.get("msg", "no reason given")).splitlines()), "no reason given")
