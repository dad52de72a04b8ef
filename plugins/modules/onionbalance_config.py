#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: onionbalance_config
short_description: Configuration and keys of a publisher
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Writes what a publisher, Onionbalance with our launcher, publishes, and the keys of
    these services, all of it or none.
  - RV(action) says what is due, by what the running publisher has loaded; O(state) says how much of it is done.
  - A key is never overwritten, and never deleted.
requirements:
  - The user and group C(_onionpublisher), which the role P(onionfleet.balance.softmap_publisher#role) makes.
notes:
  - O(secrets) need pipelining (C(ansible_pipelining=true)), with local connections too. Without it Ansible would write
    them into a temporary file on the host.
extends_documentation_fragment: [onionfleet.balance.attributes, onionfleet.balance.host]
options:
  services:
    description: What the host publishes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the service.
        type: str
        required: true
      address:
        description: Its address. Without one, which only a check run may lack, the service is left out.
        type: str
      port:
        description: The port of the backends that is connected to, to see whether they answer.
        type: int
        required: true
      instances:
        description:
          - The backends. One without an address is left out with a warning; a service that would have none
            is a fault, but in a check run.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: C(host/daemon).
            type: str
            required: true
          address:
            description: The backend's own address, or null where it is not known yet.
            type: str
          drained:
            description: Whether the publisher is to leave it out.
            type: bool
            default: false
  settings:
    description:
      - Settings of the launcher. V(introduction_points) in one descriptor at most (3 to 20), V(probe_interval) and
        V(probe_timeout) in seconds, V(probe_failures) in a row that take a backend out, V(probes_per_minute) of all
        backends at most, V(rotation_interval) in seconds after which the next backends have their turn where more exist
        than fit, and V(testnet) for the short time periods of C(TestingTorNetwork).
    type: dict
    default: {}
  state:
    description:
      - V(written) does nothing to the publisher.
      - V(reloaded) has one that runs read its configuration.
      - V(started) enables the publisher, and starts, reloads or stops it as is due; a restart is left to somebody else.
      - V(restarted) restarts it, too, where that is due.
    type: str
    choices: [written, reloaded, started, restarted]
    default: written
  secrets:
    description:
      - Secret keys by name of service, in any format that M(onionfleet.balance.onion_key) imports, for services whose
        key is missing on the host.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Publish one service of two backends
  onionfleet.balance.onionbalance_config:
    services:
      - name: archive
        address: "{{ archive_address }}"
        port: 80
        instances:
          - {name: app1/archiveb1, address: "{{ app1_address }}"}
          - {name: app2/archiveb1, address: "{{ app2_address }}"}
    state: restarted
    secrets:
      archive: "{{ archive_secret }}"
  register: publisher
"""

RETURN = r"""
action:
  description:
    - What is due for the publisher, or was before it was done, V(start), V(reload), V(restart), V(stop) or V(none).
    - V(start) where nobody listens on its status socket; V(restart) where its program or unit is newer than it, or
      where it gives no proper answer; V(reload) where it has loaded another configuration.
  returned: success
  type: str
kept_keys:
  description: Directories with keys of services that the host publishes no more.
  returned: success
  type: list
  elements: str
"""

import hashlib
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations
from ansible_collections.onionfleet.balance.plugins.module_utils._host.diff import node_diff
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import onionbalance, publisher_files
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.publisher_status import (
    NotRunning,
    read_status,
)
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.service import bring

Data = t.Dict[str, t.Any]
INSTANCE = {
    "name": {"type": "str", "required": True},
    "address": {"type": "str"},
    "drained": {"type": "bool", "default": False},
}
SERVICE = {
    "name": {"type": "str", "required": True},
    "address": {"type": "str"},
    "port": {"type": "int", "required": True},
    "instances": {"type": "list", "elements": "dict", "required": True, "options": INSTANCE},
}

# state -> what is due -> what is done
ACTS: t.Dict[str, t.Dict[str, str]] = {
    "written": {},
    "reloaded": {"reload": "reload", "restart": "reload"},
    "started": {"none": "start", "start": "start", "reload": "reload", "restart": "start", "stop": "stop"},
    "restarted": {"none": "start", "start": "start", "reload": "reload", "restart": "restart", "stop": "stop"},
}


def action(services: t.Sequence[Data], config: str) -> str:
    """What the publisher needs so that it publishes ``services``, with the program that is on the disk."""
    if not services:
        return "stop"
    try:
        status = read_status(locations.PUBLISHER_STATUS, 5)
    except NotRunning:
        return "start"
    except OnionfleetError:
        return "restart"
    if publisher_files.program_changed() > status["started"]:
        return "restart"
    return "none" if status["loaded"] == hashlib.sha256(config.encode()).hexdigest() else "reload"


def run(parameters: t.Mapping[str, t.Any], check: bool) -> t.Dict[str, t.Any]:
    if os.geteuid() != 0:
        raise OnionfleetError("writing a publisher's configuration and keys needs root; set become: true")
    declared = parameters["services"]
    services = [service for service in declared if service["address"] or not check]
    faults = onionbalance.service_faults(services, instances_required=not check)
    faults += onionbalance.settings_faults(parameters["settings"])
    faults += [] if check else publisher_files.user_faults()
    sound = [service for service in services if not onionbalance.service_faults([service], instances_required=False)]
    keys, key_faults = publisher_files.key_nodes(sound, parameters["secrets"], check)
    if faults or key_faults:
        raise OnionfleetError(*faults, *key_faults)
    config = onionbalance.render(services, parameters["settings"])
    changed = [node for node in publisher_files.nodes(keys, config) if disk.differs(node)]
    diff = [node_diff(node) for node in changed]
    if changed and not check:
        with disk.alone(), disk.Transaction() as transaction:
            transaction.write(changed, [])
    due = action(declared, config)
    act = ACTS[parameters["state"]].get(due)
    verbs = bring(locations.PUBLISHER_UNIT, act, check=check) if act else []
    return {
        "changed": bool(changed or verbs),
        "diff": diff,
        "action": due,
        "kept_keys": kept_keys(declared),
        "warnings": unknown_backends(services),
    }


def kept_keys(services: t.Sequence[Data]) -> t.List[str]:
    published = {service["name"] for service in services}
    names = disk.listed(locations.PUBLISHER_ROOT + "/keys")
    return [locations.publisher_key(name) for name in names if name not in published]


def unknown_backends(services: t.Sequence[Data]) -> t.List[str]:
    return [
        f"service '{service['name']}': backend '{instance['name']}' has no address yet; it is left out"
        for service in services
        for instance in service["instances"]
        if not instance["address"]
    ]


def main() -> None:
    module = AnsibleModule(
        {
            "services": {"type": "list", "elements": "dict", "required": True, "options": SERVICE},
            "settings": {"type": "dict", "default": {}},
            "state": {"type": "str", "choices": [*ACTS], "default": "written"},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    with errors_fail(module):
        result = run(module.params, module.check_mode)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
