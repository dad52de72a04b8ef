# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one host has to change for the declared daemons: decided here, done by the module.

Overview::

  prepare    Daemons and secrets -> Changes, or all faults of the host at once
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import (
    action,
    installed_key,
    present,
    record,
    staging,
    wanted,
)
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.change import Change
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.service_changes import (
    judge_sockets,
    retire,
    service_nodes,
)
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.wanted import Daemon
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations, systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._host.disk import Node
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import publishing
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import configuration

KEPT_TORRC = ".before-onionfleet"


def prepare(daemons: t.Sequence[Daemon], secrets: t.Mapping[str, str], *, check: bool) -> t.List[Change]:
    """Compare declaration and host, and let tor judge what differs. Reads only.

    :param secrets: name of service to its secret key in any known format, as text.
    :param check: a missing secret is then no fault, since the run that follows may have it.
    :raises OnionfleetError: all faults of all daemons.
    """
    changes = [_change(daemon, secrets, check) for daemon in daemons]
    units = systemd.units([daemon.name for daemon in daemons])
    for change in changes:
        change.faults += _lost_keys(change.daemon, units[change.daemon.name])
    for first in [change for change in changes if change.daemon.wanted][:1]:  # the way to all of them
        first.nodes[:0] = disk.passages([locations.INSTANCES_ROOT, locations.DATA_ROOT])
    faults = [fault for change in changes for fault in change.faults] + _refusals(changes, check)
    if faults:
        raise OnionfleetError(*faults)
    for change in changes:
        change.decision = _decision(change, units[change.daemon.name])
    return changes


def _lost_keys(daemon: Daemon, unit: systemd.Unit) -> t.Iterator[str]:
    """Services whose tor made a key of which nothing is left; started again, it makes another, which nobody meant."""
    loaded = record.read(daemon.name, unit) if unit.active else None
    if loaded is None:
        return
    for service in daemon.running_services:
        if (
            service.address is None
            and service.path in loaded.services
            and not installed_key.present_files(service.path)
        ):
            yield f"service '{service.name}': {installed_key.lost(service.path)}"


def _decision(change: Change, unit: systemd.Unit) -> action.Decision:
    state = change.state
    keywords = [keyword for keyword, _value in state.options] if state else []
    loaded = present.loaded_state(change.before, unit, keywords) if unit.active and state else None
    # somebody may have changed files and had tor load them, which no record of ours tells
    for known in (loaded, change.before.state):
        decision = action.decide(state, known, active=unit.active, enabled=systemd.enabled(change.daemon.name))
        if decision.action:
            return decision
    if state and change.config != change.before.config and not record.read(change.daemon.name, unit):
        # nothing differs, but without a record later runs could not tell what it has loaded
        return action.Decision("reload", ["other files say the same from now on"])
    if state and _may_publish(change, state) and present.stands_by(change.daemon.name):
        return action.Decision("reload", ["stands by, as a handover that was stopped half way left it"])
    return decision


def _may_publish(change: Change, state: action.State) -> bool:
    """Whether only a handover tells it to publish nothing: no keeper, not even one about to go, and no option."""
    configured = [value for keyword, value in state.options if keyword == publishing.UPLOADS]
    return not (change.daemon.keeper or present.kept(change.daemon.name)) and configured[-1:] != ["0"]


def _change(daemon: Daemon, secrets: t.Mapping[str, str], check: bool) -> Change:
    try:
        change = Change(daemon, present.present(daemon.name))
    except OnionfleetError as error:
        return Change(
            daemon,
            present.Present(daemon.name, {}, {}, 0),
            faults=[f"daemon '{daemon.name}': {daemon.config}: {fault}" for fault in error.faults],
        )
    change.wanted = daemon.wanted or bool(change.orphans)
    _configure(change)
    if not change.before.ours:
        _adopt(change)
    nodes = _directories(daemon) if daemon.wanted else []
    for service in daemon.services:
        if service.present:
            nodes += service_nodes(change, service, secrets, check)
        else:
            retire(change, service)
    if daemon.wanted:
        judge_sockets(change)
        nodes += [
            Node(path, 0o640, "root", daemon.user, text.encode("utf-8", "surrogateescape"))
            for path, text in wanted.config_files(daemon).items()
            if path != daemon.torrc
        ]
        nodes.append(Node(daemon.torrc, 0o640, "root", daemon.user, change.config[daemon.torrc].encode("utf-8")))
        change.faults += [
            fault
            for node in nodes
            if node.owner == daemon.user and node.content is None
            for fault in disk.directory_faults(node)
        ]
    change.nodes = change.nodes + [node for node in nodes if disk.differs(node)]
    return change


