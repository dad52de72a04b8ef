# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a host from running its slice of the plan. Reads only.

Module Overview:

    inspect       a host's slice -> Report of faults, hints and the keys that it lacks
    tor_version   "Tor version 0.4.9.11." -> "0.4.9.11"
    is_older      compares two versions of tor
"""

from __future__ import annotations

import dataclasses
import os
import pwd
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import present
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.installed_key import own_files
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import command as commands
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk
from ansible_collections.onionfleet.balance.plugins.module_utils._host.locations import (
    DATA_ROOT,
    INSTANCES_ROOT,
    PUBLISHER_PROGRAM,
    PUBLISHER_ROOT,
    daemon_user,
    is_managed,
    publisher_key,
    service_directory,
    torrc_path,
)
from ansible_collections.onionfleet.balance.plugins.module_utils._host.sockets import (
    barriers,
    sandbox_faults,
    socket_faults,
)
from ansible_collections.onionfleet.balance.plugins.module_utils._host.targets import refusals
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import directory_state
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.parts import targets_of
from ansible_collections.onionfleet.balance.plugins.module_utils._whole_host import survey

Data = t.Dict[str, t.Any]

FREE_BYTES = 32 * 1024 * 1024
FREE_INODES = 256
ROOTS = (DATA_ROOT, INSTANCES_ROOT)
# a run makes and mends these; those above them are the system's
PASSED = (*ROOTS, os.path.dirname(PUBLISHER_ROOT), os.path.dirname(PUBLISHER_PROGRAM))


@dataclasses.dataclass
class Report:
    """What was found on one host.

    :ivar missing_keys: services whose key has to be brought to this host.
    :ivar tor: the version of the installed tor, or ``None``.
    """

    faults: t.List[str] = dataclasses.field(default_factory=list)
    hints: t.List[str] = dataclasses.field(default_factory=list)
    missing_keys: t.List[str] = dataclasses.field(default_factory=list)
    tor: t.Optional[str] = None


def inspect(daemons: t.Sequence[Data], publisher: t.Optional[Data], minimum_tor: str) -> Report:
    """Look for everything that would stop a deployment of ``daemons`` on this host.

    :param daemons: as tor_instances takes them.
    :param publisher: of the host's slice of the plan, where it publishes.
    :param minimum_tor: the oldest version of tor to accept, such as ``0.4.9.11``.
    """
    report = Report()
    if os.geteuid() != 0:
        report.faults.append("privileges: the tasks do not run as root; set 'become: true' for this host")
        return report
    _inspect_tor(daemons, minimum_tor, report)
    report.faults.extend(_space_faults())
    report.faults.extend(_passage_faults())
    for daemon in daemons:
        if daemon["state"] == "present":
            _inspect_daemon(daemon, report)
    report.hints.extend(_silent_targets(daemons))
    for service in (publisher or {}).get("services", []):
        if service["address"]:
            _inspect_key(service, publisher_key(service["name"]), report)
    return report


def tor_version(output: str) -> t.Optional[str]:
    """The version in the first line of ``tor --version``; ``None`` where there is none."""
    found = re.search(r"^Tor version (\d+(?:\.\d+)+)", output, re.MULTILINE)
    return found.group(1) if found else None


def is_older(version: str, than: str) -> bool:
    """Whether tor ``version`` is older than another; both are dotted numbers."""
    return [int(part) for part in version.split(".")] < [int(part) for part in than.split(".")]


def _inspect_tor(daemons: t.Sequence[Data], minimum: str, report: Report) -> None:
    report.tor = tor_version(_output("tor", "--version"))
    if report.tor is None:
        return
    if is_older(report.tor, minimum):
        report.faults.append(
            f"tor: version {report.tor} is installed, {minimum} is needed (earlier ones let a service be "
            "impersonated); upgrade the package 'tor' from the security updates of the distribution"
        )
    wanting = [
        service["name"]
        for daemon in daemons
        for service in daemon["services"]
        if service["state"] == "present" and (service.get("pow") or {}).get("enabled")
    ]
    if wanting and "pow: yes" not in _output("tor", "--list-modules"):
        report.faults.extend(
            f"service '{name}': pow: the installed tor is built without proof of work; install one that has it, "
            "or turn it off"
            for name in wanting
        )


def _there(path: str) -> str:
    """The directory itself, or the next one above it that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _passage_faults() -> t.Iterator[str]:
    """Directories of the system in which daemons, whatever their users, cannot get to their files."""
    above = [_there(os.path.dirname(path)) for path in PASSED]
    found = barriers([os.path.join(path, ".") for path in above], None, [])
    for path in sorted({barrier for barrier in found if barrier and not barrier.endswith("/.")}):
        yield (
            f"directory: {path} does not let the users of daemons through; "
            f"give it mode 0755, or at least 'chmod o+x {path}'"
        )


def _space_faults() -> t.Iterator[str]:
    for root in ROOTS:
        path = _there(root)
        free = os.statvfs(path)
        if free.f_bavail * free.f_frsize < FREE_BYTES:
            mib = free.f_bavail * free.f_frsize // 2**20
            yield f"disk: {mib} MiB are free for {root}, {FREE_BYTES // 2**20} are needed; make room"
        if free.f_files and free.f_favail < FREE_INODES:
            yield f"disk: {free.f_favail} inodes are free for {root}, {FREE_INODES} are needed; make room"


