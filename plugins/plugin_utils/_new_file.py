# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller that appear whole or not at all, and never in the place of another one; and their folders."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile


def make_folders(path: str, mode: int) -> None:
    """Make a folder with ``mode`` at most, and those above it that are missing; others write into none of them.

    :raises OSError: the disk refuses, or something else is there.
    """
    above = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(above):
        make_folders(above, 0o755)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def create(path: str, content: bytes, mode: int) -> None:
    """Make a file appear. What is secret in it is encrypted: sticks may have file systems without modes.

    :raises FileExistsError: there is one already. :raises OSError: the disk refuses.
    """
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".")
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


def _place(temporary: str, path: str) -> None:
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP):
            raise
        # without links, nothing keeps another program from making that file in this very moment
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
        os.rename(temporary, path)
