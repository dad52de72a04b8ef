# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes how many tasks each host had to the file named by BENCH_COUNT, and how many modules it ran. Each item of a
loop counts.
"""

from __future__ import annotations

import collections
import json
import os
import pathlib

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_count
type: aggregate
short_description: Count the tasks of each host
description: See the module's docstring.
"""

ON_CONTROLLER = {
    *(f"ansible.builtin.{name}" for name in ("add_host", "assert", "fail", "group_by", "include_role", "set_fact")),
    *(f"ansible.builtin.{name}" for name in ("include_tasks", "validate_argument_spec")),
    *(f"onionfleet.balance.{name}" for name in ("plan", "show")),
}


class CallbackModule(CallbackBase):
    """Counts results as they come."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_count"

    def __init__(self):
        super().__init__()
        self.tasks, self.modules = collections.Counter(), collections.Counter()

    def _count(self, result, ran=True):
        items = result._result.get("results") if result._task.loop is not None else None
        number = len(items or [result])
        self.tasks[result._host.get_name()] += number
        if ran and result._task.action not in ON_CONTROLLER:
            self.modules[result._host.get_name()] += number

    v2_runner_on_ok = v2_runner_on_unreachable = _count

    def v2_runner_on_skipped(self, result):
        self._count(result, ran=False)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._count(result)

    def v2_playbook_on_stats(self, stats):
        changed = sum(stats.summarize(host)["changed"] for host in stats.processed)
        counted = {"tasks": self.tasks, "modules": self.modules, "changed": changed}
        pathlib.Path(os.environ["BENCH_COUNT"]).write_text(json.dumps(counted))
