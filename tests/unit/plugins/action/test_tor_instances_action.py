# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t

import pytest
from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.onionfleet.balance.plugins.action import tor_instances


@pytest.fixture(name="run")
def fixture_run(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., dict[str, t.Any]]:
    def run(*, pipelining: bool, **args: t.Any) -> dict[str, t.Any]:
        action = object.__new__(tor_instances.ActionModule)
        action._task = types.SimpleNamespace(args=args)
        monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
        monkeypatch.setattr(ActionBase, "_is_pipelining_enabled", lambda *_arguments, **_options: pipelining)
        monkeypatch.setattr(ActionBase, "_execute_module", lambda _self, task_vars=None: {"changed": True})
        return action.run(None, {})

    return run


def test_secrets_need_pipelining(run: t.Callable[..., dict[str, t.Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnsibleActionFail, match="ansible_pipelining: true"):
        run(pipelining=False, secrets={"a": "b"})
    with pytest.raises(AnsibleActionFail, match="ansible_pipelining: true"):
        run(pipelining=False, option_secrets={"a": "b"})
    assert run(pipelining=False, secrets={}) == run(pipelining=False) == run(pipelining=True, secrets={"a": "b"}) == {"changed": True}
    monkeypatch.setattr(C, "DEFAULT_KEEP_REMOTE_FILES", True)
    with pytest.raises(AnsibleActionFail, match="KEEP_REMOTE_FILES"):
        run(pipelining=True, secrets={"a": "b"})
