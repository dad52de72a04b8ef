# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.filter.answers import FilterModule


class Variables(dict):
    """No more of a host is looked at than was asked for."""

    def __iter__(self):
        raise AssertionError

    items = values = __iter__


HOSTVARS = {
    "web1": Variables(first={"a": 1}, second={"a": 2}, more="{{ costly }}"),
    "web2": Variables(first={"a": 3}),
    "web3": Variables(other=[]),
    "web4": Variables(first=[]),
}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["first"], {"web1": {"a": 1}, "web2": {"a": 3}, "web4": []}),
        (["first", "second"], {"web1": {"a": 2}, "web2": {"a": 3}, "web4": []}),
        (["third"], {}),
    ],
)
def test_the_last_that_a_host_has_counts(names, found):
    (answers,) = FilterModule().filters().values()
    assert answers(["web1", "web2", "web3", "web4"], HOSTVARS, *names) == found