def _inspect_daemon(daemon: Data, report: Report) -> None:
    name = daemon["name"]
    report.faults.extend(_owner_faults(name, os.path.join(DATA_ROOT, name)))
    if not daemon["adopt"] and os.path.exists(torrc_path(name)) and not is_managed(torrc_path(name)):
        report.faults.append(
            f"daemon '{name}': {torrc_path(name)} was written by someone else; choose another daemon name, "
            "or set 'adopt: true' on its services to take it over"
        )
    for service in daemon["services"]:
        if service["state"] == "present":
            _inspect_service(name, service, report)


def _inspect_service(daemon: str, service: Data, report: Report) -> None:
    place = f"service '{service['name']}'"
    path = service_directory(daemon, service["directory"])
    report.faults.extend(f"{place}: {fault}" for fault in _owner_faults(daemon, path))
    if not service.get("lower_protection"):
        report.faults.extend(f"{place}: {fault}" for fault in _lowered(daemon, service, path))
    if service["address"]:
        _inspect_key(service, path, report)
    else:
        try:
            own_files(path)
        except OnionfleetError as error:
            # no fault: deployments must go on for publishers to leave it out
            report.hints.extend(f"{place}: key: {fault}" for fault in error.faults)
    for port in service.get("ports") or []:
        for target in targets_of(port):
            if target.startswith("unix:"):
                _inspect_socket(f"{place}: ports: {port['port']}", target[len("unix:") :], daemon_user(daemon), report)


def _lowered(daemon: str, service: Data, path: str) -> t.Iterator[str]:
    """What protects the service in its place on this host at present, be it in somebody else's tor, and would not any
    more. What leaves a place is compared on the controller, with all hosts.
    """
    clients = survey.authorized(path)
    if clients and not service.get("authorized_clients"):
        yield (
            f"authorized_clients: {clients} clients are authorized here, and none in the declaration, "
            "so that everybody could come in; name clients, or say 'lower_protection: true'"
        )
    wanted = str(service.get("single_hop")).lower() == "true"
    if wanted and os.path.exists(f"{path}/hostname") and not _is_single_hop(daemon):
        yield (
            "single_hop: the service is anonymous here, and everybody could learn where it is; "
            "remove the field, or say 'lower_protection: true'"
        )


def _is_single_hop(daemon: str) -> bool:
    try:
        return survey.single_hop(present.present(daemon))
    except OnionfleetError:
        return False


def _inspect_key(service: Data, path: str, report: Report) -> None:
    place = f"service '{service['name']}'"
    state = directory_state(path, service["address"], disk.read_bytes)
    if state == "absent" and service["name"] not in report.missing_keys:
        report.missing_keys.append(service["name"])
    elif state == "foreign":
        report.faults.append(
            f"{place}: key: {path} holds the key of another address; move it away, or import it with the "
            "playbook onionfleet.balance.keys"
        )
    elif state.startswith("broken"):
        report.faults.append(f"{place}: key: {path} is {state}; move the folder away to have it made anew")


def _inspect_socket(place: str, path: str, user: str, report: Report) -> None:
    report.faults.extend(f"{place}: {fault}" for fault in sandbox_faults(path))
    if not os.path.exists(path):
        report.hints.append(f"{place}: the socket {path} is not there (yet); visitors get errors until it is")
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        # nobody can have given the socket to a user who does not exist yet
        troubles, found = report.hints, socket_faults(path, None, [])
    else:
        troubles, found = report.faults, socket_faults(path, entry.pw_uid, [entry.pw_gid])
    troubles.extend(f"{place}: {fault}" for fault in found if fault not in sandbox_faults(path))


def _silent_targets(daemons: t.Sequence[Data]) -> t.Iterator[str]:
    """Targets that accept no connection yet, for each service that leads to them; a missing socket is another hint."""
    targets = [
        (f"service '{service['name']}': ports: {port['port']}", target)
        for daemon in daemons
        for service in (daemon["services"] if daemon["state"] == "present" else [])
        for port in (service.get("ports") or [] if service["state"] == "present" else [])
        for target in targets_of(port)
        if not target.startswith("unix:") or os.path.exists(target[len("unix:") :])
    ]
    found = refusals(target for _place, target in targets)
    for place, target in dict.fromkeys(targets):
        if target in found:
            yield f"{place}: {found[target]} (yet); visitors get errors meanwhile"


def _owner_faults(daemon: str, path: str) -> t.List[str]:
    try:
        uid = os.stat(path).st_uid
    except FileNotFoundError:
        return []
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = f"uid {uid}"
    wanted = daemon_user(daemon)
    if owner == wanted:
        return []
    return [f"directory: {path} belongs to {owner}, not to {wanted}; give it back, or move it away"]


def _output(*command: str) -> str:
    try:
        return commands.execute(command, timeout=60).output
    except OSError:
        return ""
