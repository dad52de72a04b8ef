# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onionbalance from its wheel: checked, and imported straight from the file.

    add(folder)     make the wheel in a folder importable, or Refused
"""

from __future__ import annotations

import hashlib
import pathlib
import re
import sys


class Refused(Exception):
    """The publisher must not start; the text says why, in one line."""


def pin(requirements: str) -> tuple[str, str]:
    """File name and SHA-256 of the wheel that a requirements file with a hash names."""
    found = re.search(r"^(onionbalance)==(\S+) --hash=sha256:([0-9a-f]{64})$", requirements, re.MULTILINE)
    if not found:
        raise Refused("requirements.txt names no onionbalance with a hash")
    return f"{found[1]}-{found[2]}-py2.py3-none-any.whl", found[3]


def add(folder: pathlib.Path) -> str:
    """Let Python import from the wheel in `folder`, if requirements.txt there names it; returns its version."""
    try:
        name, digest = pin((folder / "requirements.txt").read_text())
        content = (folder / name).read_bytes()
    except OSError as error:
        raise Refused(f"Onionbalance: {error}") from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != digest:
        raise Refused(f"Onionbalance: {folder / name} has the SHA-256 {actual} and not {digest}")
    sys.path.insert(0, str(folder / name))
    return name.split("-")[1]
