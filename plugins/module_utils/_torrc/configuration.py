# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of tor as ordered pairs of keyword and value.

Source: tor's src/lib/encoding/confline.c, parse_config_line_from_str_verbose(). A '#' ends an unquoted value
wherever it stands; a backslash at the end of a line continues it; a quoted value has the escapes of C.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

Line = t.Tuple[str, str]

_KEYWORD = re.compile(r"%include\Z|[+/]?[A-Za-z0-9_]+\Z")
_PLAIN = re.compile(r"(?![\" ])[ -\"$-\[\]-~]*(?<! )\Z")
_BLANK = re.compile(r"(?:\s+|#[^\n]*)*")
_NAME = re.compile(r"((?:[^\s#\\]|\\(?!\n))+)(?:[ \t]|\\\n)*")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\[^\n])*)"[ \t]*(?:#[^\n]*)?(?:\n|\Z)')
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[0-7]{1,3}|.)")
# tor takes beginnings of names, too, but these for other options
_SECRET = ("hashedcontrolpassword", "__hashedcontrolsessionpassword", "hidservauth", "httpproxyauthenticator",
           "httpsproxyauthenticator", "socks5proxypassword")
_NOT_SECRET = ("httpproxy", "httpsproxy", "socks5proxy")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "'": "'"}


def render(lines: t.Iterable[Line], comments: t.Sequence[str] = ()) -> str:
    """The text of a configuration file: comments first, then one line per pair.

    :raises ValueError: a keyword that is none, or a NUL in a value; nothing else can break out of its line.
    """
    return "".join(["# " + " ".join(comment.split()) + "\n" for comment in comments]
                   + [_render_line(keyword, value) for keyword, value in lines])


def _render_line(keyword: str, value: str) -> str:
    if not _KEYWORD.match(keyword) or "\0" in value:
        raise ValueError(f"{keyword!r} is no keyword of tor, or its value holds a NUL")
    if not _PLAIN.match(value):
        value = '"' + "".join(_escape(char) for char in value) + '"'
    return (keyword + " " + value).rstrip(" ") + "\n"


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if " " <= char <= "~" else "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))


def parse(text: str) -> t.List[Line]:
    """The pairs of a configuration file in order, ``%include`` among them.

    :raises OnionfleetError: a quoted value that tor would not read, with the number of its line.
    """
    return [(name.group(1), value) for name, value, _end in _pairs(text)]


def redacted(text: str) -> str:
    """A configuration file for people: without the values of options that hold passwords.

    :raises OnionfleetError: as ``parse``.
    """
    shown, at = "", 0
    for name, _value, end in _pairs(text):
        if _is_secret(name.group(1)):
            shown += text[at:name.end(1)] + " (hidden)" + "\n" * text[:end].endswith("\n")
            at = end
    return shown + text[at:]


def _is_secret(keyword: str) -> bool:
    lower = keyword.lower().lstrip("+/")
    return len(lower) > 2 and any(name.startswith(lower) for name in _SECRET) \
        and not any(name.startswith(lower) for name in _NOT_SECRET)


def _pairs(text: str) -> t.Iterator[t.Tuple[t.Match[str], str, int]]:
    """Keyword and value of each line, and where the value ends."""
    at = 0
    while True:
        at = t.cast(t.Match[str], _BLANK.match(text, at)).end()
        name = _NAME.match(text, at)
        if name is None:
            return
        value, at = _quoted(text, name.end()) if text.startswith('"', name.end()) else _unquoted(text, name.end())
        yield name, value, at


def _quoted(text: str, at: int) -> t.Tuple[str, int]:
    match = _QUOTED.match(text, at)
    if match is None:
        raise OnionfleetError(
            "line {}: the quotes do not end with the line; mend it".format(text.count("\n", 0, at) + 1)
        )
    raw = match.group(1).encode("utf-8", "surrogateescape").decode("latin-1")  # escapes stand for bytes
    return _ESCAPE.sub(_unescape, raw).encode("latin-1").decode("utf-8", "surrogateescape"), match.end()


def _unescape(match: t.Match[str]) -> str:
    code = match.group(1)
    if code[0] == "x" and len(code) == 3:
        return chr(int(code[1:], 16))
    return chr(int(code, 8) & 255) if code[0].isdigit() else _ESCAPED.get(code, code)


def _unquoted(text: str, at: int) -> t.Tuple[str, int]:
    """Up to the end of the line or a comment; in a continued value a comment ends with its line, the value does not."""
    value, continued = [], False
    while at < len(text) and text[at] != "\n" and (text[at] != "#" or continued):
        if text.startswith("\\\n", at):
            continued, at = True, at + 2
        elif text[at] == "#":
            at = text.find("\n", at) + 1 or len(text)
        else:
            value.append(text[at])
            at += 1
    return "".join(value).rstrip(), at
