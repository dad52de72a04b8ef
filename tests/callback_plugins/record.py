# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what each task of a run returned, as lines of JSON, and kills the run where it is told to."""

from __future__ import annotations

DOCUMENTATION = """
name: record
type: aggregate
short_description: Record a run for the tests
description: See the module's docstring.
"""

import json
import os
import signal
import threading

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """RECORD is the file; KILL_AT the task (number or name) at whose start the run dies, KILL_AFTER seconds later."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.file = open(os.environ["RECORD"], "a", encoding="utf-8")  # noqa: SIM115 -- open as long as the run
        self.kill_at = os.environ.get("KILL_AT", "none")
        self.kill_after = float(os.environ.get("KILL_AFTER", "0.7"))  # late enough for a module to have begun
        self.started = 0

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.started += 1
        self._write(
            {"started": self.started, "task": task.get_name(), "role": task._role.get_name() if task._role else ""}
        )
        if self.kill_at in (str(self.started), task.get_name().rpartition(" : ")[2]):
            if not self.kill_after:
                os.killpg(0, signal.SIGKILL)
            threading.Timer(self.kill_after, os.killpg, (0, signal.SIGKILL)).start()

    def v2_runner_on_ok(self, result):
        self._result("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._result("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._result("skipped", result)

    def _result(self, outcome, result):
        self._write(
            {
                "host": result._host.get_name(),
                "task": result._task.get_name(),
                "outcome": outcome,
                "result": result._result,
            }
        )

    def _write(self, entry):
        self.file.write(json.dumps(entry, default=str) + "\n")
        self.file.flush()
