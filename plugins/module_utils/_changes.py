# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one host has to change for the declared daemons: decided here, done by the module.

Overview::

  Change     everything about one daemon: files to write and remove, warnings, what to do with its unit
  prepare    Daemons and secrets -> Changes, or all faults of the host at once
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils import (
    _decide,
    _files,
    _host,
    _instances,
    _keyfile,
    _option_parts,
    _present,
    _sockets,
    _staging,
)
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._files import Node
from ansible_collections.onionfleet.balance.plugins.module_utils._instances import Daemon, Service

KEPT_TORRC = ".before-onionfleet"


@dataclasses.dataclass
class Change:
    """``config``, ``files``: what tor will read. ``nodes``, ``removed``: what differs on disk. ``shred``: directories."""

    daemon: Daemon
    before: _present.Present
    wanted: bool = False
    config: t.Dict[str, str] = dataclasses.field(default_factory=dict)
    files: t.Dict[str, bytes] = dataclasses.field(default_factory=dict)
    nodes: t.List[Node] = dataclasses.field(default_factory=list)
    removed: t.List[str] = dataclasses.field(default_factory=list)
    shred: t.List[str] = dataclasses.field(default_factory=list)
    kept_keys: t.List[str] = dataclasses.field(default_factory=list)
    faults: t.List[str] = dataclasses.field(default_factory=list)
    warnings: t.List[str] = dataclasses.field(default_factory=list)
    decision: _decide.Decision = dataclasses.field(default_factory=lambda: _decide.Decision(None, []))

    @property
    def orphans(self) -> t.List[str]:
        declared = {service.name for service in self.daemon.services}
        return [name for name in self.before.service_names if name not in declared]

    @property
    def new_user(self) -> bool:
        return self.wanted and _files.user_id(self.daemon.user) is None

    @property
    def enable(self) -> bool:
        return self.wanted and not _host.enabled(self.daemon.name)

    @property
    def changed(self) -> bool:
        return bool(self.nodes or self.removed or self.shred or self.new_user or self.enable)

    @property
    def state(self) -> t.Optional[_decide.State]:
        return _decide.state_of(self.daemon.torrc, self.config, self.files) if self.wanted else None


def prepare(daemons: t.Sequence[Daemon], secrets: t.Mapping[str, str], *, check: bool) -> t.List[Change]:
    """Compare declaration and host, and let tor judge what differs. Reads only.

    :param secrets: name of service to its secret key in any known format, as text.
    :param check: a missing secret is then no fault, since the run that follows may have it.
    :raises OnionfleetError: all faults of all daemons.
    """
    changes = [_change(daemon, secrets, check) for daemon in daemons]
    faults = [fault for change in changes for fault in change.faults] + _refusals(changes, check)
    if faults:
        raise OnionfleetError(*faults)
    units = _host.units([change.daemon.name for change in changes])
    for change in changes:
        unit, state = units[change.daemon.name], change.state
        keywords = [keyword for keyword, _value in state.options] if state else []
        loaded = _present.loaded_state(change.before, unit, keywords) if unit.active and state else None
        # somebody may have changed files and had tor load them, which no record of ours tells
        decisions = [_decide.decide(state, known, active=unit.active, enabled=_host.enabled(change.daemon.name))
                     for known in (loaded, change.before.state)]
        change.decision = decisions[0] if decisions[0].action else decisions[1]
        if (state and not change.decision.action and change.config != change.before.config
                and not _host.read_record(change.daemon.name, unit)):
            # nothing differs, but without a record later runs could not tell what it has loaded
            change.decision = _decide.Decision("reload", ["other files say the same from now on"])
    return changes


