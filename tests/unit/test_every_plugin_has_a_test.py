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
FILES = sorted(path for kind in KINDS for path in (ROOT / "plugins" / kind).glob("*.py"))
DOCUMENTS = sorted((ROOT / "plugins").glob("*/*.yml"))


def named(path):
    """Whether a unit test says the plugin's name; utils may be tested through those that they serve."""
    kinds = ("*",) if path.stem.startswith("_") else (path.parent.name,)
    tests = [test for kind in kinds for test in (ROOT / "tests/unit/plugins").glob(f"{kind}/test_*.py")]
    return any(re.search(rf"\b{path.stem}\b", test.read_text()) for test in tests)


def test_no_kind_is_forgotten():
    holding = {path.parent.name for path in (ROOT / "plugins").glob("*/*.py")}
    assert holding - {"doc_fragments"} <= set(KINDS)


@pytest.mark.parametrize("path", [*FILES, *DOCUMENTS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_unit_test_names_it(path):
    assert named(path), f"no unit test names {path.relative_to(ROOT)}"
