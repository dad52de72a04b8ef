# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of the modules that take secrets."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.onionfleet.balance.plugins.action import keeper_credentials, onion_descriptor_info, onionbalance_config, tor_instances
from ansible_collections.onionfleet.balance.plugins.plugin_utils._secret_action import SecretAction

Run = t.Callable[..., t.Dict[str, t.Any]]


@pytest.fixture(name="run", params=[onionbalance_config, tor_instances, onion_descriptor_info, keeper_credentials],
                ids=lambda module: module.__name__.rpartition(".")[2])
def fixture_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*, pipelining: bool, **args: t.Any) -> dict[str, t.Any]:
        action = object.__new__(request.param.ActionModule)
        assert isinstance(action, SecretAction)
        action._task = types.SimpleNamespace(args=args)
        monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
        monkeypatch.setattr(ActionBase, "_is_pipelining_enabled", lambda *_arguments, **_options: pipelining)
        monkeypatch.setattr(ActionBase, "_execute_module", lambda _self, task_vars=None: {"changed": True, "seen": task_vars})
        return action.run(None, {"host": 1})

    return run


@pytest.mark.parametrize("option", ["secrets", "option_secrets", "credentials"])
def test_secrets_need_pipelining(run: Run, option: str) -> None:
    with pytest.raises(AnsibleActionFail, match="ansible_pipelining: true"):
        run(pipelining=False, **{option: {"archive": "key"}})
    assert run(pipelining=True, **{option: {"archive": "key"}}) == {"changed": True, "seen": {"host": 1}}


def test_without_secrets_nothing_is_asked_for(run: Run) -> None:
    assert run(pipelining=False, secrets={}) == run(pipelining=False) == {"changed": True, "seen": {"host": 1}}


def test_files_that_are_kept_would_keep_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(C, "DEFAULT_KEEP_REMOTE_FILES", True)
    with pytest.raises(AnsibleActionFail, match="KEEP_REMOTE_FILES"):
        run(pipelining=True, secrets={"archive": "key"})
    assert run(pipelining=True)["changed"]


def test_no_message_holds_the_secret(run: Run) -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        run(pipelining=False, secrets={"archive": "very-secret"})
    assert "very-secret" not in str(caught.value)