def _change(daemon: Daemon, secrets: t.Mapping[str, str], check: bool) -> Change:
    try:
        change = Change(daemon, _present.present(daemon.name))
    except OnionfleetError as error:
        return Change(daemon, _present.Present(daemon.name, {}, {}, 0),
                      faults=[f"daemon '{daemon.name}': {daemon.config}: {fault}" for fault in error.faults])
    change.wanted = daemon.wanted or bool(change.orphans)
    _configure(change)
    if not change.before.ours:
        _adopt(change)
    nodes = _directories(daemon) if daemon.wanted else []
    for service in daemon.services:
        if service.present:
            nodes += _service_nodes(change, service, secrets, check)
        else:
            _retire(change, service)
    if daemon.wanted:
        _judge_sockets(change)
        nodes += [Node(path, 0o640, "root", daemon.user, text.encode("utf-8", "surrogateescape"))
                  for path, text in _instances.config_files(daemon).items() if path != daemon.torrc]
        nodes.append(Node(daemon.torrc, 0o640, "root", daemon.user, change.config[daemon.torrc].encode("utf-8")))
        change.faults += [fault for node in nodes if node.owner == daemon.user and node.content is None
                          for fault in _files.directory_faults(node)]
    change.nodes = change.nodes + [node for node in nodes if _files.differs(node)]
    return change


def _configure(change: Change) -> None:
    """The configuration after the run: what we write, and what is there of services that nobody declared."""
    daemon, before = change.daemon, change.before
    if not change.wanted:
        ours = [daemon.torrc] + _decide.inside(daemon.services_directory, before.config)
        change.removed = [path for path in reversed(ours) if path in before.config]
        return
    absent = [_instances.service_conf(daemon, service) for service in daemon.services if not service.present]
    change.removed = [path for path in absent if path in before.config]
    kept = _decide.inside(daemon.services_directory, before.config) if daemon.wanted else list(before.config)
    change.config = {path: before.config[path] for path in kept if path not in absent}
    if daemon.wanted:
        change.config.update(_instances.config_files(daemon))
    served = _decide.state_of(daemon.torrc, change.config, {}).services
    change.files = {path: content for path, content in before.files.items()
                    if path.startswith(tuple(directory + "/" for directory in served))}


def _adopt(change: Change) -> None:
    """A torrc that somebody else wrote: only with the explicit word, and nothing that it serves may get lost."""
    daemon, old = change.daemon, change.before.state
    place = f"daemon '{daemon.name}': "
    if not daemon.adopt:
        change.faults.append(f"{place}{daemon.torrc}: was not written by this collection; set adopt: true to take it over")
        return
    declared = {service.path for service in daemon.services}
    change.faults += [f"{place}the present torrc serves {directory}, which the declaration does not name; " + (
        f"declare the service with directory: {os.path.basename(directory)}, present or absent"
        if os.path.dirname(directory) == daemon.data
        else f"move it into {daemon.data} first, with its owner and its path in the torrc")
        for directory in old.services if directory not in declared]
    state = change.state
    if state is not None:
        kept = {keyword.lower() for keyword, _value in state.options}
        lost = [f"{keyword} {value}" for keyword, value in old.options if keyword.lower() not in kept]
        lost += [f"{keyword} {value} ({os.path.basename(directory)})" for directory, lines in old.services.items()
                 for keyword, value in lines if directory in state.services
                 and keyword.lower() not in {name.lower() for name, _value in state.services[directory]}]
        change.warnings += [f"{place}the adopted torrc has an option that the declaration does not carry: {line}" for line in lost]
    content = change.before.config[daemon.torrc].encode("utf-8", "surrogateescape")
    copy = Node(daemon.torrc + KEPT_TORRC, 0o640, "root", "root", content)
    change.nodes += [] if os.path.lexists(copy.path) else [copy]


def _directories(daemon: Daemon) -> t.List[Node]:
    return [Node(daemon.config, 0o750, "root", daemon.user), Node(daemon.services_directory, 0o750, "root", daemon.user),
            Node(daemon.data, 0o2700, daemon.user, daemon.user)]


