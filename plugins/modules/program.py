#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: program
short_description: Install all files of a program of this collection at once
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Writes what differs, all of it or nothing. Files are readable by everybody and belong to the superuser.
  - Other files in the folder stay.
extends_documentation_fragment: [onionfleet.balance.attributes, onionfleet.balance.internal, onionfleet.balance.host]
attributes:
  diff_mode:
    details: [Names files, and shows no contents.]
options:
  path:
    description: The folder of the program on the host.
    type: str
    required: true
  files:
    description:
      - What is to be in the folder, to the path of it on the controller. A folder there stands for
        all files in it, but bytecode.
      - What is sent to the host are the contents, in base64.
    type: dict
    required: true
  module_utils:
    description: Files of this collection's C(module_utils) that the program imports, without C(.py).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Install a program, and what it shares with modules
  onionfleet.balance.program:
    path: /usr/local/lib/onionfleet/keeper
    files:
      .: "{{ role_path }}/files/keeper"
    module_utils: [_errors, _tor/socks]
"""

RETURN = r""" # """

import base64
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, errors_fail, several
from ansible_collections.onionfleet.balance.plugins.module_utils._host import diff, disk


def wanted(path: str, files: t.Mapping[str, str]) -> t.List[disk.Node]:
    """The folders, outer ones first, and the files."""
    paths = {os.path.normpath(os.path.join(path, name)): base64.b64decode(content) for name, content in files.items()}
    folders = {path}
    for file in paths:
        while os.path.dirname(file) not in folders:
            file = os.path.dirname(file)
            folders.add(file)
    owned = ("root", "root")
    return [*(disk.Node(folder, 0o755, *owned) for folder in sorted(folders)),
            *(disk.Node(file, 0o644, *owned, content) for file, content in sorted(paths.items()))]


def run(path: str, files: t.Mapping[str, str], write: bool) -> t.Dict[str, t.Any]:
    outside = [name for name in files if os.path.isabs(name) or ".." in name.split("/")]
    if outside:
        raise OnionfleetError(*(f"files: {name}: is not in the folder" for name in outside))
    nodes = wanted(path.rstrip("/"), files)
    changed = [node for node in nodes if disk.differs(node)]
    if not changed:
        return {"changed": False}
    if write:
        with disk.alone(), disk.Transaction() as transaction:
            transaction.write(changed, [])
    names = [os.path.relpath(node.path, path) for node in changed]
    return {"changed": True, "diff": [diff.part(path, "", f"written: {several(names)}\n")]}


def main() -> None:
    module = AnsibleModule(
        {
            "path": {"type": "str", "required": True},
            "files": {"type": "dict", "required": True},
            "module_utils": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    with errors_fail(module):
        result = run(module.params["path"], module.params["files"], not module.check_mode)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
