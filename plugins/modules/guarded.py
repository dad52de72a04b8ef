#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: guarded
short_description: Run a module of ansible-core on a host that may lie
version_added: "0.1.0"
description:
  - Runs one of a few modules of ansible-core, and keeps of its answer the fields that the roles of this collection
    read. Facts that the host adds to its answer set no variable, on this host or another.
  - A host whose answer has another form than the module's is treated as unreachable, and the message names the field.
  - The roles of this collection use it; it has no other purpose.
author:
  - The onionfleet.balance developers (@onionfleet)
extends_documentation_fragment: [onionfleet.balance.attributes, onionfleet.balance.internal]
attributes:
  check_mode:
    details: As the module that it runs.
  diff_mode:
    details: As the module that it runs.
  idempotent:
    details: As the module that it runs.
options:
  module:
    description: Name of the module.
    type: str
    required: true
    choices:
      - ansible.builtin.apt
      - ansible.builtin.command
      - ansible.builtin.dpkg_selections
      - ansible.builtin.file
      - ansible.builtin.find
      - ansible.builtin.ping
      - ansible.builtin.reboot
      - ansible.builtin.setup
      - ansible.builtin.slurp
      - ansible.builtin.systemd_service
      - ansible.builtin.template
      - ansible.builtin.user
  options:
    description: The module's options.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Install tor
  onionfleet.balance.guarded:
    module: ansible.builtin.apt
    options:
      name: tor
"""

RETURN = r"""
rc:
  description: Of M(ansible.builtin.command).
  returned: when O(module=ansible.builtin.command)
  type: int
stdout:
  description: Of M(ansible.builtin.command).
  returned: when O(module=ansible.builtin.command)
  type: str
stderr:
  description: Of M(ansible.builtin.command).
  returned: when O(module=ansible.builtin.command)
  type: str
files:
  description: Of M(ansible.builtin.find).
  returned: when O(module=ansible.builtin.find)
  type: list
  elements: dict
  contains:
    path:
      description: Its path.
      type: str
    isreg:
      description: Whether it is a regular file.
      type: bool
    mode:
      description: Its mode, four octal digits.
      type: str
    uid:
      description: Its owner.
      type: int
    gid:
      description: Its group.
      type: int
    checksum:
      description: Its SHA-1, if asked for.
      type: str
ping:
  description: Of M(ansible.builtin.ping).
  returned: when O(module=ansible.builtin.ping)
  type: str
content:
  description: Of M(ansible.builtin.slurp), in base64.
  returned: when O(module=ansible.builtin.slurp)
  type: str
"""
