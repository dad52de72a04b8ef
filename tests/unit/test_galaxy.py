# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tools leave in a work tree does not get into the tarball."""

from __future__ import annotations

import pathlib

import yaml

ROOT = pathlib.Path(__file__).parents[2]
BY_ITSELF = {"*.pyc", "__pycache__"}  # ansible-galaxy leaves these out


def test_what_git_ignores_is_not_built():
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    assert ignored - BY_ITSELF - set(yaml.safe_load((ROOT / "galaxy.yml").read_text())["build_ignore"]) == set()
