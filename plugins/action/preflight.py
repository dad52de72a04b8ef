# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.onionfleet.balance.plugins.plugin_utils._fleet import clock_offset

NO_SPACE = "No space left on device"


class ActionModule(ActionBase):
    """Runs the module and measures the host's clock around it."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Optional[t.Dict[str, t.Any]] = None) -> t.Dict[str, t.Any]:
        """The module's report, with the clock's offset; a disk too full to run a module is a fault like others."""
        super().run(tmp, task_vars)
        before = time.time()
        result = self._execute_module(task_vars=task_vars)
        after = time.time()
        if result.get("failed") and any(NO_SPACE in str(value) for value in result.values()):
            fault = "disk: it is so full that nothing runs on this host; make room"
            return {"changed": False, "faults": [fault], "hints": [], "missing_keys": [], "tor": None}
        if "clock" in result:
            result["clock"] = clock_offset(before, result["clock"]["now"], after)
        return t.cast("t.Dict[str, t.Any]", result)
