# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publisher or keeper as its role installs it: its own files, and those that it shares with the modules."""

from __future__ import annotations

import pathlib
import shutil

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections/onionfleet/balance"


def install(role: str, name: str, folder: pathlib.Path) -> pathlib.Path:
    """The folder of the program.

    :param role: that installs it. :param name: of the program. :param folder: an empty one.
    """
    program = folder / name
    shutil.copytree(ROOT / "roles" / role / "files" / name, program, ignore=shutil.ignore_patterns("__pycache__"))
    for util in yaml.safe_load((ROOT / "roles" / role / "vars/main.yml").read_text(encoding="utf-8"))[f"{role}_utils"]:
        path = f"plugins/module_utils/{util}.py"
        (program / COLLECTION / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, program / COLLECTION / path)
    return program
