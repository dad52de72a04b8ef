# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_store
short_description: Make and import the keys of onion services
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Completes the store of keys in the operator's repository. Each service has two files there.
    C(NAME.secret) is its secret key, encrypted with Ansible's vault. C(NAME.yml) holds its address and public key,
    so that planning needs no vault password.
  - Works on the controller alone and connects to no host.
  - A key that is there is never replaced. When anything is wrong with any service, nothing is made at all.
  - Runs at the same time make one key, not two.
  - Of a service whose secret stays elsewhere (its field C(secret_key)), only the public file is made, and the secret is
    read only for that. Services with C(state=absent) are passed over.
extends_documentation_fragment: [onionfleet.balance.attributes]
attributes:
  diff_mode:
    details: [Shows addresses only.]
options:
  services:
    description:
      - Services as declared, or their names.
      - Without it, the variable C(onion_services), of which only the fields C(name), C(state), C(address), C(layout)
        and, where needed, C(secret_key) are templated.
    type: list
    elements: raw
  keys_dir:
    description: Folder of the store. Without it, C(onion_keys_dir), else C(.onion_keys) beside the inventory.
    type: path
  imports:
    description:
      - "Keys to import, by name of the service. A value is C({path: …}), a file or a service directory on the
        controller (relative to the current directory); or C({content: …}); or the content itself."
      - Every format of P(onionfleet.balance.onion_key#module) is understood.
      - The playbook C(keys) gives the whole variable C(onion_import) here. For entries with a C(host), what O(running)
        has counts.
    type: raw
  running:
    description:
      - Keys to import from hosts, as the playbook C(keys) read them. The results of a loop over entries of
        C(onion_import) and names of files in their C(path) (the empty one is C(path) itself), each with its C(item) and
        the C(content) of the file in base64, or a C(msg) where it could not be read.
    type: list
    elements: dict
    default: []
  vault_id:
    description: Vault id to encrypt with. Without it, the first one given to Ansible.
    type: str
"""

EXAMPLES = r"""
- name: Make the keys that are missing
  onionfleet.balance.onion_store:
    services: [newsroom, archive]
    keys_dir: "{{ inventory_dir }}/.onion_keys"

- name: Import a key from a secret store, and one that a vanity miner found
  onionfleet.balance.onion_store:
    services: [newsroom, archive]
    imports:
      newsroom: {content: "{{ lookup('ansible.builtin.env', 'NEWSROOM_KEY') }}"}
      archive: {path: ~/mined/archivexyz.onion}
"""

RETURN = r"""
addresses:
  description: Address of each service; V(<new>) for a key that check mode did not make.
  returned: success
  type: dict
  sample: {newsroom: duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion}
layouts:
  description: Layout of each service as declared; empty where there is none.
  returned: success
  type: dict
  sample: {newsroom: hardmap}
keys_dir:
  description: Folder of the store.
  returned: success
  type: str
created:
  description: Names of the services for which a file was, or would be, made.
  returned: success
  type: list
  elements: str
"""
