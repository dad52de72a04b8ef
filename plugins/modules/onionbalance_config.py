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
  - Writes what a publisher, Onionbalance with our launcher, publishes, and the keys of these services, all of it or none.
  - Starts and reloads nothing; RV(action) says what is due, by what the running publisher has loaded.
  - A key is never overwritten, and never deleted.
requirements:
  - The user and group C(_onionpublisher), which the role P(onionfleet.balance.softmap_publisher#role) makes.
  - Root, by C(become).
notes:
  - O(secrets) need pipelining (C(ansible_pipelining=true)), with local connections too. Without it Ansible would write
    them into a temporary file on the host.
extends_documentation_fragment: [onionfleet.balance.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
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
          - The backends. One without an address is left out with a warning; a service that would have none is a fault.
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
    secrets:
      archive: "{{ archive_secret }}"
  register: publisher
"""

RETURN = r"""
action:
  description: What has to be done to the publisher, V(start), V(reload), V(restart), V(stop) or V(none).
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
from ansible_collections.onionfleet.balance.plugins.module_utils import _apply, _files, _keyfile, _layout, _onionbalance
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._publisher_status import read_status

Data = t.Dict[str, t.Any]


def config_digest(text: str) -> str:
    """By what a running publisher says which configuration it loaded."""
    return hashlib.sha256(text.encode()).hexdigest()


def key_nodes(service: Data, secrets: t.Mapping[str, t.Any], check: bool) -> t.Iterator[_files.Node]:
    """The files of a service's key that are missing.

    :raises OnionfleetError: there is no key, or another one is there or was given.
    """
    path, place = _layout.publisher_key(service["name"]), f"service '{service['name']}': key: "
    yield _private(path)
    state = _keyfile.directory_state(path, service["address"])
    if state not in ("absent", "match"):
        raise OnionfleetError(f"{place}{path} is {state}, and is not overwritten; move it away")
    if state == "match":
        return
    secret = secrets.get(service["name"])
    if secret is None and not check:
        raise OnionfleetError(f"{place}is missing on this host; give it in secrets")
    files = _keyfile.load_secret(str(secret).encode()).service_files() if secret else {_keyfile.SECRET_FILE: b""}
    if files.get(_keyfile.HOSTNAME_FILE, service["address"].encode()).strip() != service["address"].encode():
        raise OnionfleetError(f"{place}the one in secrets belongs to another address than {service['address']}; mend one")
    for name, content in files.items():
        yield _private(f"{path}/{name}", content, f"the key of {service['address']}\n")


def _private(path: str, content: t.Optional[bytes] = None, label: str = "") -> _files.Node:
    user = _layout.PUBLISHER_USER
    return _files.Node(path, 0o700 if content is None else 0o600, user, user, content, label)


def nodes(services: t.Sequence[Data], config: str, secrets: t.Mapping[str, t.Any], check: bool) -> t.List[_files.Node]:
    """Everything that is to be on the disk, in the order in which it is written.

    :raises OnionfleetError: with the faults of all keys.
    """
    root, group = _layout.PUBLISHER_ROOT, _layout.PUBLISHER_USER
    found = [_files.Node(root, 0o750, "root", group), _private(root + "/keys")]
    faults: t.List[str] = []
    for service in services:
        try:
            found += key_nodes(service, secrets, check)
        except OnionfleetError as error:
            faults += error.faults
    if faults:
        raise OnionfleetError(*faults)
    return [*found, _files.Node(_layout.PUBLISHER_CONFIG, 0o640, "root", group, config.encode())]


def action(services: t.Sequence[Data], config: str) -> str:
    """What the publisher needs so that it publishes this, with the program that is on the disk."""
    if not services:
        return "stop"
    try:
        status = read_status(_layout.PUBLISHER_STATUS, 5)
    except OnionfleetError:
        return "start"
    if _newest([_layout.PUBLISHER_UNIT, *_files_below(_layout.PUBLISHER_PROGRAM)]) > status.get("started", 0):
        return "restart"
    return "none" if status.get("loaded") == config_digest(config) else "reload"


def _files_below(directory: str) -> t.Iterator[str]:
    return (os.path.join(folder, name) for folder, _folders, names in os.walk(directory) for name in names)


def _newest(paths: t.Iterable[str]) -> float:
    return max((os.stat(path).st_ctime for path in paths if os.path.exists(path)), default=0)


def run(parameters: t.Mapping[str, t.Any], check: bool) -> t.Dict[str, t.Any]:
    if os.geteuid() != 0:
        raise OnionfleetError("writing a publisher's configuration and keys needs root; set become: true")
    services = [service for service in parameters["services"] if service["address"] or not check]
    unknown = [f"service '{service['name']}': backend '{instance['name']}' has no address yet; it is left out"
               for service in services for instance in service["instances"] if not instance["address"]]
    faults = _onionbalance.service_faults(services, instances_required=not check)
    faults += _onionbalance.settings_faults(parameters["settings"])
    if faults:
        raise OnionfleetError(*faults)
    config = _onionbalance.render(services, parameters["settings"])
    wanted = nodes(services, config, parameters["secrets"], check)
    changed = [node for node in wanted if _files.differs(node)]
    diff = [_apply.node_diff(node) for node in changed]
    if changed and not check:
        with _files.Transaction() as transaction:
            transaction.write(changed, [])
    published = {service["name"] for service in parameters["services"]}
    kept = [_layout.publisher_key(name) for name in _files.listed(_layout.PUBLISHER_ROOT + "/keys") if name not in published]
    return {"changed": bool(changed), "diff": diff, "action": action(services, config), "kept_keys": kept,
            "warnings": unknown}


def main() -> None:
    instance = {"name": {"type": "str", "required": True}, "address": {"type": "str"},
                "drained": {"type": "bool", "default": False}}
    service = {"name": {"type": "str", "required": True}, "address": {"type": "str"},
               "port": {"type": "int", "required": True},
               "instances": {"type": "list", "elements": "dict", "required": True, "options": instance}}
    module = AnsibleModule(
        {"services": {"type": "list", "elements": "dict", "required": True, "options": service},
         "settings": {"type": "dict", "default": {}},
         "secrets": {"type": "dict", "default": {}, "no_log": True}},
        supports_check_mode=True,
    )
    try:
        result = run(module.params, module.check_mode)
    except OnionfleetError as error:
        module.fail_json(msg=str(error), faults=error.faults)
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'the host'}: {error.strerror}")
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
