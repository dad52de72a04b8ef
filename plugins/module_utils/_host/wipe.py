# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing what holds secrets: overwritten first, then unlinked.

Overview::

  remove   a directory or a file with everything in it; keys, configuration and records are overwritten before

Overwriting reaches the blocks that the file has now. Flash, file systems that copy on write, snapshots
and backups may keep older ones.
"""

from __future__ import annotations

import os
import shutil
import stat
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._host.safe_open import open_file, opened
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import SECRET_FILE

# anywhere in a name, as of what was put aside; tor's options may hold passwords
SECRETS = (SECRET_FILE, "torrc", ".conf", ".json", ".yaml")


def remove(path: str, *, aside: t.Optional[str] = None) -> None:
    """Nothing happens where there is nothing; a symbolic link goes, and what it leads to stays.

    :param aside: another name in the same directory, which it gets first, so that it is gone in one moment.
    """
    if aside is not None:
        os.rename(path, aside)
        path = aside
    parent, name = os.path.split(path)
    try:
        with opened(parent) as folder:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if not stat.S_ISDIR(mode):
                _overwrite(path, mode)
                os.unlink(name, dir_fd=folder)
                return
    except FileNotFoundError:
        return
    for inner, _folders, files in os.walk(path):
        for file in files:
            _overwrite(f"{inner}/{file}", os.lstat(f"{inner}/{file}").st_mode)
    shutil.rmtree(path)


def _overwrite(path: str, mode: int) -> None:
    if stat.S_ISREG(mode) and any(word in os.path.basename(path) for word in SECRETS):
        handle = open_file(path, os.O_WRONLY)
        with os.fdopen(handle, "wb", buffering=0) as stream:
            stream.write(os.urandom(os.fstat(handle).st_size))
            os.fsync(handle)
