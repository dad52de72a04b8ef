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

import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.admission import DISTRUST

# ansible-core 2.19 and later say first that a task failed
_SENTENCE = re.compile(rf"(?:[A-Z][a-z]+ failed: )*(host '.*{DISTRUST}.*)")
UNREACHABLE = "host is not reachable"
DISTRUSTED = f"its answer {DISTRUST}"


def lost(result: t.Mapping[str, t.Any]) -> str:
    """Why a host could not be looked at.

    :param result: registered, and without what was asked for.
    """
    if not result.get("unreachable"):
        return first_line(result) if "msg" in result else "host was lost earlier in this run"
    return DISTRUSTED if distrusted(result) else UNREACHABLE


def distrusted(result: t.Mapping[str, t.Any]) -> str:
    """The sentence where an answer did not pass; a failed connection's begins otherwise, and may quote the host."""
    found = _SENTENCE.match(first_line(result)) if result.get("unreachable") else None
    return found[1] if found else ""


def first_line(result: t.Mapping[str, t.Any]) -> str:
    return next(iter(str(result.get("msg", "no reason given")).splitlines()), "no reason given")
