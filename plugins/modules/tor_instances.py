# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tor_instances
short_description: All tor daemons of a host and their onion services, as files
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Writes the configuration, keys and authorized clients of all tor daemons of a host in one call, in the layout of
    Debian's C(tor@NAME) instances, each service in a file of its own.
  - Every candidate is judged by C(tor --verify-config) in a copy before anything is written. What tor would refuse
    never replaces what it runs. When writing fails, the previous configuration comes back.
  - Starts and reloads nothing. What is to be done is returned in RV(actions), for
    M(onionfleet.balance.tor_daemons), and depends on what each daemon really loaded.
  - A key is never overwritten, and deleted only with an explicit C(delete_key).
requirements:
  - Debian's package tor, for the validation.
notes:
  - O(secrets) and O(option_secrets) need pipelining (C(ansible_pipelining=true)), with local connections too. Without
    it Ansible would write them into a temporary file on the host.
extends_documentation_fragment: [onionfleet.balance.attributes, onionfleet.balance.host]
attributes:
  check_mode:
    details: [Without tor on the host the configuration cannot be validated, which a warning says.]
options:
  daemons:
    description:
      - The daemons. A daemon that is not listed is left as it is. Fields of each are the following.
      - C(name), of up to 27 lower-case letters and digits.
      - C(state), V(present) (default) or V(absent). Absent, or when all its services are absent, the daemon is to stop
        and its configuration goes. One that is declared without services, such as a relay by its C(options), runs.
      - C(adopt), V(true) to take over an instance whose torrc somebody else wrote; it is kept as
        C(torrc.before-onionfleet).
      - C(socks), V(true) to open the SOCKS socket C(/run/tor-instances/NAME/probe.sock). Other daemons have none.
      - C(keeper), V(true) where something else tells a daemon when to publish its services. Others that were told to
        publish nothing, and run, are reloaded.
      - C(stagger), seconds from the beginning of M(onionfleet.balance.tor_daemons) before which it is not started.
      - C(options), daemon-wide options of tor in snake_case, with the meaning that tor's manual gives them.
        C(avoid_disk_writes), C(bandwidth_burst), C(bandwidth_rate), C(circuit_build_timeout), C(circuit_padding),
        C(client_prefer_ipv6_or_port), C(client_use_ipv4), C(client_use_ipv6), C(compiled_pow_hash), C(conn_limit),
        C(connection_padding), C(constrained_socket_size), C(constrained_sockets), C(disable_all_swap),
        C(disable_debugger_attachment), C(entry_nodes), C(exclude_nodes),
        C(heartbeat_period), C(hs_layer2_nodes), C(hs_layer3_nodes), C(https_proxy), C(keepalive_period),
        C(learn_circuit_build_timeout), C(log_level), C(max_circuit_dirtiness), C(max_mem_in_queues), C(metrics_port),
        C(metrics_port_policy), C(middle_nodes), C(no_exec), C(num_cpus), C(num_entry_guards), C(num_primary_guards),
        C(outbound_bind_address), C(protocol_warnings), C(publish_descriptors), C(reachable_addresses),
        C(reduced_connection_padding), C(safe_logging), C(sandbox), C(socks4_proxy), C(socks5_proxy), C(strict_nodes),
        C(tcp_proxy), C(vanguards_lite); and C(extra), a list of C(option) and C(value) for what has no field.
      - C(services), the onion services. One that is not listed goes on and is reported in RV(orphans). Fields of each
        are the following.
      - C(name), which names its configuration file, and C(directory), its directory in the daemon's data directory,
        by default named as the service.
      - C(state), V(present) (default) or V(absent). Absent, its configuration goes and its key stays, unless
        C(delete_key) is V(true), which overwrites and deletes the key too.
      - C(address), the address that it is to have. Without one, tor makes a key where there is none.
      - C(ports), a list of C(port) with C(target) or C(targets), C(introduction_points), C(max_streams),
        C(max_streams_close_circuit), C(allow_unknown_ports), C(export_circuit_id), C(introduction_dos) (C(enabled),
        C(rate_per_second), C(burst_per_second)), C(pow) (C(enabled), C(queue_rate), C(queue_burst)),
        C(directory_group_readable), C(authorized_clients) (a list of C(name) and C(public_key)),
        C(onionbalance_frontends), C(single_hop), C(extra), with the meaning that tor's manual gives them.
    type: list
    elements: dict
    required: true
  secrets:
    description:
      - Secret keys by name of service, in any format that M(onionfleet.balance.onion_key) imports, for services whose
        key is missing on the host.
    type: dict
    default: {}
  option_secrets:
    description:
      - Options that hold passwords, for all daemons, by tor's names,
        V(HTTPSProxyAuthenticator) or V(Socks5ProxyPassword).
      - They are refused in C(extra). Their values appear in the daemons' configuration only.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Two onion services in two daemons
  onionfleet.balance.tor_instances:
    daemons:
      - name: newsroomw1
        options: {no_exec: true}
        services:
          - name: newsroom
            address: "{{ newsroom_address }}"
            ports:
              - {port: 80, target: "127.0.0.1:8080"}
            pow: {enabled: true}
      - name: archive
        services:
          - name: archive
            ports:
              - {port: 80, target: "unix:/run/archive/web.sock"}
    secrets:
      newsroom: "{{ newsroom_secret }}"
  register: instances

