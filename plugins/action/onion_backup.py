# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import os
import pathlib
import typing as t

from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, collected
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.declared_keys import (
    common_keys_dir,
    declaring_variables,
    of_hosts,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.variables import unknown
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import archive as archives
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.vault import Vault

Variables = t.Dict[str, t.Any]

ENDINGS = (".yml", ".yaml", ".ini", ".json", ".toml")


class ActionModule(ActionBase):
    """Backs up keys and declaration on the controller; no connection to any host."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: Variables | None = None) -> Variables:
        """Make the archive, or fail with every fault and make nothing."""
        result: Variables = super().run(tmp, task_vars)
        options = self.validate_argument_spec(
            {
                "path": {"type": "path"},
                "keys_dir": {"type": "path"},
                "files": {"type": "list", "elements": "str"},
                "vault_id": {"type": "str"},
            }
        )[1]
        try:
            return {**result, **self._back_up(options, task_vars or {})}
        except OnionfleetError as exc:
            return {**result, "failed": True, "msg": f"There is no backup.\n{exc}"}

    def _back_up(self, options: Variables, variables: Variables) -> Variables:
        now = datetime.datetime.now(datetime.timezone.utc)
        raw = of_hosts(variables)
        declaring, faults = declaring_variables(variables, raw)
        faults += unknown(variables, *raw.values())[0]
        keys_dir = options["keys_dir"] or collected(faults, lambda: common_keys_dir(declaring, raw, self._templar))
        folders = sorted({str(of_host["inventory_dir"]) for of_host in raw.values() if of_host.get("inventory_dir")})
        if not declaring.get("inventory_dir"):
            faults.append(
                "the inventory has no folder whose files could be kept; start with one that has (-i FOLDER/hosts.yml)"
            )
        if len(folders) > 1 and options["files"] is None:
            faults.append(
                f"files: the inventory is in several folders: {', '.join(folders)}; "
                f"write the files to keep (onion_backup_files), in relation to {os.path.commonpath(folders)}"
            )
        if faults:
            raise OnionfleetError(*faults)
        folder = os.path.commonpath(folders or [str(declaring["inventory_dir"])])
        paths = options["files"] if options["files"] is not None else _declaring(folder, declaring)
        vault = Vault(self._loader, options["vault_id"])
        manifest = {
            "made": now.isoformat(timespec="seconds"),
            "ansible_core": core_version,
            "collection": _version(),
            "keys_dir": os.path.relpath(keys_dir, folder),
        }
        archive = archives.gather(keys_dir, folder, paths, vault, manifest)
        path = os.path.abspath(options["path"] or f"onionfleet-{now:%Y%m%dT%H%M%SZ}.backup")
        if not self._task.check_mode:
            archives.write(path, archive, vault)
        return {
            "changed": True,
            "path": path,
            "addresses": {name: secret.address for name, secret in archive.keys.items()},
            "files": list(archive.files),
            "kept_elsewhere": archive.manifest["kept_elsewhere"],
        }


def _declaring(folder: str, variables: t.Mapping[str, t.Any]) -> list[str]:
    """What Ansible reads of the folder: the inventory, its variables, its settings. No folder for keys or passwords."""
    sources = [pathlib.Path(source) for source in variables.get("ansible_inventory_sources") or []]
    inner = [path for source in sources for path in (source.iterdir() if source.is_dir() else [source])]
    told = [path for path in inner if path.suffix in ENDINGS or path in sources or path.name == "hosts"]
    inside = [os.path.relpath(path, folder) for path in told if not path.is_dir()]
    names = ["ansible.cfg", "group_vars", "host_vars", *(path for path in inside if path.split("/")[0] != "..")]
    return [name for name in names if os.path.lexists(os.path.join(folder, name))]


def _version() -> str:
    galaxy, manifest = (pathlib.Path(__file__).parents[2] / name for name in ("galaxy.yml", "MANIFEST.json"))
    import yaml

    if manifest.exists():
        return str(yaml.safe_load(manifest.read_text())["collection_info"]["version"])
    return str(yaml.safe_load(galaxy.read_text())["version"])
