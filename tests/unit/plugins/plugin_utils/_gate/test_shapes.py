# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes: what each takes, what it refuses and in which words, and what texts become."""

from __future__ import annotations

import json
import math
import unicodedata

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.answers import BASE64, FILE, PATH
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.shapes import (
    Address,
    Data,
    Either,
    Flag,
    Many,
    Mapping,
    Maybe,
    Number,
    Odd,
    Text,
    Whole,
    Word,
    clean,
    record,
)
from hypothesis import given
from hypothesis import strategies as st

ADDRESS = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
NAMES = Word("[a-z]+", "a name")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Tagged(str):
    """As ansible-core 2.19 tags texts."""


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (Flag(), True),
        (Whole(), 0),
        (Whole(1, 3), 3),
        (Number(), 1.5),
        (Number(positive=False), -1),
        (Text(), "two words"),
        (NAMES, "web"),
        (Address(), ADDRESS),
        (Maybe(NAMES), None),
        (Maybe(NAMES), "web"),
        (Either(Address(), NAMES), "web"),
        (Many(NAMES), ["a", "b"]),
        (Mapping(NAMES, Whole()), {"a": 1}),
        (record(name=NAMES), {"name": "web"}),
        (record(optional=["name"], name=NAMES), {}),
        (Data(), {"a": [1, None, True, {"b": "c"}]}),
    ],
)
def test_what_fits_stays_as_it_is(shape, value):
    read = shape.read(value, "x")
    assert read == value
    assert isinstance(read, type(value))


@pytest.mark.parametrize(
    ("shape", "value", "words"),
    [
        (Flag(), 1, "x: is a number, not true or false"),
        (Flag(), None, "x: is null, not true or false"),
        (Whole(), True, "x: is no whole number"),
        (Whole(), -1, "x: is no whole number from 0"),
        (Whole(), 1.0, "x: is no whole number"),
        (Whole(), 10**400, "x: is no whole number"),
        (Number(), math.nan, "x: is no number"),
        (Number(), math.inf, "x: is no number"),
        (Number(), -0.5, "x: is less than 0"),
        (Number(), 10**400, "x: is no number"),
        (Text(), ["a"], "x: is a list, not a text"),
        (NAMES, {"a": 1}, "x: is a mapping, not a text"),
        (NAMES, "web\n", "x: is not a name"),
        (NAMES, "", "x: is not a name"),
        (Address(), ADDRESS.upper(), "x: is not an onion address"),
        (Address(), "a" * 56 + ".onion", "x: is not an onion address"),
        (Either(Address(), NAMES), "1", "x: is not a name"),
        (Many(NAMES), "ab", "x: is a text, not a list"),
        (Many(NAMES, 1), ["a", "b"], "x: has 2 entries, and 1 are the most"),
        (Many(NAMES), ["a", "1"], "x[1]: is not a name"),
        (Mapping(NAMES, Whole()), [], "x: is a list, not a mapping"),
        (Mapping(NAMES, Whole(), 1), {"a": 1, "b": 2}, "x: has 2 keys"),
        (Mapping(NAMES, Whole()), {"\x1b[2J": 1}, "a key of x: is not a name"),
        (Mapping(NAMES, Whole()), {"a": "1"}, "x[0]: is no whole number"),
        (record(name=NAMES), {}, "x.name: is missing"),
        (record(name=NAMES), None, "x: is null, not a mapping"),
        (record(of=Many(record(name=NAMES))), {"of": [{"name": 1}]}, "x.of[0].name: is a number"),
        (Data(1), {"a": {"b": {}}}, "x[0]: is nested too deep"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(shape, value, words):
    with pytest.raises(Odd) as caught:
        shape.read(value, "x")
    assert str(caught.value).startswith(words)


def test_what_is_no_field_is_left_out():
    assert record(name=NAMES).read({"name": "web", "ansible_facts": {"x": 1}, "path": "/"}, "") == {"name": "web"}


def test_tags_of_texts_go():
    for shape in (NAMES, Text()):
        assert not isinstance(shape.read(Tagged("web"), "x"), Tagged)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand more", "two lines and more"),
        ("\x1b[2Jgone\x07\x00\x9b", " [2Jgone "),
        ("\u202eback", " back"),
        ("zero\u200bwidth\ufeff", "zero width "),
        ("half \ud800 of one", "half of one"),
        ("{{ lookup('pipe', 'id') }}", "{ { lookup('pipe', 'id') }}"),
        ("{% if %}{# no #}{{{ x }}}", "{ % if %}{ # no #}{ { { x }}}"),
        ("Ünïcödé 😀 is fine", "Ünïcödé 😀 is fine"),
    ],
)
def test_clean(text, shown):
    assert clean(text) == shown


def test_lines_stay_where_they_may():
    assert clean("a\tb\nc\r\x1b", lines=True) == "a\tb\nc  "


@given(st.text(st.characters(blacklist_categories=[])))
def test_a_clean_text_acts_on_nothing(text):
    shown = clean(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in shown)
    assert not any(opener in shown for opener in ("{{", "{%", "{#"))
    assert shown.encode() and clean(shown) == shown or not shown
    assert not any(
        unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t"
        for character in clean(text, lines=True)
    )


@given(JSON)
def test_data_for_people_is_plain_and_can_be_written(value):
    try:
        read = Data().read(value, "x")
    except Odd:
        return
    json.dumps(read, allow_nan=False).encode()


def test_words_are_shortened_and_paths_are_not():
    assert Text(3).read("four", "x") == "fo…" and Text(3).read("fou", "x") == "fou"
    with pytest.raises(Odd):
        PATH.read("/" + "a" * 5000, "x")


def test_a_file_may_have_braces_that_start_no_template():
    assert PATH.read("/etc/x{y}", "x") == "/etc/x{y}" and FILE.read("x{y}", "x") == "x{y}"
    for name in ("a{{b", "a{%b", "a{#b"):
        with pytest.raises(Odd):
            FILE.read(name, "x")


def test_base64_is_checked_in_no_time():
    with pytest.raises(Odd):
        BASE64.read(" " * 99_000 + "!", "x")
