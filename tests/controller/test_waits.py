# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told while a task waits: a real ansible-core, and this machine as the host."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

COUNT = "echo x >> {0}; printf 'one\\033[2J\\n%s of 3 in {0}' $(wc -l < {0})"
LINE = re.compile(r"^\[here\] (\d+) s of at most (\d+) s: waiting(.*)$", re.MULTILINE)


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Runs a task that succeeds at the third attempt; seconds, limit and text of each line about its wait."""
    (tmp_path / "hosts").write_text(f"here ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def run(waits_for, file="count", **keywords):
        task = {
            "onionfleet.balance.guarded": {
                "module": "ansible.builtin.command",
                "options": {"argv": ["sh", "-c", COUNT.format(file)]},
            },
            "register": "counted",
            "until": "'3 of' in counted.stdout",
            "retries": 4,
            "delay": 1,
            "vars": {"own_waits_for": waits_for},
            **keywords,
        }
        pathlib.Path("play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
        done = subprocess.run(
            ["ansible-playbook", "-i", "hosts", "play.yml"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert "\033" not in done.stdout
        return [(int(elapsed), int(limit), text) for elapsed, limit, text in LINE.findall(done.stdout)]

    return run


def test_each_attempt_tells_what_the_one_before_left_missing(shown):
    """What a host says begins no line."""
    lines = shown(
        "{{ counted.stdout.splitlines() | join(' ') }}\n\n{% for name in 'abc' %}\n{{ name }}\n{% endfor %}\n"
    )
    assert [text for _elapsed, _limit, text in lines] == [
        f" for one [2J {number} of 3 in count; a; b and 1 more" for number in (1, 2)
    ]
    (first, limit, _text), (second, _limit, _text) = lines
    assert 1 <= first < second < limit


def test_each_item_of_a_loop_waits_for_itself(shown):
    lines = shown("{{ counted.stdout | regex_search('[12] of.*') }}", file="{{ item }}", loop=["left", "right"])
    assert [text for _elapsed, _limit, text in lines] == [
        f" for {number} of 3 in {item}" for item in ("left", "right") for number in (1, 2)
    ]
    assert lines[2][0] < lines[1][0]


@pytest.mark.parametrize("broken", ["{{ nowhere_defined }}", "{{ 1 / 0 }}"])
def test_a_broken_text_ends_no_wait(shown, broken):
    assert shown(broken) == []
