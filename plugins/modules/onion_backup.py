# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_backup
short_description: Back up the keys of onion services and their declaration
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Makes one file, encrypted with Ansible's vault, with every key of the store and the files of the declaration.
  - Works on the controller alone and connects to no host. Every key is opened and compared with its address, and what
    is to be written is read back, before there is a file.
  - A file is never overwritten. When anything is wrong, nothing is made.
  - What is on hosts is not in it. A backend's key never leaves its host, and is not needed, since
    a new backend makes a new one.
extends_documentation_fragment: [onionfleet.balance.attributes]
attributes:
  diff_mode:
    support: none
  idempotent:
    support: none
    details: [Each run makes a new file.]
options:
  path:
    description:
      - The file to make, readable by its owner only.
      - Without it, C(onionfleet-) with the time, and C(.backup), in the current directory.
    type: path
  keys_dir:
    description: Folder of the store. Without it, C(onion_keys_dir), else C(.onion_keys) beside the inventory.
    type: path
  files:
    description:
      - Files and folders to keep with the keys, relative to the folder of the inventory, or to the folder above
        all of them where the inventory is in several. Hidden files are passed over in folders.
      - What is not there, or outside of that folder, is a fault.
      - Without it, the inventory, C(group_vars), C(host_vars) and C(ansible.cfg). An empty list keeps keys only.
    type: list
    elements: str
  vault_id:
    description: Vault id to encrypt with. Without it, the first one given to Ansible.
    type: str
"""

EXAMPLES = r"""
- name: Back up
  onionfleet.balance.onion_backup:
    path: ~/backups/onions.backup
  run_once: true
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
addresses:
  description: Address of each service whose key is in it.
  returned: success
  type: dict
files:
  description: The files that are in it, relative to the same folder as O(files).
  returned: success
  type: list
  elements: str
kept_elsewhere:
  description: Services whose secret key is in another store, and not in the file.
  returned: success
  type: list
  elements: str
"""
