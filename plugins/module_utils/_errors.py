# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the collection: all faults found, not only the first.

Module Overview:

    OnionfleetError   faults that the operator can mend
    errors_fail       a module that ends with one message where its work raises
    collected         what a function returns, or None and its faults
    in_english        the system's words for an error
    nearest, near     the word that was meant
    several           the first of many words
"""

from __future__ import annotations

import contextlib
import difflib
import locale
import os
import typing as t


class OnionfleetError(Exception):
    """Something the operator can mend.

    :param faults: one sentence per fault, each naming the place, what is wrong and how to mend it.
    """

    def __init__(self, *faults: str) -> None:
        # an operator's terminal must not act on what a file says
        self.faults: t.List[str] = [_printable(fault) for fault in faults]
        super().__init__("\n".join(self.faults))


@contextlib.contextmanager
def errors_fail(module: t.Any, told: t.Callable[[], t.Dict[str, t.Any]] = dict) -> t.Iterator[None]:
    """Fail the module where the block raises what the operator can mend, or where the system refuses it something.

    :param module: the AnsibleModule.
    :param told: what else the failed module returns, asked when it fails.
    """
    try:
        yield
    except OnionfleetError as error:
        module.fail_json(msg=str(error), faults=error.faults, **told())
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'the host'}: {in_english(error)}", **told())


def collected(faults: t.List[str], read: t.Callable[[], t.Any]) -> t.Any:
    """What ``read`` returns; None where it raises, whose faults are collected."""
    try:
        return read()
    except OnionfleetError as error:
        faults.extend(error.faults)
        return None


def in_english(error: OSError) -> str:
    """The system's words for an error, in English as our sentences are: Ansible speaks the controller's language."""
    # those of the resolver are below 0
    if error.errno is None or error.errno < 0:
        return error.strerror or str(error)
    spoken = locale.setlocale(locale.LC_MESSAGES)
    locale.setlocale(locale.LC_MESSAGES, "C")
    try:
        return os.strerror(error.errno)
    finally:
        locale.setlocale(locale.LC_MESSAGES, spoken)


def _printable(fault: str) -> str:
    return "".join(char if char.isprintable() else " " if char.isspace() else ascii(char)[1:-1] for char in fault)


def nearest(word: object, known: t.Iterable[object]) -> t.Optional[str]:
    """The one of ``known`` that is spelt most like ``word``, if any is."""
    close = difflib.get_close_matches(str(word), [str(name) for name in known], n=1, cutoff=0.6)
    return close[0] if close else None


def near(word: object, known: t.Iterable[object]) -> str:
    """The hint ``" (did you mean 'x'?)"`` with the nearest of ``known``; else nothing."""
    close = nearest(word, known)
    return f" (did you mean '{close}'?)" if close else ""


def several(words: t.Sequence[str], most: int = 5, separator: str = ", ") -> str:
    """The first of them, at most so many, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return separator.join(words[:most]) + more
