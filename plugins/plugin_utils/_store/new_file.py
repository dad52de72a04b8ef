# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller that appear whole or not at all, and never in the place of another one.

Module Overview:

    create        makes a file
    make_folder   makes a folder and those above it
    clean         removes what killed runs left in a folder
    Unfinished    some files were made before one could not be
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import time

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

_TEMPORARY = ".onionfleet-new"
_ABANDONED = 3600  # seconds; a run on another machine may be writing a younger one


class Unfinished(OnionfleetError):
    """Some files were made before one could not be.

    :param made: their paths.
    """

    def __init__(self, error: OnionfleetError, made: list[str]) -> None:
        super().__init__(*error.faults, f"made before that, and left there: {', '.join(made)}")


def create(path: str, content: bytes, mode: int) -> None:
    """Make a file appear. What is secret in it is encrypted: sticks may have file systems without modes.

    :raises FileExistsError: there is one already. :raises OSError: the disk refuses.
    """
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=_TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            with contextlib.suppress(PermissionError):
                os.fchmod(handle, mode)
            os.fsync(handle)
        _place(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    _sync(folder)


def _place(temporary: str, path: str) -> None:
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP):
            raise
        # without links, nothing keeps another program from making that file in this very moment
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "File exists", path) from None
        os.rename(temporary, path)


def make_folder(path: str, mode: int = 0o755) -> None:
    """Make a folder; those above it that are missing get 0755. An umask takes from these modes, and adds nothing.

    :raises OSError: the disk refuses.
    """
    if not os.path.isdir(path):
        above = os.path.dirname(os.path.abspath(path))
        make_folder(above)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)
        _sync(above)


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        # not every file system of a stick or a network syncs folders
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(handle)


def clean(folder: str) -> None:
    """Remove what runs left that were killed more than an hour ago."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(_TEMPORARY):
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED:
                        os.unlink(entry.path)
