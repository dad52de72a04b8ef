# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import configuration
from hypothesis import given, settings
from hypothesis import strategies as st

KEYWORDS = st.from_regex(r"[A-Za-z0-9_]{1,12}\Z|%include", fullmatch=True)
VALUES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(st.tuples(KEYWORDS, VALUES), max_size=5))
def test_torrc_round_trip(lines: list[tuple[str, str]]) -> None:
    text = configuration.render(lines, ["a comment\nORPort 1"])
    assert text.count("\n") == len(lines) + 1
    assert configuration.parse(text) == lines


@pytest.mark.parametrize("line", [("A B", "c"), ("A\nB", "c"), ("A", "\0"), ("", "x"), ("#", "x")])
def test_torrc_refuses_keywords_that_are_none(line: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="no keyword of tor"):
        configuration.render([line])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n # only a comment", []),
        ("A b # c\n\n  B\tc d  \n", [("A", "b"), ("B", "c d")]),
        ('A "b # \\"c\\" \\x41\\101\\n" # d\nB', [("A", 'b # "c" AA\n'), ("B", "")]),
        ("A b\\\n c\nB d", [("A", "b c"), ("B", "d")]),
        ("A b\\\n# within\nc\nB d", [("A", "bc"), ("B", "d")]),
        ('HiddenServicePort 80 "unix:/run/x"', [("HiddenServicePort", '80 "unix:/run/x"')]),
        ("%include /etc/x/", [("%include", "/etc/x/")]),
    ],
)
def test_parse_as_tor_does(text: str, lines: list[tuple[str, str]]) -> None:
    assert configuration.parse(text) == lines


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(st.tuples(KEYWORDS, VALUES), max_size=5))
def test_nothing_but_secrets_is_hidden(lines: list[tuple[str, str]]) -> None:
    text = configuration.render(lines, ["a comment"])
    assert configuration.redacted(text) == text
    hidden = configuration.redacted(configuration.render([("Socks5ProxyPassword", value) for _keyword, value in lines]))
    assert hidden == "Socks5ProxyPassword (hidden)\n" * len(lines)


def test_secrets_of_any_spelling_are_hidden() -> None:
    text = """# kept
HTTPSProxy 192.0.2.1:3128 # kept
 httpsproxyauth user:pass # gone
Socks5Proxy 192.0.2.1:1080
+HashedControlPassword 16:1111\\
# within
2222
Socks5ProxyPassword "a \\" b" # kept
__HashedControlSessionPassword\t16:3333"""
    assert configuration.redacted(text) == """# kept
HTTPSProxy 192.0.2.1:3128 # kept
 httpsproxyauth (hidden)# gone
Socks5Proxy 192.0.2.1:1080
+HashedControlPassword (hidden)
Socks5ProxyPassword (hidden)
__HashedControlSessionPassword (hidden)"""


@pytest.mark.parametrize("value", ['"open', '"a" b', '"a\\'])
def test_parse_names_the_line_of_bad_quotes(value: str) -> None:
    with pytest.raises(OnionfleetError, match="line 2"):
        configuration.parse("A b\nB " + value + "\n")
