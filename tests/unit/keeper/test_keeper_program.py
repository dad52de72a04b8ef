# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper's program, with nothing but what its role installs."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

from installed_program import install


def test_it_imports_all_that_it_needs(tmp_path: pathlib.Path) -> None:
    program = install("keeper", "keeper", tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"services": []}))
    command = [sys.executable, "-I", "-B", str(program), "--check", str(tmp_path / "config.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Error" not in done.stderr, done.stderr
    assert done.returncode == 0 or "Refused to start" in done.stderr
