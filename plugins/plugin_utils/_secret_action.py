# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions whose modules take secrets: sent only where Ansible keeps them out of temporary files."""

from __future__ import annotations

import typing as t

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

SECRETS = ("secrets", "option_secrets", "credentials")


class SecretAction(ActionBase):
    """Runs the module of the same name, which takes its secrets as options of these names."""

    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[t.Dict[str, t.Any]] = None) -> t.Dict[str, t.Any]:
        """The module's result.

        :raises AnsibleActionFail: there are secrets, and they would be written to a file on the host.
        """
        result = super().run(tmp, task_vars)
        self._refuse_files()
        result.update(self.act(task_vars or {}))
        return result

    def act(self, task_vars: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
        """What is done when nothing speaks against it."""
        return t.cast("t.Dict[str, t.Any]", self._execute_module(task_vars=task_vars))

    def _refuse_files(self) -> None:
        """Without pipelining a module travels with its arguments as a file, which stays when files are kept."""
        if not any(self._task.args.get(name) for name in SECRETS):
            return
        if C.DEFAULT_KEEP_REMOTE_FILES:
            raise AnsibleActionFail("the secrets would stay in a file on the host; unset ANSIBLE_KEEP_REMOTE_FILES")
        if not self._is_pipelining_enabled("new", wrap_async=False):
            raise AnsibleActionFail(
                "the secrets would be written into a temporary file on the host; set ansible_pipelining: true for it "
                "(with sudo, requiretty must be off, which is the default)"
            )
