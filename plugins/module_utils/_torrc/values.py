# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of values that tor's options take: what each accepts, and how it is written in a torrc.

A kind has ``faults(value) -> iterator of str`` (what is wrong; how to mend it) and
``texts(value) -> list of str`` (one torrc value per line, only for a value without faults).
"""

from __future__ import annotations

import re
import typing as t

PRINTABLE = re.compile(r"[ -!#-\[\]-~]+\Z")
UNIX_PATH_MAX = 104  # bytes; sun_path holds 108 on Linux and 104 elsewhere
SIZE_UNITS = r"bytes?|KBytes?|MBytes?|GBytes?|TBytes?|KBits?|MBits?|GBits?|TBits?|[KMGT]B"
TIME_UNITS = r"seconds?|minutes?|hours?|days?|weeks?|months?"


def shown(value: object) -> str:
    """A value as a fault names it: its type in plain words, and itself unless it is long."""
    names = {bool: "the boolean", int: "the number", float: "the number", str: "the text",
             dict: "a mapping", list: "a list", type(None): "empty"}
    kind = next((name for cls, name in names.items() if isinstance(value, cls)), type(value).__name__)
    if isinstance(value, (dict, list)) and not value:
        return kind.replace("a ", "an empty ")
    if value is None or isinstance(value, (dict, list)):
        return kind
    return f"{kind} {str(value).lower() if isinstance(value, bool) else quoted(value)}"


def quoted(value: object) -> str:
    """A text or number in the way of Python, ASCII only, cut where it is long."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def line_faults(value: object) -> t.Iterator[str]:
    """Faults of a text that goes into a configuration line: nothing in it may end the line or its quotes."""
    if not isinstance(value, str):
        yield f"is {shown(value)}, a text is wanted"
    elif not value or value != value.strip(" "):
        yield "is empty or has spaces around it; remove them"
    elif not PRINTABLE.match(value):
        yield (
            f"is {shown(value)}; use printable ASCII without line breaks, quotes, backslashes and control characters"
        )


class Flag:
    """True or false; ``words`` are further values tor knows (``auto``, ``relay``).

    A template may yield the texts ``True`` and ``False`` for booleans, so they are taken too.
    """

    TEXTS = {"true": "1", "false": "0"}

    def __init__(self, *words: str) -> None:
        self.words = words

    def texts(self, value: t.Any) -> t.List[str]:
        return [self.TEXTS.get(str(value).lower(), str(value))]

    def faults(self, value: object) -> t.Iterator[str]:
        if not isinstance(value, (bool, str)) or (
            str(value) not in self.words and str(value).lower() not in self.TEXTS
        ):
            yield "is {}; write {}".format(shown(value), " or ".join(("true", "false") + self.words))


