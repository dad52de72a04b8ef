# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.declared_keys import told_keys_dir
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.variables import unknown
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import archive as archives
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.new_file import Unfinished
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.vault import Vault

Variables = t.Dict[str, t.Any]


class ActionModule(ActionBase):
    """Restores keys and declaration on the controller; no connection to any host."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: Variables | None = None) -> Variables:
        """Bring back what is missing, or fail with every fault and change nothing."""
        result: Variables = super().run(tmp, task_vars)
        options = self.validate_argument_spec(
            {
                "path": {"type": "path", "required": True},
                "folder": {"type": "path", "default": "."},
                "keys_dir": {"type": "path"},
                "files": {"type": "bool", "default": True},
                "vault_id": {"type": "str"},
            }
        )[1]
        try:
            return {**result, **self._restore(options, task_vars or {})}
        except Unfinished as exc:
            return {**result, "failed": True, "msg": f"Not all was restored; mend this and run again.\n{exc}"}
        except OnionfleetError as exc:
            return {**result, "failed": True, "msg": f"Nothing was restored.\n{exc}"}

    def _restore(self, options: Variables, variables: Variables) -> Variables:
        faults, _hints = unknown(variables)
        if not options["path"]:
            faults.insert(0, "onion_backup_file: name the backup, as -e onion_backup_file=FILE")
        if faults:
            raise OnionfleetError(*faults)
        vault, check = Vault(self._loader, options["vault_id"]), bool(self._task.check_mode)
        archive, folder = archives.read(options["path"], vault), os.path.abspath(options["folder"])
        told = archive.manifest["keys_dir"]
        # the controller itself is in no inventory's folder
        restored = {**variables, "inventory_dir": folder}
        own = options["keys_dir"] or told_keys_dir(restored, Templar(self._loader, variables=restored))
        if not own and told != "." and not archives.inside(told):
            raise OnionfleetError(
                f"keys_dir: the store was outside of the inventory's folder ({told}); "
                "name its place with -e onion_keys_dir=FOLDER"
            )
        keys_dir = own or os.path.join(folder, told)
        made = archives.restore(archive, keys_dir, folder, vault, files=options["files"], check=check)
        return {
            "changed": bool(made),
            "made": made,
            "addresses": {name: secret.address for name, secret in archive.keys.items()},
            "manifest": {
                key: archive.manifest[key] for key in ("made", "collection", "ansible_core", "kept_elsewhere")
            },
            "diff": {
                "before": "",
                "after": "".join(f"{path}\n" for path in made),
                "before_header": folder,
                "after_header": folder,
            },
        }
