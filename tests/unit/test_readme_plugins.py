# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README names what an operator may use, and nothing that is internal."""

from __future__ import annotations

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
INTERNAL = "onionfleet.balance.internal"


def documented(kind: str) -> dict[str, bool]:
    """Each plugin that has documentation, and whether it is internal."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "plugins" / kind).glob("*.*"))}
    return {name: INTERNAL in text for name, text in texts.items() if "DOCUMENTATION" in text}


def test_the_readme_lists_the_modules_and_filters_that_are_not_internal() -> None:
    rows = [
        line
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if re.match(r"\| (module|lookup)", line)
    ]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    public = {
        name
        for kind in ("modules", "filter", "lookup", "test")
        for name, internal in documented(kind).items()
        if not internal
    }
    assert named == public