- name: Load it
  onionfleet.balance.tor_daemons:
    actions: "{{ instances.actions }}"
"""

RETURN = r"""
actions:
  description: >-
    Daemons that have to be started, reloaded, restarted or stopped; one that has loaded all of it is not listed.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the daemon.
      type: str
    action:
      description: V(start), V(reload), V(restart) or V(stop).
      type: str
    reasons:
      description: Why.
      type: list
      elements: str
    revisions:
      description: Revision counters of the daemon's own descriptors by service, where it is to be restarted.
      type: dict
    stagger:
      description: As declared.
      type: int
orphans:
  description: >-
    Daemons of ours that are not declared (RV(orphans[].service) is null), and services that are not. They go on.
  returned: success
  type: list
  elements: dict
  contains:
    daemon:
      description: Name of the daemon.
      type: str
    service:
      description: Name of the service, or null for the whole daemon.
      type: str
kept_keys:
  description: Directories of absent services whose keys were kept.
  returned: success
  type: list
  elements: str
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import apply, present, wanted
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import changes as host_changes
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.change import Change
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations


def actions(changes: t.Sequence[Change]) -> t.List[t.Dict[str, t.Any]]:
    due = []
    for change in changes:
        if change.decision.action:
            known = {
                service.name: disk.read_text(service.path + "/hostname") for service in change.daemon.running_services
            }
            asked = {name: address.strip() for name, address in known.items() if address}
            restart = change.decision.action == "restart"
            due.append(
                {
                    "name": change.daemon.name,
                    "action": change.decision.action,
                    "reasons": change.decision.reasons,
                    "stagger": change.daemon.stagger,
                    "revisions": present.revisions(change.daemon.name, asked) if restart else {},
                }
            )
    return due


def orphans(changes: t.Sequence[Change]) -> t.List[t.Dict[str, t.Optional[str]]]:
    found: t.List[t.Dict[str, t.Optional[str]]] = [
        {"daemon": change.daemon.name, "service": name} for change in changes for name in change.orphans
    ]
    declared = {change.daemon.name for change in changes}
    for name in disk.listed(locations.INSTANCES_ROOT):
        torrc = disk.read_text(f"{locations.INSTANCES_ROOT}/{name}/torrc")
        if name not in declared and torrc is not None and torrc.startswith(locations.MARKER):
            found.append({"daemon": name, "service": None})
    return found


def run(parameters: t.Mapping[str, t.Any], check: bool) -> t.Dict[str, t.Any]:
    if os.geteuid() != 0:
        raise OnionfleetError("writing tor's configuration and keys needs root; set become: true")
    changes = host_changes.prepare(
        wanted.read(parameters["daemons"], parameters["option_secrets"]), parameters["secrets"], check=check
    )
    result = {
        "changed": any(change.changed for change in changes),
        "diff": apply.diff(changes),
        "actions": actions(changes),
        "orphans": orphans(changes),
        "kept_keys": [path for change in changes for path in change.kept_keys],
        "warnings": [warning for change in changes for warning in change.warnings],
    }
    if result["changed"] and not check:
        apply.apply(changes)
    return result


def main() -> None:
    module = AnsibleModule(
        {
            "daemons": {"type": "list", "elements": "dict", "required": True},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "option_secrets": {"type": "dict", "default": {}, "no_log": True},
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
