# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes how many tasks ran on each host to the file named by BENCH_COUNT. Each item of a loop counts."""

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
description: Writes how many tasks ran on each host, loops by their items.
"""


class CallbackModule(CallbackBase):
    """Counts results as they come."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_count"

    def __init__(self):
        super().__init__()
        self.tasks = collections.Counter()

    def _count(self, result):
        items = result._result.get("results") if result._task.loop is not None else None
        self.tasks[result._host.get_name()] += len(items or [result])

    v2_runner_on_ok = v2_runner_on_skipped = v2_runner_on_unreachable = _count

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._count(result)

    def v2_playbook_on_stats(self, stats):
        changed = sum(stats.summarize(host)["changed"] for host in stats.processed)
        pathlib.Path(os.environ["BENCH_COUNT"]).write_text(json.dumps({"tasks": self.tasks, "changed": changed}))