class Number:
    """A whole number in a range. Clean decimal digits are taken too, because a template may yield a text."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def texts(self, value: t.Any) -> t.List[str]:
        return [str(int(value))]

    def faults(self, value: object) -> t.Iterator[str]:
        digits = isinstance(value, str) and re.match(r"(0|[1-9][0-9]{0,9})\Z", value)
        if isinstance(value, bool) or not (isinstance(value, int) or digits):
            yield "is %s; write a whole number from %d to %d" % (shown(value), self.low, self.high)
        elif not self.low <= int(t.cast(str, value)) <= self.high:
            yield "is %d; write a number from %d to %d" % (int(t.cast(str, value)), self.low, self.high)


class Text:
    """One line of text, of a pattern when one is given; ``wanted`` says in words what that is."""

    def __init__(self, pattern: str = "", wanted: str = "") -> None:
        self.pattern, self.wanted = re.compile(f"(?:{pattern})\\Z" if pattern else "", re.I), wanted

    def texts(self, value: t.Any) -> t.List[str]:
        return [str(value)]

    def faults(self, value: object) -> t.Iterator[str]:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        found = list(line_faults(value))
        for fault in found:
            yield fault if not self.wanted and ";" in fault else f"{fault}; write {self.wanted or 'a text'}"
        if not found and not self.pattern.match(t.cast(str, value)):
            yield f"is {shown(value)}; write {self.wanted}"


class Choice(Text):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        super().__init__("|".join(words), " or ".join(words))
        self.pattern = re.compile("(?:{})\\Z".format("|".join(words)))


class _Measured(Text):
    """A whole number with a unit, or without: ``least`` to ``most`` of the smallest unit, in steps of ``step``."""

    factors: t.Mapping[str, int] = {}  # lower case, without a plural's s

    def __init__(self, pattern: str, wanted: str, least: int, most: int, step: int) -> None:
        super().__init__(pattern, wanted)
        self.least, self.most, self.step = least, most, step

    def plain(self, text: str) -> str:
        """The same without its unit, as tor tells it; what has none of ``factors`` stays."""
        number, _space, unit = text.strip().partition(" ")
        factor = self.factors.get(unit.strip().lower().rstrip("s")) if unit else 1
        return str(int(number) * factor) if number.isdigit() and factor else text

    def faults(self, value: object) -> t.Iterator[str]:
        found = list(super().faults(value))
        yield from found
        if found:
            return
        plain = int(self.plain(str(value)))
        smallest = [*self.factors][0] + "s"
        if not self.least <= plain <= self.most:
            yield f"is {plain} {smallest}; write {self.least} to {self.most}, or the same with a unit"
        elif plain % self.step:
            yield f"is {plain} {smallest}; write a multiple of {self.step}"


class Size(_Measured):
    """An amount of bytes as tor reads it: ``40 MBytes``."""

    factors = {
        "byte": 1,
        **{
            f"{letter}{unit}": 2 ** (10 * power - bits)
            for power, letter in enumerate("kmgt", 1)
            for unit, bits in (("b", 0), ("byte", 0), ("bit", 3))
        },
    }

    def __init__(self, least: int = 0, most: int = 2**63 - 1, step: int = 1) -> None:
        super().__init__(rf"[0-9]{{1,18}}( ({SIZE_UNITS}))?", "an amount such as '40 MBytes'", least, most, step)


class Interval(_Measured):
    """A length of time as tor reads it: ``6 hours``."""

    factors = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2629728}

    def __init__(self, least: int = 0, most: int = 2**31 - 1) -> None:
        super().__init__(rf"[0-9]{{1,18}}( ({TIME_UNITS}))?", "a time such as '6 hours'", least, most, 1)


class Socket(Text):
    """``ADDRESS:PORT`` or ``[IPv6]:PORT``; with ``unix`` also ``unix:/path``, with ``bare`` also ``PORT``."""

    def __init__(self, *, unix: bool = False, bare: bool = False) -> None:
        wanted = ["127.0.0.1:8080", "[::1]:8080"] + ["unix:/run/web.sock"] * unix + ["8080"] * bare
        super().__init__(wanted=", ".join(wanted[:-1]) + " or " + wanted[-1])
        self.unix, self.bare = unix, bare

    def faults(self, value: object) -> t.Iterator[str]:
        found = list(line_faults(value)) if not (self.bare and isinstance(value, int)) else []
        for fault in found or self._socket_faults(str(value)):
            yield f"{fault}; write {self.wanted}"

    def _socket_faults(self, text: str) -> t.Iterator[str]:
        if self.unix and text.startswith("unix:"):
            yield from _path_faults(text[5:])
            return
        host, colon, port = text.rpartition(":")
        if not colon and not self.bare:
            yield f"is {shown(text)} without an address or a port"
            return
        if not re.match(r"[1-9][0-9]{0,4}\Z", port) or int(port) > 65535:
            yield f"has the port {shown(port)}, which is not from 1 to 65535"
        if colon:
            yield from _host_faults(host)


def _path_faults(path: str) -> t.Iterator[str]:
    if not path.startswith("/") or "/../" in path + "/" or path.endswith("/"):
        yield f"has the path {shown(path)}, which is not absolute and plain"
    if set(path) & set(" #"):
        yield f"has the path {shown(path)} with a space or a '#' in it"
    if len(path) > UNIX_PATH_MAX:
        yield "has a path of %d bytes; at most %d fit into a socket's address" % (len(path), UNIX_PATH_MAX)


def _host_faults(host: str) -> t.Iterator[str]:
    brackets = host.startswith("[") and host.endswith("]")
    if ":" in host and not brackets:
        yield "has an IPv6 address without brackets"
    elif not is_ip(host[1:-1] if brackets else host, (6,) if brackets else (4,)):
        yield f"has the address {shown(host)}; names are not resolved, an IP address is wanted"


def is_ip(text: str, versions: t.Tuple[int, ...] = (4, 6)) -> bool:
    """Whether a text is an IP address of one of the versions, without zone, port or brackets."""
    import ipaddress  # only where an address is given: it costs 10 ms on a small host

    try:
        return ipaddress.ip_address(text).version in versions and "%" not in text
    except ValueError:
        return False


class Address:
    """An IP address; IPv6 with or without brackets, written with them."""

    def texts(self, value: t.Any) -> t.List[str]:
        return [f"[{value}]" if ":" in value and not value.startswith("[") else str(value)]

    def faults(self, value: object) -> t.Iterator[str]:
        text = value if isinstance(value, str) else ""
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        if not is_ip(bare, (4,) if bare == text and ":" not in text else (6,)):
            yield f"is {shown(value)}; write an IP address"


class ListOf:
    """A list of one kind; one torrc line per item, or one line with commas."""

    def __init__(self, kind: t.Any, *, comma: bool = False, most: int = 100) -> None:
        self.kind, self.comma, self.most = kind, comma, most

    def texts(self, value: t.Any) -> t.List[str]:
        texts = [text for item in value for text in self.kind.texts(item)]
        return [",".join(texts)] if self.comma else texts

    def faults(self, value: object) -> t.Iterator[str]:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            yield "is %s; write a list of 1 to %d items" % (shown(value), self.most)
            return
        for index, item in enumerate(value):
            for fault in self.kind.faults(item):
                yield "item %d %s" % (index + 1, fault)
