#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tor_authority_keys
short_description: Make the keys of the directory authorities of a private Tor network
version_added: "0.1.0"
description:
  - For each authority, makes the instance's user and data directory as Debian's C(tor-instance-create) does, the
    authority's keys with C(tor-gencert), and the relay's identity with C(tor --list-fingerprint). Nothing is started.
  - Returns the two fingerprints of each authority, which every tor of the network needs in its C(DirAuthority) lines.
  - Keys that are there are never replaced.
  - For rehearsals. The identity keys are encrypted with a passphrase that everybody knows.
author: The onionfleet.balance developers (@onionfleet)
extends_documentation_fragment: [onionfleet.balance.attributes, onionfleet.balance.internal]
attributes:
  check_mode:
    details: [The fingerprints of an authority whose keys are still to be made are zeros.]
  diff_mode:
    support: none
options:
  authorities:
    description: Names of the authorities' instances on this host.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Make the keys of this host's authorities
  onionfleet.balance.tor_authority_keys:
    authorities: [netauth1, netauth2]
"""

RETURN = r"""
authorities:
  description:
    - By name, the fingerprint of the authority's identity key (C(v3ident)) and that of its identity as a relay
      (C(fingerprint)), 40 hexadecimal digits each.
  returned: success
  type: dict
  sample:
    netauth1:
      v3ident: 90784A2FDECE033493C87600DBBFCBB8C18DC05D
      fingerprint: 9A0CBDEC3CB3483842F6C9A0AC601FC82B4DF716
created:
  description: Names of the authorities whose keys were, or would be, made.
  returned: success
  type: list
  elements: str
"""

import os
import pwd
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host import command, locations
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.authority import UNKNOWN, Authority

PASSPHRASE = "rehearsal"


def instance_user(module: AnsibleModule, name: str) -> str:
    """The user of an instance, made with its data directory where it is missing."""
    user = locations.daemon_user(name)
    try:
        pwd.getpwnam(user)
    except KeyError:
        torrc = locations.torrc_path(name)
        had_torrc = os.path.exists(torrc)
        module.run_command(["tor-instance-create", name], umask=0o022, check_rc=True)
        # the tool leaves an example with an open SOCKS port
        if not had_torrc:
            os.unlink(torrc)
    return user


def make_keys(module: AnsibleModule, authority: Authority) -> None:
    """Make what is missing of an authority's keys, as its own user."""
    as_user = ["runuser", "-u", instance_user(module, authority.name), "--"]
    # tor-gencert refuses to replace an identity key, so that of a broken attempt is used
    create = [] if os.path.exists(authority.identity_key) else ["--create-identity-key"]
    if not os.path.exists(authority.certificate):
        module.run_command([*as_user, "mkdir", "-p", "-m", "0700", authority.keys], check_rc=True)
        module.run_command([*as_user, "tor-gencert", "-m", "12", "--passphrase-fd", "0", *create],
                           cwd=authority.keys, data=PASSPHRASE, umask=0o077, check_rc=True)
    module.run_command([*as_user, "tor", "--hush", "--list-fingerprint", "--defaults-torrc", "/nonexistent", "-f", "-"],
                       data=authority.minimal_torrc, umask=0o077, check_rc=True)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Find, make and read the keys of all authorities."""
    authorities = [Authority(name) for name in module.params["authorities"]]
    missing = [authority for authority in authorities if not authority.complete]
    if not module.check_mode:
        for authority in missing:
            make_keys(module, authority)
    return {
        "changed": bool(missing),
        "created": [authority.name for authority in missing],
        "authorities": {
            a.name: UNKNOWN if module.check_mode and a in missing else a.fingerprints() for a in authorities
        },
    }


def main() -> None:
    """Wire it up."""
    module = AnsibleModule(
        argument_spec={"authorities": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    module.run_command_environ_update = command.environment()
    with errors_fail(module):
        result = run(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
