# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import contextlib
import functools
import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, collected, near
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.lost import distrusted, first_line
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.planted import without_facts
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.declared_keys import (
    Declared,
    common_keys_dir,
    declaring_variables,
    default_keys_dir,
    of_hosts,
    operator_variable,
    read_declared,
    secret_from,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.variables import unknown
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import store
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.new_file import Unfinished
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.vault import Vault

Variables = t.Dict[str, t.Any]
Import = t.Callable[[], key_file.SecretKey]


class ActionModule(ActionBase):
    """Completes the store of keys on the controller; no connection to any host."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: Variables | None = None) -> Variables:
        """Create what is missing, or fail with every fault and create nothing."""
        result: Variables = super().run(tmp, task_vars)
        options = self.validate_argument_spec(
            {
                "services": {"type": "list", "elements": "raw"},
                "keys_dir": {"type": "path"},
                "imports": {"type": "raw"},
                "running": {"type": "list", "elements": "dict", "default": []},
                "vault_id": {"type": "str"},
            }
        )[1]
        try:
            return {**result, **self._complete(options, task_vars or {})}
        except Unfinished as exc:
            return {**result, "failed": True, "msg": f"Not all keys were made; mend this and run again.\n{exc}"}
        except OnionfleetError as exc:
            return {**result, "failed": True, "msg": f"The keys have faults; nothing was made.\n{exc}"}

    def _complete(self, options: Variables, variables: Variables) -> Variables:
        services, templar = options["services"], self._templar
        faults: list[str] = []
        hosts = [str(host) for host in variables.get("groups", {}).get("all", [])]
        if services is None:
            raw = of_hosts(variables)
            declaring, faults = declaring_variables(variables, raw)
            faults += unknown(variables, *raw.values())[0]
            templar = Templar(self._loader, variables=dict(declaring))
            read = collected(
                faults, lambda: read_declared(operator_variable("onion_services", declaring, templar, []), templar)
            )
            keys_dir = options["keys_dir"] or collected(faults, lambda: common_keys_dir(declaring, raw, templar))
        else:
            faults += unknown(variables)[0]
            read = collected(faults, lambda: read_declared(services, templar))
            keys_dir = options["keys_dir"] or collected(
                faults, lambda: default_keys_dir(without_facts(variables), templar)
            )
        imports = collected(faults, lambda: _imports(options["imports"]))
        if faults:
            raise OnionfleetError(*faults)
        declared = [service for service in read if service.state != "absent"]
        check = bool(self._task.check_mode)
        entries = store.complete(
            keys_dir,
            _wanted(declared, {**imports, **_running(options["running"], hosts)}),
            Vault(self._loader, options["vault_id"]),
            check=check,
        )
        layouts = {service.name: service.layout for service in declared}
        return {**_report(entries, check), "keys_dir": keys_dir, "layouts": layouts}


def _wanted(declared: list[Declared], imports: t.Mapping[str, Import]) -> list[store.Wanted]:
    names = [service.name for service in declared]
    faults = [
        f"onion_import: {name!r}: no such service is declared as present{near(name, names)}; mend or remove it"
        for name in imports
        if name not in names
    ]
    faults += [
        f"service '{name}': name: stands {names.count(name)} times" for name in set(names) if names.count(name) > 1
    ]
    if faults:
        raise OnionfleetError(*sorted(faults))
    return [
        store.Wanted(
            service.name,
            address=service.address,
            given=imports.get(service.name, service.secret_key),
            kept_elsewhere=service.secret_key is not None,
        )
        for service in declared
    ]


def _running(results: list[Variables], hosts: t.Collection[str]) -> dict[str, Import]:
    """What hosts answered, which is text at most; anything else of them names no file here."""
    found: dict[str, list[Variables]] = {}
    for result in results:
        found.setdefault(str(result["item"][0]["key"]), []).append(result)
    return {name: functools.partial(_from_host, of_name, hosts) for name, of_name in found.items()}


def _from_host(results: list[Variables], hosts: t.Collection[str]) -> key_file.SecretKey:
    value = results[0]["item"][0]["value"]
    host, path = str(value["host"]), str(value["path"])
    if host not in hosts:
        raise OnionfleetError(f"host '{host}': is no host of the inventory{near(host, hosts)}")
    lies = [distrusted(result) for result in results if distrusted(result)]
    if lies:
        raise OnionfleetError(lies[0])
    contents: dict[str, bytes] = {}
    for result in results:
        with contextlib.suppress(ValueError, TypeError):  # no text, or no base64
            content = base64.b64decode(t.cast(str, result.get("content")), validate=True)
            contents[os.path.join(path, result["item"][1]).rstrip("/")] = content
    if not contents:
        raise OnionfleetError(f"host '{host}': {path}: could not be read: {first_line(results[0])}")
    try:
        return key_file.load_found(path.rstrip("/"), contents)
    except OnionfleetError as exc:
        raise OnionfleetError(*(f"host '{host}': {fault}" for fault in exc.faults)) from None


def _imports(declared: t.Any) -> dict[str, Import]:
    if declared is None:
        return {}
    if not isinstance(declared, t.Mapping):
        # a text could be a key
        raise OnionfleetError("onion_import: is no mapping; write 'SERVICE: {path: …}' for each key")
    return {str(name): functools.partial(_from_controller, value) for name, value in declared.items()}


def _from_controller(value: t.Any) -> key_file.SecretKey:
    given = value if isinstance(value, t.Mapping) else {"content": value if isinstance(value, str) else None}
    if list(given) == ["content"] and given["content"] is not None:
        return secret_from(given["content"])
    if list(given) == ["path"] and isinstance(given["path"], str) and given["path"]:
        return key_file.load_path(os.path.abspath(os.path.expanduser(given["path"])))
    raise OnionfleetError(
        "onion_import: write {path: …}, {content: …}, {host: …, path: …} or the content itself, with texts"
    )


def _report(entries: list[store.Entry], check: bool) -> Variables:
    told = {entry.name: store.NEW if check and entry.generated else entry.address for entry in entries}
    created = [entry.name for entry in entries if entry.create]
    after = "".join(f"{entry.name}.{ending}: {told[entry.name]}\n" for entry in entries for ending in entry.create)
    return {
        "changed": bool(created),
        "addresses": told,
        "created": created,
        "diff": {"before": "", "after": after, "before_header": "key store", "after_header": "key store"},
    }
