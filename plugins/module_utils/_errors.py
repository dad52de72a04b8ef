# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the collection: all faults found, not only the first."""

from __future__ import annotations

import difflib
import typing as t


class OnionfleetError(Exception):
    """Something the operator can mend.

    :param faults: one sentence per fault, each naming the place, what is wrong and how to mend it.
    """

    def __init__(self, *faults: str) -> None:
        self.faults: t.List[str] = list(faults)
        super().__init__("\n".join(self.faults))


def near(word: str, known: t.Iterable[str]) -> str:
    """A hint ``" (did you mean 'x'?)"`` where one of ``known`` is spelt like ``word``; else nothing."""
    close = difflib.get_close_matches(str(word), [str(name) for name in known], n=1, cutoff=0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""
