# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rooms of the shared code import downwards only."""

from __future__ import annotations

import ast
import pathlib
import typing as t

import pytest

PLUGINS = pathlib.Path(__file__).parents[2] / "plugins"
PACKAGE = "ansible_collections.onionfleet.balance.plugins."
# lowest first; docs/architecture.md draws them
FLOORS = {
    "module_utils": ["_errors", "_onion", "_torrc", "_host", "_tor", "_daemons", "_programs", "_whole_host"],
    "plugin_utils": ["_errors", "_gate", "_plan", "_store", "_status", "_day_two", "_picture"],
}


def imported(path: pathlib.Path) -> t.Iterator[t.Tuple[str, str]]:
    """Kind and room of everything of this collection that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            names = [*(node.module or "").removeprefix(PACKAGE).split("."), node.names[0].name]
            yield names[0], names[1]


def room(path: pathlib.Path) -> str:
    return path.relative_to(PLUGINS).with_suffix("").parts[1]


@pytest.mark.parametrize("kind", FLOORS)
def test_every_file_is_in_a_room(kind: str) -> None:
    assert {room(path) for path in (PLUGINS / kind).rglob("*.py")} == {*FLOORS[kind]}


@pytest.mark.parametrize("kind", FLOORS)
def test_imports_go_down(kind: str) -> None:
    floor = {name: number for number, name in enumerate(FLOORS[kind])}
    up = [
        f"{path.relative_to(PLUGINS)} imports {other_kind}.{other}"
        for path in sorted((PLUGINS / kind).rglob("*.py"))
        for other_kind, other in imported(path)
        if (other_kind != "module_utils" if other_kind != kind else floor[other] > floor[room(path)])
    ]
    assert up == []


@pytest.mark.parametrize("kind", FLOORS)
def test_each_room_says_what_belongs_there(kind: str) -> None:
    for name in FLOORS[kind]:
        folder = PLUGINS / kind / name
        if folder.is_dir():
            assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
