# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.action import show


@pytest.fixture(name="run")
def fixture_run(monkeypatch):
    def run(arguments):
        shown = []
        monkeypatch.setattr(show.Display, "display", lambda _self, text, *_more, **_colors: shown.append(text))
        loader, task = DataLoader(), Task()
        task.args = arguments
        connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=""))
        action = show.ActionModule(task, connection, None, loader, Templar(loader, variables={}), None)
        # ansible's loader sets it
        action._load_name = "onionfleet.balance.show"
        return action.run(task_vars={}), shown

    return run


def test_a_text_of_several_lines_is_printed_as_it_is(run):
    assert run({"text": "\n"}) == ({"changed": False}, [])
    assert run({"text": "host  runs\nweb1  yes\n\n"}) == ({"changed": False}, ["host  runs\nweb1  yes"])


@pytest.mark.parametrize("arguments", [{}, {"text": "a", "more": 1}])
def test_arguments_are_checked(run, arguments):
    with pytest.raises(AnsibleError):
        run(arguments)
