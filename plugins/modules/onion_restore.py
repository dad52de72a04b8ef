# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_restore
short_description: Restore the keys of onion services and their declaration
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Brings back what M(onionfleet.balance.onion_backup) kept, into a folder that may be empty.
  - What is there stays. Where another key or a different file is in the place of one, every such place is named
    and nothing is restored at all.
  - Every entry is compared with its checksum, and every key with its address. In check mode that is
    all, so that it verifies a backup.
  - Works on the controller alone and connects to no host.
extends_documentation_fragment: [onionfleet.balance.attributes]
attributes:
  diff_mode:
    details: [Shows paths only.]
options:
  path:
    description: The backup.
    type: path
    required: true
  folder:
    description: Where the inventory and its variables belong. Without it, the current directory.
    type: path
    default: .
  keys_dir:
    description: Folder of the store. Without it, C(onion_keys_dir), else where it was in relation to the inventory.
    type: path
  files:
    description: Whether to restore the files of the declaration, too. V(false) restores keys only.
    type: bool
    default: true
  vault_id:
    description: Vault id to encrypt keys with. Without it, the first one given to Ansible.
    type: str
"""

EXAMPLES = r"""
- name: Restore keys beside a declaration that is there
  onionfleet.balance.onion_restore:
    path: ~/backups/onions.backup
    files: false
"""

RETURN = r"""
made:
  description: The files that were, or would be, made.
  returned: success
  type: list
  elements: str
addresses:
  description: Address of each service whose key is in the backup.
  returned: success
  type: dict
manifest:
  description: When and with which versions the backup was made, and which services' secrets are kept elsewhere.
  returned: success
  type: dict
"""
