# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import binascii
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import address as onion_addresses


def onion_address(public_key: t.Any) -> str:
    """The address of a public key, which is given in base64 or hexadecimal."""
    text = str(public_key).strip()
    try:
        decoded = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
        # tor's hs_ed25519_public_key, as ansible.builtin.slurp gives it, has a header of 32 bytes
        return onion_addresses.address_from_public_key(decoded[32:] if len(decoded) == 64 else decoded)
    except (ValueError, binascii.Error, OnionfleetError) as exc:
        raise AnsibleFilterError(f"onion_address: {exc}") from None


def onion_public_key(address: t.Any) -> str:
    """The public key in an address, in base64."""
    try:
        return base64.b64encode(onion_addresses.public_key_from_address(str(address))).decode()
    except OnionfleetError as exc:
        raise AnsibleFilterError(f"onion_public_key: {exc}") from None


class FilterModule:
    """Filters about addresses of onion services."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        """Name to filter."""
        return {"onion_address": onion_address, "onion_public_key": onion_public_key}
