# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of a directory authority: where they are and which fingerprints they have.

Sources: tor-gencert(1); dir-spec, "Creating key certificates".
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations

UNKNOWN = {"v3ident": "0" * 40, "fingerprint": "0" * 40}

_V3IDENT = re.compile(r"^fingerprint ([0-9A-F]{40})$", re.MULTILINE)
_FINGERPRINT = re.compile(r"^\S+ ([0-9A-F]{40})$", re.MULTILINE)


class Authority(t.NamedTuple):
    """An authority by the name of its tor instance."""

    name: str

    @property
    def data(self) -> str:
        """The instance's data directory."""
        return os.path.join(locations.DATA_ROOT, self.name)

    @property
    def keys(self) -> str:
        """The folder with its keys."""
        return os.path.join(self.data, "keys")

    @property
    def identity_key(self) -> str:
        """Its long-term key as an authority."""
        return os.path.join(self.keys, "authority_identity_key")

    @property
    def certificate(self) -> str:
        """What tor-gencert writes last."""
        return os.path.join(self.keys, "authority_certificate")

    @property
    def relay_fingerprint(self) -> str:
        """The file in which tor notes its fingerprint as a relay."""
        return os.path.join(self.data, "fingerprint")

    @property
    def complete(self) -> bool:
        """Whether all keys have been made."""
        return os.path.exists(self.certificate) and os.path.exists(self.relay_fingerprint)

    @property
    def minimal_torrc(self) -> str:
        """What tor needs to know to make its identity as a relay."""
        return f"DataDirectory {self.data}\nNickname {self.name}\nORPort 1\nSocksPort 0\n"

    def fingerprints(self) -> dict[str, str]:
        """Both fingerprints; OnionfleetError where a file is damaged."""
        return {
            "v3ident": _found(_V3IDENT, self.certificate),
            "fingerprint": _found(_FINGERPRINT, self.relay_fingerprint),
        }


def _found(pattern: re.Pattern[str], path: str) -> str:
    match = pattern.search(disk.read_text(path) or "")
    if not match:
        raise OnionfleetError(f"{path}: holds no fingerprint; remove the file, so that it is made anew")
    return match.group(1)
