# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing about on disk what was decided, and showing it: users, files, units that start at boot, deleted keys."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils import _files, _host, _torrc
from ansible_collections.onionfleet.balance.plugins.module_utils._change import Change
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._instances import Daemon
from ansible_collections.onionfleet.balance.plugins.module_utils._safe_open import open_file

_LOCK = "/run/onionfleet.lock"


def apply(changes: t.Sequence[Change]) -> None:
    """Write everything or, when something fails, leave the configuration as it was.

    :raises OnionfleetError: what failed.
    """
    with alone():
        for change in changes:
            if change.new_user:
                _add_user(change.daemon)
        with _files.Transaction() as transaction:
            transaction.write([node for change in changes for node in change.nodes],
                              [path for change in changes for path in change.removed])
            names = [change.daemon.unit for change in changes if change.enable]
            if names:
                _host.run("systemctl", "enable", "--quiet", *names, timeout=60)
        for change in changes:
            for directory in change.shred:
                _shred(directory)
            if not change.wanted and change.removed:
                _remove_empty(change.daemon)


@contextlib.contextmanager
def alone() -> t.Iterator[None]:
    """Keep other runs from changing this host at the same time.

    :raises OnionfleetError: one does.
    """
    handle = os.open(_LOCK, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise OnionfleetError("another run is changing this host's onion services; try again when it has ended") from None
    finally:
        os.close(handle)


def _add_user(daemon: Daemon) -> None:
    """As Debian's tor-instance-create does."""
    _host.run("adduser", "--quiet", "--system", "--disabled-password", "--home", daemon.data, "--no-create-home",
              "--shell", "/bin/false", "--group", "--force-badname", daemon.user, timeout=60)


def _shred(directory: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        handle = open_file(directory + "/hs_ed25519_secret_key", os.O_WRONLY)
        with os.fdopen(handle, "wb", buffering=0) as stream:
            stream.write(os.urandom(os.fstat(handle).st_size))
            os.fsync(handle)
    shutil.rmtree(directory)


def _remove_empty(daemon: Daemon) -> None:
    for directory in (daemon.services_directory, daemon.config):
        try:
            os.rmdir(directory)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                raise OnionfleetError(f"{directory}: {error.strerror}") from None


def diff(changes: t.Sequence[Change]) -> t.List[t.Dict[str, str]]:
    """Before and after of everything that is to change, for people. Keys appear as the addresses they belong to.

    Passwords do not appear.
    """
    parts = []
    for change in changes:
        parts += [_part(f"user {change.daemon.user}", "", "present\n")] * change.new_user
        parts += [node_diff(node) for node in change.nodes]
        parts += [_part(path, _torrc.redacted(_files.read_text(path) or ""), "") for path in change.removed]
        parts += [_part(directory, "service directory with its key\n", "") for directory in change.shred]
        parts += [_part(change.daemon.unit, "disabled\n", "enabled\n")] * change.enable
    return parts


def node_diff(node: _files.Node) -> t.Dict[str, str]:
    """Before and after of one file or directory; of mode and owner where the content stays."""
    before, after = _attributes(node.path), f"mode {node.mode:04o}, {node.owner}:{node.group}\n"
    if node.content is None:
        return _part(node.path + "/", before, after)
    old = ("" if before == "" else node.label) if node.label else _files.read_text(node.path) or ""
    if old == node.shown():
        return _part(node.path, before, after)
    old, new = _torrc.redacted(old), _torrc.redacted(node.shown())
    return _part(node.path, old, new if new != old else new + "# (a hidden value differs)\n")


def _attributes(path: str) -> str:
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    return f"mode {status.st_mode & 0o7777:04o}, {status.st_uid}:{status.st_gid}\n"


def _part(header: str, before: str, after: str) -> t.Dict[str, str]:
    return {"before_header": header, "after_header": header, "before": before, "after": after}
