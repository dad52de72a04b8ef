# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plugin without a test is found here."""

from __future__ import annotations

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
KINDS = ("action", "filter", "lookup", "module_utils", "modules", "plugin_utils", "test")
FILES = sorted(path for kind in KINDS for path in (ROOT / "plugins" / kind).rglob("*.py") if path.name != "__init__.py")
DOCUMENTS = sorted((ROOT / "plugins").glob("*/*.yml"))


def named(path):
    """Whether a unit test says the plugin's name; files of rooms may be tested through those that import them."""
    tests = (ROOT / "tests/unit").rglob("test_*.py")
    if path.parent.parent.name not in ("module_utils", "plugin_utils"):
        kind = path.parent.name
        return any(
            re.search(rf"\b{path.stem}\b", test.read_text())
            for test in tests
            if test.parent.name == kind or path.stem == "_errors"
        )
    room = path.parent.name
    imports = re.compile(rf"{room}\.{path.stem}\b|{room} import .*\b{path.stem}\b")
    users = (user for user in FILES if user != path and imports.search(user.read_text()))
    return any(imports.search(test.read_text()) for test in tests) or any(map(named, users))


def test_no_kind_is_forgotten():
    holding = {path.parent.name for path in (ROOT / "plugins").glob("*/*.py")}
    assert holding - {"doc_fragments"} <= set(KINDS)


@pytest.mark.parametrize("path", [*FILES, *DOCUMENTS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_unit_test_names_it(path):
    assert named(path), f"no unit test names {path.relative_to(ROOT)}"
