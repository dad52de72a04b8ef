# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: onion_secrets
short_description: Secret keys of onion services, decrypted
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Gives the secret keys of the services asked for, and of no other, as one dictionary.
  - A key comes from the service's own field C(secret_key) if it has one, else from the store, decrypted with the vault
    passwords that Ansible was started with.
  - Each is verified against the address that the store or the declaration tells.
options:
  _terms:
    description: Names of services.
    type: list
    elements: str
    required: true
  services:
    description:
      - The declared services, for their fields C(secret_key). Only the fields of the services asked for are templated.
      - Without it, the variable C(onion_services).
    type: list
    elements: dict
  keys_dir:
    description: Folder of the store. Without it, C(onion_keys_dir), else C(.onion_keys) beside the inventory.
    type: path
notes:
  - Give the result to an option that is C(no_log) only.
"""

EXAMPLES = r"""
- name: Write tor's files
  onionfleet.balance.tor_instances:
    daemons: "{{ my_daemons }}"
    secrets: "{{ lookup('onionfleet.balance.onion_secrets', ['newsroom', 'archive']) }}"
"""

RETURN = r"""
_value:
  description: One dictionary, of service name to base64 of tor's C(hs_ed25519_secret_key) (96 bytes).
  type: dict
"""

import base64
import os
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import SecretKey
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.host_action import refuse_exposure
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.planted import planted_here, without_facts
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.declared_keys import (
    Declared,
    default_keys_dir,
    operator_variable,
    read_declared,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.store import (
    name_faults,
    public_entries,
    read_secret,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.vault import Vault


class LookupModule(LookupBase):
    """One dictionary for all services: a task that needs many keys opens each file once."""

    def run(  # type: ignore[override]
        self, terms: t.Any, variables: t.Any = None, *, services: t.Any = None, keys_dir: str | None = None
    ) -> list[dict[str, str]]:
        """Look the secrets up; AnsibleError tells every fault."""
        # no set_options here: it would template every field of every service
        names = [str(name) for term in terms for name in ([term] if isinstance(term, str) else term)]
        planting, variables = planted_here(variables or {}), without_facts(variables or {})
        refuse_exposure()
        try:
            if planting:
                raise OnionfleetError(*planting)
            if services is None:
                services = operator_variable("onion_services", variables, self._templar, [])
            declared = {service.name: service for service in read_declared(services, self._templar)}
            folder = os.path.expanduser(keys_dir or default_keys_dir(variables, self._templar))
            return [self._secrets(names, declared, folder)]
        except OnionfleetError as exc:
            raise AnsibleError(str(exc)) from None

    def _secrets(self, names: list[str], declared: dict[str, Declared], keys_dir: str) -> dict[str, str]:
        addresses, faults = public_entries(keys_dir, names)
        faults += name_faults(names)
        secrets, vault = {}, Vault(self._loader)
        for name in [] if faults else names:
            try:
                secret = _secret(keys_dir, name, declared.get(name), addresses.get(name), vault)
                secrets[name] = base64.b64encode(secret.to_tor_file()).decode()
            except OnionfleetError as exc:
                faults += [f"service '{name}': key: {fault}" for fault in exc.faults]
        if faults:
            raise OnionfleetError(*faults)
        return secrets


def _secret(keys_dir: str, name: str, service: Declared | None, address: str | None, vault: Vault) -> SecretKey:
    if service and service.secret_key:
        secret, whence = service.secret_key(), "secret_key"
    else:
        secret, whence = read_secret(keys_dir, name, vault), f"{name}.secret"
    expected = {address, service.address if service else None} - {None}
    if expected != {secret.address}:
        told = " and ".join(sorted(map(str, expected))) or "no address (run the keys playbook)"
        raise OnionfleetError(f"{whence} is the key of {secret.address}; the store says {told}")
    return secret