def _service_nodes(change: Change, service: Service, secrets: t.Mapping[str, str], check: bool) -> t.List[Node]:
    user = change.daemon.user
    readable = str(service.fields.get("directory_group_readable") or False).lower() == "true"
    nodes = [Node(service.path, 0o750 if readable else 0o700, user, user)]
    try:
        nodes += [Node(f"{service.path}/{name}", 0o600, user, user, content, f"key of {service.address}\n")
                  for name, content in _missing_key(service, secrets, check).items()]
    except OnionfleetError as error:
        change.faults += [f"service '{service.name}': {fault}" for fault in error.faults]
    wanted = {path: text.encode() for path, text in _instances.service_files(service).items()}
    clients = service.path + "/authorized_clients"
    present = [f"{clients}/{name}" for name in _files.listed(clients) if name.endswith(".auth")]
    if service.clients is None and present:
        change.warnings.append(f"service '{service.name}': authorized_clients is not declared, so the {len(present)} clients "
                               "in its directory are left as they are; declare them, or [] to open the service to all")
    stale = [path for path in (present if service.clients is not None else []) + [service.path + "/ob_config"]
             if path not in wanted and os.path.lexists(path)]
    change.removed += stale
    change.files = {path: content for path, content in {**change.files, **wanted}.items() if path not in stale}
    if service.clients or (service.clients is not None and os.path.isdir(clients)):
        nodes.append(Node(clients, 0o700, user, user))
    return nodes + [Node(path, 0o600, user, user, content) for path, content in wanted.items()]


def _missing_key(service: Service, secrets: t.Mapping[str, str], check: bool) -> t.Dict[str, bytes]:
    """Name to content of the key files that are to be written; content is empty where check mode has no secret."""
    state = "match" if service.address is None else _present.key_state(service.path, service.address)
    if state == "match":
        return {}
    if state == "foreign":
        raise OnionfleetError(f"{service.path}: holds the key of another address than {service.address}; keys are never "
                              "overwritten: move the directory away, or declare its address")
    if state != "absent":
        raise OnionfleetError(f"{service.path}: {state}; restore the key files or move the directory away")
    if not secrets.get(service.name):
        if check:
            return dict.fromkeys(("hs_ed25519_secret_key", "hs_ed25519_public_key", "hostname"), b"")
        raise OnionfleetError(f"its key is missing in {service.path}, and no secret was given; run the keys playbook, or "
                              "give the secret of this service")
    secret = _keyfile.load_secret(secrets[service.name].encode())
    if secret.address != service.address:
        raise OnionfleetError(f"the secret that was given is that of {secret.address}, not of {service.address}")
    return secret.service_files()


def _retire(change: Change, service: Service) -> None:
    if service.delete_key and os.path.isdir(service.path):
        change.shred.append(service.path)
    elif os.path.lexists(service.path + "/hs_ed25519_secret_key"):
        change.kept_keys.append(service.path)


def _judge_sockets(change: Change) -> None:
    user, group = _files.user_id(change.daemon.user), _files.group_id(change.daemon.user)
    absent: t.List[str] = []
    for service in change.daemon.running_services:
        targets = [target for port in service.fields["ports"] for target in _option_parts.targets_of(port)]
        paths = [target[len("unix:"):] for target in targets if target.startswith("unix:")]
        place = f"service '{service.name}': ports: "
        change.faults += [place + fault for path in paths for fault in _sockets.sandbox_faults(path)]
        # Warnings only: the group that such a socket is to have is made by this very run.
        change.warnings += [place + fault for fault in _sockets.barrier_faults(paths, user, [] if group is None else [group])]
        absent += [path for path in paths if not os.path.lexists(path)]
    if absent:
        change.warnings.append(f"daemon '{change.daemon.name}': sockets of targets are not there yet, are their servers running? "
                               + ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else ""))


def _refusals(changes: t.Sequence[Change], check: bool) -> t.List[str]:
    """What tor says against configurations that differ from those on disk."""
    asked = [change for change in changes if change.wanted and not change.faults
             and (change.config != change.before.config or change.files != change.before.files)]
    program = _staging.tor_program()
    if asked and program is None and check:
        asked[0].warnings.append("tor is not installed here, so nobody could validate the configuration")
    elif asked and program is None:
        return ["tor is not installed; install the package tor of the distribution"]
    return [f"daemon '{change.daemon.name}': tor refuses its configuration: {complaint}" for change in asked if program
            for complaint in _staging.refusals(program, change.daemon.name, change.config, change.files)]
