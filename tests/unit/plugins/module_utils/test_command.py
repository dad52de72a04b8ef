# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils import _command

PATH = {"PATH": "/usr/bin:/bin"}


def test_a_program_that_ends():
    done = _command.execute(["sh", "-c", "echo out; echo err >&2; cat; exit 3"], environment=PATH, timeout=60)
    assert done == (3, "out\n", "err\n")


def test_a_program_that_does_not():
    with pytest.raises(TimeoutError, match="sleep did not end in 0.1 s"):
        _command.execute(["sleep", "600"], environment=PATH, timeout=0.1)


def test_a_program_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        _command.execute(["no-such-program"], environment=PATH, timeout=60)