def _configure(change: Change) -> None:
    """The configuration after the run: what we write, and what is there of services that nobody declared."""
    daemon, before = change.daemon, change.before
    if not change.wanted:
        ours = [daemon.torrc] + action.inside(daemon.services_directory, before.config)
        change.removed = [path for path in reversed(ours) if path in before.config]
        return
    absent = [wanted.service_conf(daemon, service) for service in daemon.services if not service.present]
    change.removed = [path for path in absent if path in before.config]
    kept = action.inside(daemon.services_directory, before.config) if daemon.wanted else list(before.config)
    change.config = {path: before.config[path] for path in kept if path not in absent}
    if daemon.wanted:
        change.config.update(wanted.config_files(daemon))
    served = action.state_of(daemon.torrc, change.config, {}).services
    change.files = {
        path: content
        for path, content in before.files.items()
        if path.startswith(tuple(directory + "/" for directory in served))
    }


def _adopt(change: Change) -> None:
    """A torrc that somebody else wrote: only with the explicit word, and nothing that it serves may get lost."""
    daemon, old = change.daemon, change.before.state
    place = f"daemon '{daemon.name}': "
    if not daemon.adopt:
        change.faults.append(
            f"{place}{daemon.torrc}: was not written by this collection; set adopt: true to take it over"
        )
        return
    declared = {service.path for service in daemon.services}
    change.faults += [
        f"{place}the present torrc serves {directory}, which the declaration does not name; "
        + (
            f"declare the service with directory: {os.path.basename(directory)}, present or absent"
            if os.path.dirname(directory) == daemon.data
            else f"move it into {daemon.data} first, with its owner and its path in the torrc"
        )
        for directory in old.services
        if directory not in declared
    ]
    state = change.state
    if state is not None:
        lost = _missing(old.options, state.options)
        lost += [
            f"{line} ({os.path.basename(directory)})"
            for directory, lines in old.services.items()
            if directory in state.services
            for line in _missing(lines, state.services[directory])
        ]
        change.warnings += [
            f"{place}the adopted torrc has a line that the declaration does not carry: {configuration.redacted(line)}"
            for line in lost
        ]
    content = change.before.config[daemon.torrc].encode("utf-8", "surrogateescape")
    copy = Node(daemon.torrc + KEPT_TORRC, 0o640, "root", "root", content)
    change.nodes += [] if os.path.lexists(copy.path) else [copy]


def _missing(old: t.Iterable[configuration.Line], new: t.Iterable[configuration.Line]) -> t.List[str]:
    """Lines that are not there any more, also where another value of the same option is."""
    there = {(keyword.lower(), " ".join(value.split())) for keyword, value in new}
    return [f"{keyword} {value}" for keyword, value in old if (keyword.lower(), " ".join(value.split())) not in there]


def _directories(daemon: Daemon) -> t.List[Node]:
    return [
        Node(daemon.config, 0o750, "root", daemon.user),
        Node(daemon.services_directory, 0o750, "root", daemon.user),
        Node(daemon.data, 0o2700, daemon.user, daemon.user),
    ]


def _refusals(changes: t.Sequence[Change], check: bool) -> t.List[str]:
    """What tor says against configurations that differ from those on disk."""
    asked = [
        change
        for change in changes
        if change.wanted
        and not change.faults
        and (change.config != change.before.config or change.files != change.before.files)
    ]
    program = staging.tor_program()
    if asked and program is None and check:
        asked[0].warnings.append("tor is not installed here, so nobody could validate the configuration")
    elif asked and program is None:
        return ["tor is not installed; install the package tor of the distribution"]
    return [
        f"daemon '{change.daemon.name}': tor refuses its configuration: {complaint}"
        for change in asked
        if program
        for complaint in staging.refusals(program, change.daemon.name, change.config, change.files)
    ]
