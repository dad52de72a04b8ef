# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of value accepts, and how tor reads it."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import values as v
from hypothesis import given
from hypothesis import strategies as st

PORT = v.Socket()
TARGET = v.Socket(unix=True)


@pytest.mark.parametrize(
    ("kind", "value", "texts"),
    [
        (v.Flag(), True, ["1"]),
        (v.Flag(), "False", ["0"]),
        (v.Flag("auto"), "auto", ["auto"]),
        (v.Number(2, 20), 20, ["20"]),
        (v.Number(0, 20), "0", ["0"]),
        (v.Text(), "a b#c", ["a b#c"]),
        (v.Text("[0-9]+", "digits"), 12, ["12"]),
        (v.Choice("haproxy"), "haproxy", ["haproxy"]),
        (v.Size(), "40 MBytes", ["40 MBytes"]),
        (v.Size(), 4096, ["4096"]),
        (v.Interval(), "6 hours", ["6 hours"]),
        (PORT, "127.0.0.1:8080", ["127.0.0.1:8080"]),
        (PORT, "[::1]:65535", ["[::1]:65535"]),
        (TARGET, "unix:/run/web.sock", ["unix:/run/web.sock"]),
        (v.Socket(bare=True), 8080, ["8080"]),
        (v.Address(), "192.0.2.1", ["192.0.2.1"]),
        (v.Address(), "2001:db8::1", ["[2001:db8::1]"]),
        (v.Address(), "[2001:db8::1]", ["[2001:db8::1]"]),
        (v.ListOf(v.Number(1, 9)), [1, 2], ["1", "2"]),
        (v.ListOf(v.Number(1, 9), comma=True), [1, 2], ["1,2"]),
    ],
)
def test_good_values(kind, value, texts):
    assert list(kind.faults(value)) == []
    assert kind.texts(value) == texts


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (v.Flag(), "yes"),
        (v.Flag(), 1),
        (v.Flag(), None),
        (v.Flag("auto"), "Auto"),
        (v.Number(2, 20), 1),
        (v.Number(2, 20), 21),
        (v.Number(0, 20), True),
        (v.Number(0, 20), 2.0),
        (v.Number(0, 20), "02"),
        (v.Number(0, 20), "２"),
        (v.Text(), ""),
        (v.Text(), " a"),
        (v.Text(), ["a"]),
        (v.Text("[0-9]+", "digits"), "12a"),
        (v.Choice("haproxy"), "HAProxy"),
        (v.Size(), "40 parsecs"),
        (v.Size(), "9999999 TBytes"),
        (v.Size(2048, 262144, 1024), "1 KB"),
        (v.Size(2048, 262144, 1024), 2049),
        (v.Interval(), "soon"),
        (v.Interval(), "5000 msec"),
        (v.Interval(), "2147483648"),
        (v.Interval(1), 0),
        (PORT, "8080"),
        (PORT, "localhost:8080"),
        (PORT, "127.0.0.1:0"),
        (PORT, "127.0.0.1:65536"),
        (PORT, "::1:80"),
        (PORT, "[127.0.0.1]:80"),
        (PORT, "[fe80::1%eth0]:80"),
        (PORT, "unix:/run/web.sock"),
        (TARGET, "unix:run/web.sock"),
        (TARGET, "unix:/run/../web.sock"),
        (TARGET, "unix:/run/web sock"),
        (TARGET, "unix:/" + "a" * v.UNIX_PATH_MAX),
        (v.Address(), "[192.0.2.1]"),
        (v.Address(), "example.org"),
        (v.Address(), 1),
        (v.ListOf(v.Number(1, 9)), []),
        (v.ListOf(v.Number(1, 9)), [1, 10]),
        (v.ListOf(v.Number(1, 9), most=1), [1, 2]),
        (v.ListOf(v.Number(1, 9)), 1),
    ],
)
def test_bad_values(kind, value):
    faults = list(kind.faults(value))
    assert faults
    assert all(fault.startswith(("is ", "has ", "item ")) for fault in faults)


@given(st.text(), st.sampled_from("\n\r\0\"\\\x7fé"), st.text())
def test_nothing_ends_a_line_or_its_quotes(before, evil, after):
    for kind in (v.Text(), v.Choice("a"), v.Size(), v.Interval(), PORT, TARGET, v.Address(), v.ListOf(v.Text())):
        value = before + evil + after
        assert list(kind.faults([value] if isinstance(kind, v.ListOf) else value))


@given(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text())
    )
)
def test_faults_never_fail_and_stay_short(value):
    for kind in (v.Flag(), v.Number(1, 9), v.Text(), v.Size(), PORT, TARGET, v.Address(), v.ListOf(v.Number(1, 9))):
        assert all(len(fault) < 250 and fault.isprintable() for fault in kind.faults(value))
