# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.answers import ANSWERS
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.host_action import HostAction, Variables


class ActionModule(HostAction):
    """Runs a module of ansible-core; its answer passes the gate as those of our own modules do."""

    def act(self, task_vars: Variables) -> Variables:
        """What of the module's answer passes."""
        _validation, arguments = self.validate_argument_spec(
            {"module": {"type": "str", "required": True, "choices": sorted(name for name in ANSWERS if "." in name)},
             "options": {"type": "dict", "default": {}}}
        )
        module, options = arguments["module"], arguments["options"]
        return self.passed(module, options, task_vars, lambda: self._run(module, options, task_vars))

    def longest(self) -> float:
        """Of what roles run in this way, a reboot alone takes long."""
        return float(self._task.args["options"]["reboot_timeout"])

    def _run(self, module: str, options: Variables, task_vars: Variables) -> t.Any:
        if not action_loader.has_plugin(module):
            return self._execute_module(module, options, task_vars=task_vars)
        task = self._task.copy()
        task.action, task.args = module, options
        handler = action_loader.get(
            module, task=task, connection=self._connection, play_context=self._play_context, loader=self._loader,
            templar=self._templar, shared_loader_obj=self._shared_loader_obj,
        )
        if handler is None:
            raise AnsibleActionFail(f"{module}: there is no such action")
        return handler.run(task_vars=task_vars)
