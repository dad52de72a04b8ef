# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing about on disk what was decided, and showing it: users, files, units that start at boot, deleted keys."""

from __future__ import annotations

import errno
import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.change import Change
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.wanted import Daemon
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, systemd, wipe
from ansible_collections.onionfleet.balance.plugins.module_utils._host.diff import node_diff, part
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import configuration


def apply(changes: t.Sequence[Change]) -> None:
    """Write everything or, when something fails, leave the configuration as it was.

    :raises OnionfleetError: what failed.
    """
    with disk.alone():
        for change in changes:
            if change.new_user:
                _add_user(change.daemon)
        with disk.Transaction() as transaction:
            transaction.write([node for change in changes for node in change.nodes],
                              [path for change in changes for path in change.removed])
            names = [change.daemon.unit for change in changes if change.enable]
            if names:
                systemd.run("systemctl", "enable", "--quiet", *names, timeout=60)
        for change in changes:
            for directory in change.shred:
                wipe.remove(directory)
            if not change.wanted and change.removed:
                _remove_empty(change.daemon)


def _add_user(daemon: Daemon) -> None:
    """As Debian's tor-instance-create does."""
    systemd.run("adduser", "--quiet", "--system", "--disabled-password", "--home", daemon.data, "--no-create-home",
                "--shell", "/bin/false", "--group", "--force-badname", daemon.user, timeout=60)


def _remove_empty(daemon: Daemon) -> None:
    for directory in (daemon.services_directory, daemon.config):
        try:
            os.rmdir(directory)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                raise OnionfleetError(f"{directory}: {in_english(error)}") from None


def diff(changes: t.Sequence[Change]) -> t.List[t.Dict[str, str]]:
    """Before and after of everything that is to change, for people. Keys appear as the addresses they belong to.

    Passwords do not appear.
    """
    parts = []
    for change in changes:
        parts += [part(f"user {change.daemon.user}", "", "present\n")] * change.new_user
        parts += [node_diff(node, configuration.redacted) for node in change.nodes]
        parts += [part(path, configuration.redacted(disk.read_text(path) or ""), "") for path in change.removed]
        parts += [part(directory, "service directory with its key\n", "") for directory in change.shred]
        parts += [part(change.daemon.unit, "disabled\n", "enabled\n")] * change.enable
    return parts
