# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root's hand in directories of other users, who may swap them and their files for symbolic links at any moment.

Overview::

  opened      a directory's handle, for the ``dir_fd`` of what is done in it
  open_file   a regular file's handle
  no_links    the flag that keeps an open() in a directory from following links

A symbolic link counts only where nobody but root and we ourselves could have put it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


def no_links(folder: int) -> int:
    """O_NOFOLLOW in a directory (given by its handle) that others can change, else 0."""
    status = os.fstat(folder)
    ours = status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022
    return 0 if ours else os.O_NOFOLLOW


@contextlib.contextmanager
def opened(directory: str, *, make: t.Optional[int] = None) -> t.Iterator[int]:
    """A handle of a directory while the block runs. What is missing on the way is made with mode ``make``, if given,
    whatever the umask.

    :raises OSError: there is none, or the way leads over somebody's symbolic link (ENOTDIR).
    """
    handle = _walk(os.path.abspath(directory), make)
    try:
        yield handle
    except OSError as error:
        if isinstance(error.filename, str):  # by handle, names come without their directory
            error.filename = os.path.join(directory, error.filename)
        raise
    finally:
        os.close(handle)


def _walk(directory: str, make: t.Optional[int]) -> int:
    handle = os.open("/", os.O_PATH)
    try:
        for name in filter(None, directory.split("/")):
            if make is not None:
                _make(name, make, handle)
            inner = os.open(name, os.O_PATH | os.O_DIRECTORY | no_links(handle), dir_fd=handle)
            os.close(handle)
            handle = inner
        return os.open(".", _DIRECTORY, dir_fd=handle)
    except OSError as error:
        error.filename = directory
        raise
    finally:
        os.close(handle)


def _make(name: str, mode: int, folder: int) -> None:
    # sudo and login.defs may set one under which no daemon's user could pass a directory of ours
    umask = os.umask(0)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=folder)
    finally:
        os.umask(umask)


def open_file(path: str, flags: int) -> int:
    """A handle of a regular file that is there.

    :raises OSError: there is none. :raises OnionfleetError: it is something else.
    """
    folder, name = os.path.split(path)
    try:
        with opened(folder) as directory:
            handle = os.open(name, flags | os.O_NONBLOCK | no_links(directory), dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise OnionfleetError(f"{path}: is no regular file; move it away") from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OnionfleetError(f"{path}: is no regular file; move it away")
    return handle
