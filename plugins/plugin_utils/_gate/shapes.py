# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of untrusted data: what a value must be, and a plain copy of it. All pure.

Module Overview:

    Odd       the error of a value that has not its shape: where, and what is wrong
    clean     a text -> the same without what acts on a terminal or starts a template
    Flag, Whole, Number, Text, Word, Address        values
    Maybe, Many, Mapping, Record, Either, Data      values that hold others

Each shape has ``read(value, place)``, which returns the copy or raises Odd, and ``kind``, its type as RETURN names it.
"""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import is_address

LINE = 4_000  # characters
LINES = 400_000
LARGEST = 2**63

# As a class of a regular expression: controls, halves of surrogate pairs, and marks without width or that turn the
# direction of writing. What a terminal shows of them is not what is there.
ACTING = "\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
_ACTING = re.compile(f"[{ACTING}]")
_OPENER = re.compile(r"\{(?=[{%#])")
_INLINE = re.compile(r"\s+")


class Odd(ValueError):
    """A value that has not its shape."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}" if place else what)


class Shape(t.Protocol):
    """What a value must be."""

    @property
    def kind(self) -> str:
        """Its type as RETURN names it."""

    def read(self, value: t.Any, place: str) -> t.Any:
        """A plain copy of the value; Odd where it has another shape."""


def clean(text: str, *, lines: bool = False) -> str:
    """The text without control characters and such; what would start a template of Jinja is split.

    :param lines: whether line feeds and tabs stay; else all white space becomes single spaces.
    """
    if lines:
        return _OPENER.sub("{ ", _ACTING.sub(lambda found: found[0] if found[0] in "\n\t" else " ", text))
    return _OPENER.sub("{ ", _INLINE.sub(" ", _ACTING.sub(" ", text)))


def _shown(value: t.Any) -> str:
    kinds = ((type(None), "null"), (dict, "a mapping"), (list, "a list"), (str, "a text"), (bool, "a truth value"))
    return next((words for kind, words in kinds if isinstance(value, kind)), "a number")


@dataclasses.dataclass(frozen=True)
class Flag:
    kind = "bool"

    def read(self, value: t.Any, place: str) -> bool:
        if not isinstance(value, bool):
            raise Odd(place, f"is {_shown(value)}, not true or false")
        return value


@dataclasses.dataclass(frozen=True)
class Whole:
    """A whole number from ``least`` to ``most``."""

    least: int = 0
    most: int = LARGEST
    kind = "int"

    def read(self, value: t.Any, place: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            raise Odd(place, f"is no whole number from {self.least} to {self.most}")
        return int(value)


@dataclasses.dataclass(frozen=True)
class Number:
    """A finite number; a negative one unless ``positive``."""

    positive: bool = True
    kind = "float"

    def read(self, value: t.Any, place: str) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not abs(value) < LARGEST
            or math.isnan(value)
        ):
            raise Odd(place, "is no number")
        if self.positive and value < 0:
            raise Odd(place, "is less than 0")
        return int(value) if isinstance(value, int) else float(value)


@dataclasses.dataclass(frozen=True)
class Text:
    """Words for people: cleaned, shortened to ``most`` characters. An honest host may quote what others made long."""

    most: int = LINE
    lines: bool = False
    kind = "str"

    def read(self, value: t.Any, place: str) -> str:
        if not isinstance(value, str):
            raise Odd(place, f"is {_shown(value)}, not a text")
        shown = clean(value[: self.most + 1], lines=self.lines)
        return shown if len(shown) <= self.most else shown[: self.most - 1] + "…"


@dataclasses.dataclass(frozen=True)
class Word:
    """A text that programs use: it matches ``pattern`` as it is. ``what`` says in words what that means."""

    pattern: str
    what: str
    kind = "str"

    def read(self, value: t.Any, place: str) -> str:
        if not isinstance(value, str):
            raise Odd(place, f"is {_shown(value)}, not a text")
        if not re.fullmatch(self.pattern, value):
            raise Odd(place, f"is not {self.what}")
        return str(value)


