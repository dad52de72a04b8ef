# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, collected
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.planted import without_facts
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.credentials import read_credentials
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.declared_keys import (
    common_keys_dir,
    declaring_variables,
    of_hosts,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.reading import Template
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.variables import unknown
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.store import public_entries

# names of strategies of ansible-core, and of plugins that are called like them, with which no host waits for others
AHEAD = ("free", "host_pinned")
UNREAD = ("secret_key",)
FACTS_HINT = (
    "ansible.cfg: inject_facts_as_vars is on, so that what a host says of itself becomes variables of yours; "
    "set it to False under [defaults], and read facts as ansible_facts['…'] (docs/threat-model.md)"
)
ARGUMENTS = {
    "keys_required": {"type": "bool", "default": True},
}
DEFAULTS: t.Dict[str, t.Any] = {
    "onion_services": [],
    "onion_daemon_options": {},
    "onion_daemons": [],
    "onion_network_options": [],
    "onion_probe_hosts": [],
    "onion_publisher": {},
    "onion_keeper": {},
    "onion_drained": [],
}


class ActionModule(ActionBase):
    """Reads the variables of the operator and makes the plan; pure work, no connection."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Optional[t.Dict[str, t.Any]] = None) -> t.Dict[str, t.Any]:
        """Plan, or fail with every fault of the declaration."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _options, arguments = self.validate_argument_spec(ARGUMENTS)
        strategy = self._task.get_play().strategy
        try:
            if strategy.endswith(AHEAD):
                raise OnionfleetError(_strategy_fault(strategy))
            plan = make_plan(self._declaration(variables, arguments["keys_required"]))
        except OnionfleetError as error:
            return {"failed": True, "msg": f"The declaration has faults; nothing was touched.\n{error}"}
        plan.hints.extend([*self._hints, *([FACTS_HINT] if C.INJECT_FACTS_AS_VARS else [])])
        return {"changed": False, **plan.as_dict()}

    def _declaration(self, variables: t.Dict[str, t.Any], keys_required: bool) -> Declaration:
        raw = of_hosts(variables)
        source, faults = declaring_variables(variables, raw)
        templar = Templar(self._loader, variables=source)
        template = Template(templar, faults)
        read = {name: template.read(source.get(name, default), name, skip=UNREAD) for name, default in DEFAULTS.items()}
        targets = {
            # its templates see the variables of this host
            host: Template(Templar(self._loader, variables={**source, **without_facts(of_host)}), faults).read(
                of_host["onion_targets"], f"host '{host}': onion_targets"
            )
            for host, of_host in raw.items()
            if "onion_targets" in of_host
        }
        misspelt, self._hints = unknown(variables, *raw.values())
        faults.extend(misspelt)
        credentials, misfits = read_credentials(source, templar)
        faults.extend(misfits)
        keys_dir = collected(faults, lambda: common_keys_dir(source, raw, templar))
        addresses, of_store = public_entries(keys_dir, _names(read["onion_services"])) if keys_dir else ({}, [])
        declaration = Declaration(
            services=read["onion_services"],
            groups={str(group): [str(host) for host in hosts] for group, hosts in variables["groups"].items()},
            addresses=addresses,
            targets=targets,
            daemon_options=read["onion_daemon_options"],
            daemons=read["onion_daemons"],
            network_options=read["onion_network_options"],
            probe_hosts=read["onion_probe_hosts"],
            publisher=read["onion_publisher"],
            keeper=read["onion_keeper"],
            drained=read["onion_drained"],
            credentials=credentials,
            keys_required=keys_required and keys_dir is not None,
        )
        faults.extend(of_store)
        if faults:
            # that a value is missing is no news where it could not be read
            known = [
                fault
                for fault in _faults(declaration)
                if not any(fault.startswith(f"{place}: ") for place in template.unread)
            ]
            raise OnionfleetError(*faults, *known)
        return declaration


def _strategy_fault(strategy: str) -> str:
    return (
        f"strategy: is '{strategy}', with which a host goes on while others are still being looked at, "
        "and nothing stops it before its first change; write 'strategy: linear' in this play"
    )


def _names(services: t.Any) -> t.List[str]:
    entries = services if isinstance(services, list) else []
    return [entry["name"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]


def _faults(declaration: Declaration) -> t.List[str]:
    # faults of files and variables must not hide those of the rules
    faults: t.List[str] = []
    collected(faults, lambda: make_plan(declaration))
    return faults
