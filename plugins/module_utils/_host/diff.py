# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see of a change: before and after of a file.

Overview::

  node_diff   before and after of one file or directory that is to be written
  part        the same of anything, in Ansible's form
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk


def node_diff(node: disk.Node, hide: t.Callable[[str], str] = str) -> t.Dict[str, str]:
    """Before and after; of mode and owner where the content stays.

    :param hide: takes out of a content what nobody is to see.
    """
    before, after = _attributes(node.path), f"mode {node.mode:04o}, {node.owner}:{node.group}\n"
    if node.content is None:
        return part(node.path + "/", before, after)
    old = ("" if before == "" else node.label) if node.label else disk.read_text(node.path) or ""
    if old == node.shown():
        return part(node.path, before, after)
    old, new = hide(old), hide(node.shown())
    return part(node.path, old, new if new != old else new + "# (a hidden value differs)\n")


def part(header: str, before: str, after: str) -> t.Dict[str, str]:
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def _attributes(path: str) -> str:
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    return f"mode {status.st_mode & 0o7777:04o}, {status.st_uid}:{status.st_gid}\n"
