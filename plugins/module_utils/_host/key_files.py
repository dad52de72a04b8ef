# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that puts key files on a disk."""

from __future__ import annotations

import os
import re
import secrets
import time

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english
from ansible_collections.onionfleet.balance.plugins.module_utils._host import wipe
from ansible_collections.onionfleet.balance.plugins.module_utils._host.safe_open import no_links, opened

_ABANDONED = 3600  # seconds


def write_private(path: str, content: bytes) -> None:
    """Write a file of mode 0600 atomically, into a folder that is made (0700) where it is missing.

    The file gets the owner of its folder: the superuser's hand must not lock out the tor that reads it.

    :raises OnionfleetError: the disk refuses.
    """
    directory, name = os.path.split(os.path.abspath(path))
    try:
        with opened(directory, make=0o700) as folder:
            temporary = f".{name}.{secrets.token_hex(4)}"
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
            try:
                _fill(handle, content, os.fstat(folder))
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                os.unlink(temporary, dir_fd=folder)
                raise
            os.fsync(folder)
            _remove_abandoned(directory, name, folder)
    except OSError as exc:
        raise OnionfleetError(f"{path}: cannot be written: {in_english(exc)}") from exc


def _remove_abandoned(directory: str, name: str, folder: int) -> None:
    """What runs left of this file that were killed; younger ones may be another run's, which is still writing."""
    for left in os.listdir(folder):
        ours = re.fullmatch(rf"\.{re.escape(name)}\.[0-9a-f]{{8}}", left)
        if ours and time.time() - os.stat(left, dir_fd=folder, follow_symlinks=False).st_mtime > _ABANDONED:
            wipe.remove(f"{directory}/{left}")


def _fill(handle: int, content: bytes, folder: os.stat_result) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        if os.geteuid() == 0:
            os.fchown(handle, folder.st_uid, folder.st_gid)
        file.flush()
        os.fsync(handle)


def change_mode(path: str, mode: int) -> None:
    """Set the mode of a directory or a file, but not of what somebody's symbolic link leads to.

    :raises OnionfleetError: it cannot be.
    """
    directory, name = os.path.split(os.path.abspath(path))
    try:
        with opened(directory) as folder:
            handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | no_links(folder), dir_fd=folder)
            try:
                os.fchmod(handle, mode)
            finally:
                os.close(handle)
    except OSError as exc:
        raise OnionfleetError(f"{path}: cannot be changed: {in_english(exc)}") from exc
