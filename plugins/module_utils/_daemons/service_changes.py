# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one service needs in its directory: keys, clients, and targets that tor can reach.

Overview::

  service_nodes   Service and its secret -> files and directories; faults and warnings go to the Change
  retire          an absent service's directory: to be destroyed, or kept
  judge_sockets   can the daemon reach the unix sockets of its services?
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import installed_key
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import wanted as wanted_daemons
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.change import Change
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.wanted import Service
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, several
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, sockets
from ansible_collections.onionfleet.balance.plugins.module_utils._host.disk import Node
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import parts


def service_nodes(change: Change, service: Service, secrets: t.Mapping[str, str], check: bool) -> t.List[Node]:
    user = change.daemon.user
    readable = str(service.fields.get("directory_group_readable") or False).lower() == "true"
    nodes = [Node(service.path, 0o750 if readable else 0o700, user, user)]
    # tor lets the group read the host name, too
    nodes += [
        Node(
            f"{service.path}/{name}",
            0o640 if readable and name == "hostname" else 0o600,
            user,
            user,
            b"",
            "key\n",
            kept=True,
        )
        for name in installed_key.present_files(service.path)
    ]
    try:
        nodes += [
            Node(f"{service.path}/{name}", 0o600, user, user, content, f"key of {service.address or 'its own'}\n")
            for name, content in _missing_key(service, secrets, check).items()
        ]
    except OnionfleetError as error:
        change.faults += [f"service '{service.name}': {fault}" for fault in error.faults]
    wanted = {path: text.encode() for path, text in wanted_daemons.service_files(service).items()}
    clients = service.path + "/authorized_clients"
    present = [f"{clients}/{name}" for name in disk.listed(clients) if name.endswith(".auth")]
    if service.clients is None and present:
        change.warnings.append(
            f"service '{service.name}': authorized_clients is not declared, so the {len(present)} clients "
            "in its directory are left as they are; declare them, or [] to open the service to all"
        )
    stale = [
        path
        for path in (present if service.clients is not None else []) + [service.path + "/ob_config"]
        if path not in wanted and os.path.lexists(path)
    ]
    change.removed += stale
    change.files = {path: content for path, content in {**change.files, **wanted}.items() if path not in stale}
    if service.clients or (service.clients is not None and os.path.isdir(clients)):
        nodes.append(Node(clients, 0o700, user, user))
    return nodes + [Node(path, 0o600, user, user, content) for path, content in wanted.items()]


def _missing_key(service: Service, secrets: t.Mapping[str, str], check: bool) -> t.Dict[str, bytes]:
    if service.address is None:
        return installed_key.own_files(service.path)
    return installed_key.missing_files(service.path, service.address, secrets.get(service.name), check=check)


def retire(change: Change, service: Service) -> None:
    if service.delete_key and os.path.isdir(service.path):
        change.shred.append(service.path)
    elif os.path.lexists(service.path + "/hs_ed25519_secret_key"):
        change.kept_keys.append(service.path)


def judge_sockets(change: Change) -> None:
    user, group = disk.user_id(change.daemon.user), disk.group_id(change.daemon.user)
    absent: t.List[str] = []
    for service in change.daemon.running_services:
        targets = [target for port in service.fields["ports"] for target in parts.targets_of(port)]
        paths = [target[len("unix:") :] for target in targets if target.startswith("unix:")]
        place = f"service '{service.name}': ports: "
        change.faults += [place + fault for path in paths for fault in sockets.sandbox_faults(path)]
        # Warnings only: the group that such a socket is to have is made by this very run.
        change.warnings += [
            place + fault for fault in sockets.barrier_faults(paths, user, [] if group is None else [group])
        ]
        absent += [path for path in paths if not os.path.lexists(path)]
    if absent:
        change.warnings.append(
            f"daemon '{change.daemon.name}': sockets of targets are not there yet, are their servers running? "
            + several(absent)
        )
