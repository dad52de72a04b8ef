# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import pathlib

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.host_action import HostAction, Variables, listed

MODULE_UTILS = pathlib.Path(__file__).parents[1] / "module_utils"


class ActionModule(HostAction):
    """The module's controller side, which reads the files."""

    def act(self, task_vars: Variables) -> Variables:
        """Send their contents."""
        sources = {
            **{
                prefix: self._find_needle("files", source)
                for prefix, source in dict(self._task.args.get("files") or {}).items()
            },
            **{
                f"ansible_collections/onionfleet/balance/plugins/module_utils/{name}.py": MODULE_UTILS / f"{name}.py"
                for name in listed(self._task.args.get("module_utils"))
            },
        }
        files = {
            name: base64.b64encode(path.read_bytes()).decode()
            for prefix, source in sources.items()
            for name, path in found(prefix, pathlib.Path(source))
        }
        return self.ask(task_vars, files=files, module_utils=[])


def found(prefix: str, source: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    """A file, or all files of a folder, by their paths in the program's folder."""
    if not source.is_dir():
        return [(prefix, source)]
    files = sorted(path for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return [(str(pathlib.PurePosixPath(prefix) / path.relative_to(source).as_posix()), path) for path in files]
