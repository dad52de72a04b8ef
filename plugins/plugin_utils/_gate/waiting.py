# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator reads while something waits. All pure.

Module Overview:

    sentence   who waits, how long already and at most, and for what
    at_most    how long attempts may take, from how long they took so far
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import several
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.shapes import Text

_SHOWN = 3
_SHORT = Text(200)  # characters of each; hosts may have a part in it


def sentence(host: str, elapsed: float, limit: float, missing: t.Sequence[str]) -> str:
    """One line.

    :param elapsed: seconds. :param limit: seconds.
    :param missing: what is still missing, a few words each; may be empty, where nobody can tell.
    """
    what = several([_SHORT.read(each, "") for each in missing], _SHOWN, "; ")
    return f"[{host}] {elapsed:.0f} s of at most {limit:.0f} s: waiting{what and ' for '}{what}"


def at_most(elapsed: float, attempts: int, retries: int, delay: float) -> float:
    """How long all attempts of a task may take, where those to come take as long as those that were.

    :param elapsed: seconds from the beginning of the first to that of the next.
    :param attempts: that were made, at least 1. :param retries: of the task. :param delay: seconds between two.
    """
    return max(retries * delay, retries * elapsed / attempts)