@dataclasses.dataclass(frozen=True)
class Address:
    """An onion address of version 3, checksum included."""

    kind = "str"

    def read(self, value: t.Any, place: str) -> str:
        if not is_address(value):
            raise Odd(place, "is not an onion address of version 3")
        return str(value)


@dataclasses.dataclass(frozen=True)
class Maybe:
    """A value, or null."""

    inner: Shape

    @property
    def kind(self) -> str:
        return self.inner.kind

    def read(self, value: t.Any, place: str) -> t.Any:
        return None if value is None else self.inner.read(value, place)


@dataclasses.dataclass(frozen=True)
class Either:
    """The first shape that fits; Odd is that of the last."""

    first: Shape
    second: Shape

    @property
    def kind(self) -> str:
        return self.first.kind

    def read(self, value: t.Any, place: str) -> t.Any:
        try:
            return self.first.read(value, place)
        except Odd:
            return self.second.read(value, place)


@dataclasses.dataclass(frozen=True)
class Many:
    """A list of at most ``most`` values; of records that differ in the field ``by``, if given."""

    inner: Shape
    most: int = 10_000
    by: str = ""
    kind = "list"

    def read(self, value: t.Any, place: str) -> t.List[t.Any]:
        if not isinstance(value, list):
            raise Odd(place, f"is {_shown(value)}, not a list")
        if len(value) > self.most:
            raise Odd(place, f"has {len(value)} entries, and {self.most} are the most")
        found = [self.inner.read(each, f"{place}[{number}]") for number, each in enumerate(value)]
        names = [each[self.by] for each in found] if self.by else []
        if len({*names}) < len(names):
            raise Odd(place, f"has two entries with the same {self.by}")
        return found


@dataclasses.dataclass(frozen=True)
class Mapping:
    """Keys and values, at most ``most``."""

    key: Shape
    inner: Shape
    most: int = 10_000
    kind = "dict"

    def read(self, value: t.Any, place: str) -> t.Dict[str, t.Any]:
        if not isinstance(value, dict):
            raise Odd(place, f"is {_shown(value)}, not a mapping")
        if len(value) > self.most:
            raise Odd(place, f"has {len(value)} keys, and {self.most} are the most")
        return {
            self.key.read(key, f"a key of {place}"): self.inner.read(each, f"{place}[{number}]")
            for number, (key, each) in enumerate(value.items())
        }


@dataclasses.dataclass(frozen=True)
class Record:
    """Named fields, all of them; a key that is none is left out.

    :ivar optional: names of fields that may be missing.
    """

    fields: t.Mapping[str, Shape]
    optional: t.FrozenSet[str] = frozenset()
    kind = "dict"

    def read(self, value: t.Any, place: str) -> t.Dict[str, t.Any]:
        if not isinstance(value, dict):
            raise Odd(place, f"is {_shown(value)}, not a mapping")
        inside = f"{place}." if place else ""
        found = {}
        for name, shape in self.fields.items():
            if name in value:
                found[name] = shape.read(value[name], inside + name)
            elif name not in self.optional:
                raise Odd(inside + name, "is missing")
        return found


@dataclasses.dataclass(frozen=True)
class Data:
    """Anything of JSON, for people to read, with clean texts; at most ``depth`` values inside one another."""

    depth: int = 6
    kind = "dict"

    def read(self, value: t.Any, place: str) -> t.Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            return Number(positive=False).read(value, place)
        if isinstance(value, str):
            return Text(LINES, lines=True).read(value, place)
        if self.depth == 0:
            raise Odd(place, "is nested too deep")
        inner = Data(self.depth - 1)
        return (Many(inner) if isinstance(value, list) else Mapping(Text(), inner)).read(value, place)


def record(*, optional: t.Iterable[str] = (), **fields: Shape) -> Record:
    """A Record, as keywords."""
    return Record(fields, frozenset(optional))
