# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's vault, as the key store needs it."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.parsing.vault import is_encrypted, match_encrypt_secret
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

if t.TYPE_CHECKING:
    from ansible.parsing.dataloader import DataLoader


class Vault:
    """Encrypts and decrypts with the vault passwords that Ansible was started with.

    :param loader: the loader of the plugin, which holds the passwords.
    :param vault_id: the vault id to encrypt with; without it, the first one given.
    """

    def __init__(self, loader: DataLoader, vault_id: str | None = None) -> None:
        self._vault = loader._vault
        self._vault_id = vault_id

    def faults(self) -> list[str]:
        """Why nothing can be encrypted; empty when it can."""
        if not self._vault.secrets:
            return ["no vault password was given, so no secret key can be kept; use --vault-id or --ask-vault-pass"]
        try:
            self._secret()
        except AnsibleError as exc:
            return [f"vault_id {self._vault_id!r}: {exc}"]
        return []

    def _secret(self) -> tuple[str, t.Any]:
        vault_id, secret = match_encrypt_secret(self._vault.secrets, encrypt_vault_id=self._vault_id)
        return vault_id, secret

    def encrypt(self, plain: bytes) -> bytes:
        """The text of a vault file with this content."""
        vault_id, secret = self._secret()
        return bytes(self._vault.encrypt(plain, secret, vault_id=None if vault_id == "default" else vault_id))

    def decrypt(self, content: bytes) -> bytes:
        """The content of a vault file.

        :raises OnionfleetError: it is not one, or no given password opens it.
        """
        if not is_encrypted(content):
            raise OnionfleetError("is not encrypted; use 'ansible-vault encrypt' on it")
        if not self._vault.secrets:
            raise OnionfleetError("no vault password was given to decrypt it; use --vault-id or --ask-vault-pass")
        try:
            return bytes(self._vault.decrypt(content))
        except AnsibleError:
            raise OnionfleetError("cannot be decrypted with the vault passwords given") from None
