# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an honest answer becomes a lie.

A lie is plain data, so that it can travel in a file: ``module`` ("*" for all), ``label``, and one of

    set      path ("daemons[0].name") -> value; where the answer has no such field, nothing is said
    add      key -> value, at the top, whatever the answer has
    answer   the whole of it, anything of JSON
    raw      what comes instead of JSON

A value may be {"$times": [text, count]}, which stands for the text so many times: files of tests stay small.
"""

from __future__ import annotations

import copy
import re

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def expand(value):
    """The value with its {"$times": …} written out."""
    if isinstance(value, dict):
        if list(value) == ["$times"]:
            return value["$times"][0] * value["$times"][1]
        return {key: expand(each) for key, each in value.items()}
    return [expand(each) for each in value] if isinstance(value, list) else value


def _steps(path):
    return [name or int(number) for name, number in _STEP.findall(path)]


def place(answer, path):
    """The value that a path leads to.

    :raises LookupError: there is none.
    """
    for step in _steps(path):
        if not isinstance(answer, (dict, list)) or isinstance(answer, list) is not isinstance(step, int):
            raise LookupError(path)
        answer = answer[step]
    return answer


def put(answer, path, value):
    """Change what a path leads to; False where there is none."""
    *before, last = _steps(path)
    try:
        for step in before:
            answer = answer[step]
        answer[last]
        answer[last] = value
    except (LookupError, TypeError):
        return False
    return True


def lie(one, honest, raw):
    """The answer with this lie, what comes instead of JSON or None, and whether anything was said."""
    told, happened = copy.deepcopy(honest), False
    if "raw" in one:
        return told, expand(one["raw"]).encode(errors="surrogatepass"), True
    if "answer" in one:
        return expand(one["answer"]), raw, True
    for path, value in one.get("set", {}).items():
        happened |= put(told, path, expand(value))
    if one.get("add") and isinstance(told, dict):
        told.update(expand(one["add"]))
        happened = True
    return told, raw, happened
