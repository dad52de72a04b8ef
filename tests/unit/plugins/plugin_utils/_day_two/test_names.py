# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One way to give names for all playbooks."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.names import names

PLAYBOOKS = pathlib.Path(__file__).parents[5] / "playbooks"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("newsroom", ["newsroom"]),
        ("newsroom, archive,,newsroom ", ["newsroom", "archive"]),
        (["newsroom", " archive ", ""], ["newsroom", "archive"]),
        ("", []),
        ([], []),
    ],
)
def test_a_list_and_names_with_commas_are_the_same(value, expected):
    assert names(value, "onion_publish") == expected


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        (7, ["onion_publish: is the number 7; write a list of names, or names with commas between"]),
        ({"newsroom": None}, ["onion_publish: is a mapping; write a list of names, or names with commas between"]),
        (
            ["a", 1, None],
            ["onion_publish: entry 2 is the number 1; write a name", "onion_publish: entry 3 is empty; write a name"],
        ),
    ],
)
def test_what_is_no_name_is_named(value, faults):
    with pytest.raises(OnionfleetError) as told:
        names(value, "onion_publish")
    assert told.value.faults == faults


def test_no_playbook_splits_names_in_a_way_of_its_own():
    assert [path.name for path in PLAYBOOKS.rglob("*.yml") if "split(','" in path.read_text()] == []
