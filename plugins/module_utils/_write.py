# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that puts key files on a disk."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError


def write_private(path: str, content: bytes) -> None:
    """Write a file of mode 0600 atomically, into a folder that is made (0700) where it is missing.

    The file gets the owner of its folder: the superuser's hand must not lock out the tor that reads it.

    :raises OnionfleetError: the disk refuses.
    """
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        owner = os.stat(folder)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                file.flush()
                os.fsync(file.fileno())
            os.rename(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as exc:
        raise OnionfleetError(f"{path}: cannot be written: {exc.strerror}") from exc
