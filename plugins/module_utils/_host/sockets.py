# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a tor daemon can reach the unix sockets of its targets.

Debian's unit gives each daemon its own /tmp and hides homes; tor keeps no supplementary group when it becomes its own
user (switch_id() in tor's src/lib/process/setuid.c), so only the socket's owner, group, mode and ACLs count.
"""

from __future__ import annotations

import errno
import os
import typing as t

_PRIVATE = {"/tmp": "PrivateTmp", "/var/tmp": "PrivateTmp", "/home": "ProtectHome", "/root": "ProtectHome",
            "/run/user": "ProtectHome"}
_NOBODY = 65534


def sandbox_faults(path: str) -> t.List[str]:
    """Faults of the place of a socket, whatever the host: directories that a daemon's unit hides from it."""
    return [f"the socket {path} is under {directory}, which {setting} of the unit hides from tor; move it, for "
            "example to a directory of its own under /run"
            for directory, setting in _PRIVATE.items() if os.path.normpath(path).startswith(directory + "/")]


def socket_faults(path: str, uid: t.Optional[int], gids: t.Sequence[int]) -> t.List[str]:
    """Faults of a socket that a daemon is to connect to; needs root. A socket that is absent has none.

    :param path: absolute. :param uid: of the daemon, None while it has no user. :param gids: its own group alone.
    """
    return sandbox_faults(path) or barrier_faults([path], uid, gids)


def barrier_faults(paths: t.Sequence[str], uid: t.Optional[int], gids: t.Sequence[int]) -> t.List[str]:
    """Faults of the permissions of sockets and of the directories above them; as ``socket_faults``."""
    faults = []
    there = [path for path in paths if os.path.lexists(path)]
    for path, barrier in zip(there, barriers(there, uid, gids)):
        if barrier == path:
            faults.append(
                f"the socket {path} does not let the daemon connect; give it the daemon's group (SocketGroup= "
                "of systemd, listen.group of PHP-FPM) and mode 0660, or mode 0666. Membership of the daemon in "
                "another group does not help, tor drops it"
            )
        elif barrier:
            faults.append(
                f"the directory {barrier} does not let the daemon reach the socket {path}; give it mode 0711 "
                "or 0755, or the daemon's group"
            )
    return faults


def barriers(paths: t.Sequence[str], uid: t.Optional[int], gids: t.Sequence[int]) -> t.List[str]:
    """For each path the first directory that a user may not pass, or the path itself when not writable; "" if open.

    Asked of the kernel in a child that becomes the user, so that ACLs count.

    :raises OSError: we are not root.
    """
    if not paths:
        return []
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(list(gids) or [_NOBODY])
            os.setgid(gids[0] if gids else _NOBODY)
            os.setuid(_NOBODY if uid is None else uid)
            with os.fdopen(writer, "w", encoding="utf-8", errors="surrogateescape") as stream:
                stream.write("\0".join(map(_barrier, paths)) + "\n")
        finally:  # whatever happens, the child must not run on as a second module
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    if not answer:
        raise OSError(errno.EPERM, "cannot become the daemon's user; run as root", paths[0])
    return answer[:-1].split("\0")


def _barrier(path: str) -> str:
    parents = [os.path.dirname(path)]
    while parents[-1] != "/":
        parents.append(os.path.dirname(parents[-1]))
    closed = [parent for parent in reversed(parents) if not os.access(parent, os.X_OK)]
    return closed[0] if closed else "" if os.access(path, os.W_OK) else path
