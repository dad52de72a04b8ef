# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients' keys that restricted services are asked with, ``onion_client_credentials``: address to private key.

Module Overview:

    read_credentials   the variable -> addresses that there is a key for, and faults; no key is kept or told
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import public_key_from_address
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import client_key
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.values import shown
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.reading import Template
from jinja2 import UndefinedError

NAME = "onion_client_credentials"


def read_credentials(variables: t.Mapping[str, t.Any], templar: t.Any) -> tuple[list[str], list[str]]:
    """What the variable holds. A key that cannot be read, as where its vault is closed, is left to those who use it.

    :param variables: those that hold the declaration.
    :returns: the addresses, and the faults, which repeat no key.
    """
    template = Template(templar)
    found = template.read(variables.get(NAME), NAME)
    if not isinstance(found, dict):
        return [], template.faults or (
            []
            if found is None
            else [f"{NAME}: is {shown(found)}; write a mapping: the address of a service, then a client's key"]
        )
    faults = []
    for address, key in found.items():
        place = f"{NAME}: {address}: "
        try:
            public_key_from_address(str(address))
            if not any(unread.startswith(place) for unread in template.faults):
                client_key(str(key))
        except OnionfleetError as error:
            faults.append(f"{place}{error}")
        except (AnsibleError, UndefinedError):
            continue  # the text of a vault opens late
    return [str(address) for address in found], faults
