# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._host import command


def test_a_program_that_ends():
    done = command.execute(["sh", "-c", "echo out; echo err >&2; cat; exit 3"], timeout=60)
    assert done == (3, "out\n", "err\n")


def test_a_program_that_does_not():
    with pytest.raises(TimeoutError, match="sleep did not end in 0.1 s"):
        command.execute(["sleep", "600"], timeout=0.1)


def test_a_program_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        command.execute(["no-such-program"], timeout=60)


def test_roots_programs_are_found_and_speak_english(monkeypatch):
    """As under su, and with the language of the host."""
    for name, value in (("PATH", "/usr/bin:/bin"), ("LC_ALL", "de_DE.UTF-8"), ("LANGUAGE", "de")):
        monkeypatch.setenv(name, value)
    done = command.execute(["sh", "-c", "command -v ldconfig; ls /nowhere; echo $LC_ALL"], timeout=60)
    assert done.output.split() in (["/usr/sbin/ldconfig", "C"], ["/sbin/ldconfig", "C"])
    assert "No such file" in done.errors
    assert "HOME=/elsewhere" in command.execute(["env"], timeout=60, HOME="/elsewhere").output.splitlines()
    monkeypatch.delenv("PATH")
    assert command.execute(["ldconfig", "-V"], timeout=60).code == 0
