# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each declared service by itself: is it well formed, and which hosts and daemons does it name?

Module Overview:

    Service        one service of the declaration, read
    Replica        one tor daemon that serves it
    Inventory      resolves names of groups and hosts
    read_services  the declared list -> services; faults are collected, not raised
    daemon_name    the instance name of one worker of a service
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._address import is_address
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import near
from ansible_collections.onionfleet.balance.plugins.module_utils._options import daemon_option_faults, service_faults
from ansible_collections.onionfleet.balance.plugins.module_utils._probe import ARGUMENTS, request_faults

Data = t.Dict[str, t.Any]

PROBE_DAEMON = "onionprobe"
MAX_WORKERS = 16
LAYOUTS = ("hardmap",)
STATES = ("present", "absent")
# how verification asks a service, as onion_probe takes it
PROBE_FIELDS = {"port": int, "scheme": str, "path": str, "status": list, "contains": str, "capture": str}
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")
DAEMON = re.compile(r"[a-z0-9]{1,27}\Z")
DIRECTORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")
# fields that say where a service runs; the others say how, and go to tor
PLACEMENT = frozenset(
    ("name", "state", "layout", "replicas", "workers", "daemon", "daemon_options", "directory", "adopt", "delete_key")
    + ("secret_key", "address", "probe")
)


@dataclasses.dataclass(frozen=True)
class Replica:
    """One tor daemon that serves a service: the ``worker``-th of ``host``."""

    host: str
    daemon: str
    worker: int


@dataclasses.dataclass(frozen=True)
class Service:
    """One service of the declaration.

    :ivar fields: what the operator wrote, defaults not filled in.
    :ivar replicas: the daemons that serve it, host by host in the inventory's order.
    """

    name: str
    fields: Data
    replicas: t.List[Replica]

    @property
    def state(self) -> str:
        """``present`` or ``absent``."""
        return str(self.fields.get("state", "present"))

    @property
    def directory(self) -> str:
        """The name of its folder in the daemon's data directory."""
        return str(self.fields.get("directory", self.name))

    @property
    def settings(self) -> Data:
        """The fields that go to tor."""
        return {key: value for key, value in self.fields.items() if key not in PLACEMENT}

    @property
    def hosts(self) -> t.List[str]:
        """Its hosts, each once, in the inventory's order."""
        return list(dict.fromkeys(replica.host for replica in self.replicas))


class Faults(t.List[str]):
    """Faults found so far, in the form ``place: field: what is wrong; how to mend it``."""

    def add(self, place: str, field: str, what: str) -> None:
        """Note one fault."""
        self.append(f"{place}: {field}: {what}")


@dataclasses.dataclass(frozen=True)
class Inventory:
    """Group name -> host names, as in Ansible's ``groups``."""

    groups: t.Mapping[str, t.Sequence[str]]

    def hosts_of(self, names: t.Any, place: str, field: str, faults: Faults) -> t.List[str]:
        """The hosts that a name, or a list of names, of groups and hosts stands for, each once."""
        wanted = [names] if isinstance(names, str) else names
        if not isinstance(wanted, list) or not wanted or not all(isinstance(name, str) for name in wanted):
            faults.add(place, field, "must name an inventory group or host, or a list of them")
            return []
        found: t.Dict[str, str] = {}
        for name in map(str, wanted):
            for host in self._members(name, place, field, faults):
                if host in found:
                    faults.add(place, field, f"host '{host}' is in both '{found[host]}' and '{name}'; name it once")
                found.setdefault(host, name)
        return list(found)

    def _members(self, name: str, place: str, field: str, faults: Faults) -> t.List[str]:
        if name in self.groups:
            if not self.groups[name]:
                faults.add(place, field, f"group '{name}' is empty; add hosts to it in the inventory")
            return [str(host) for host in self.groups[name]]
        hosts = sorted({str(host) for members in self.groups.values() for host in members})
        if name in hosts:
            return [name]
        hint = near(name, [*self.groups, *hosts])
        faults.add(place, field, f"{name!r} is neither a group nor a host of the inventory{hint}; patterns do not work")
        return []


def daemon_name(service: str, worker: int) -> str:
    """The instance name of one worker of a service: letters and digits only, as Debian's tor units demand.

    Names that lose something on the way (hyphens, length) get four digits of their hash, so that
    ``news-room`` and ``newsroom`` stay apart.
    """
    squashed = service.replace("-", "")[:16]
    if squashed != service:
        squashed += hashlib.sha256(service.encode()).hexdigest()[:4]
    return f"{squashed}w{worker}"


def check_daemon_name(name: t.Any, place: str, field: str, faults: Faults) -> None:
    """Note it where ``name`` cannot be that of one of our tor instances."""
    if not isinstance(name, str) or not DAEMON.match(name):
        faults.add(place, field, f"{name!r} is no name of a tor instance; use 1 to 27 of a-z and 0-9, as a string")
    elif name in ("default", PROBE_DAEMON):
        faults.add(place, field, f"'{name}' is taken; choose another name")


def read_services(declared: t.Any, inventory: Inventory, faults: Faults) -> t.Dict[str, Service]:
    """Read ``onion_services``: name -> service, in the order of the declaration."""
    if not isinstance(declared, list):
        faults.add("onion_services", "type", "must be a list of services; write each as '- name: …'")
        return {}
    services: t.Dict[str, Service] = {}
    numbers: t.Dict[str, int] = {}
    for number, entry in enumerate(declared, 1):
        place = f"onion_services entry {number}"
        if not isinstance(entry, dict):
            faults.add(place, "type", "must be a mapping; write it as 'name: …' lines")
            continue
        fields = {str(key): value for key, value in entry.items()}
        name = fields.get("name")
        if not isinstance(name, str) or not LABEL.match(name):
            what = "is missing" if name is None else f"{name!r} is no label"
            faults.add(place, "name", f"{what}; write at most 32 of a-z, 0-9 and inner hyphens, as a string")
            name = None
        elif name in numbers:
            faults.add(f"service '{name}'", "name", f"is that of entries {numbers[name]} and {number}; rename one")
        place = f"service '{name}'" if name else place
        _check_fields(fields, place, faults)
        replicas = _replicas(str(name), fields, inventory, place, faults)
        if name:
            numbers.setdefault(str(name), number)
            services.setdefault(str(name), Service(str(name), fields, replicas))
    return services


def _check_fields(fields: Data, place: str, faults: Faults) -> None:
    settings = {key: value for key, value in fields.items() if key not in PLACEMENT}
    # what leaves needs no ports any more
    if fields.get("state") != "absent" or settings:
        faults.extend(f"{place}: {fault}" for fault in service_faults(settings, also_known=PLACEMENT))
    for field, allowed, required in (("layout", LAYOUTS, True), ("state", STATES, False)):
        if field not in fields and required:
            faults.add(place, field, f"is missing; write one of: {', '.join(allowed)}")
        elif field in fields and fields[field] not in allowed:
            value = fields[field]
            faults.add(place, field, f"{value!r} is not known{near(value, allowed)}; write one of: {', '.join(allowed)}")
    for field in ("adopt", "delete_key"):
        if not isinstance(fields.get(field, False), bool):
            faults.add(place, field, f"{fields[field]!r} is neither true nor false; write one of them")
    if fields.get("delete_key") is True and fields.get("state") != "absent":
        faults.add(place, "delete_key", "goes with 'state: absent' only; remove it, or set the state")
    faults.extend(f"{place}: {fault}" for fault in _probe_faults(fields.get("probe", {})))
    if "address" in fields and not is_address(fields["address"]):
        faults.add(place, "address", f"{fields['address']!r} is no .onion address; write all 62 characters of it")
    directory = fields.get("directory", "x")
    if not isinstance(directory, str) or not DIRECTORY.match(directory):
        what = f"{directory!r} is no name of a folder in the daemon's data directory"
        faults.add(place, "directory", f"{what}; use letters, digits, '_', '.' and '-', no slash")


def _probe_faults(probe: t.Any) -> t.List[str]:
    if not isinstance(probe, dict):
        return [f"probe: must be a mapping with {', '.join(PROBE_FIELDS)}"]
    faults = []
    for field, value in probe.items():
        kind = PROBE_FIELDS.get(field)
        if kind is None:
            known = ", ".join(PROBE_FIELDS)
            faults.append(f"probe: {field}: is not known{near(field, PROBE_FIELDS)}; it may hold {known}")
        elif not isinstance(value, kind) or isinstance(value, bool):
            faults.append(f"probe: {field}: {value!r} is no {kind.__name__}; write one")
    return faults or [f"probe: {fault}" for fault in _request_faults(probe)]


def _request_faults(probe: Data) -> t.Iterator[str]:
    schemes = ARGUMENTS["targets"]["options"]["scheme"]["choices"]
    scheme = probe.get("scheme", "http")
    if scheme not in schemes:
        yield f"scheme: {scheme!r} is not known{near(scheme, schemes)}; write one of: {', '.join(schemes)}"
    if not all(isinstance(status, int) for status in probe.get("status", [])):
        yield "status: must be a list of numbers, as [200, 401]"
    yield from request_faults(probe.get("port", 80), probe.get("path", "/"), probe.get("capture", ""))


def _replicas(name: str, fields: Data, inventory: Inventory, place: str, faults: Faults) -> t.List[Replica]:
    hosts = inventory.hosts_of(fields.get("replicas"), place, "replicas", faults)
    workers = fields.get("workers", 1)
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MAX_WORKERS:
        faults.add(place, "workers", f"{workers!r} is not a whole number from 1 to {MAX_WORKERS}")
        workers = 1
    shared = fields.get("daemon")
    if shared is not None:
        check_daemon_name(shared, place, "daemon", faults)
        if workers != 1:
            faults.add(place, "workers", f"must be 1 in the shared daemon {shared!r}; leave out one of the two")
        if "daemon_options" in fields:
            faults.add(place, "daemon_options", f"belong to the shared daemon; move them to onion_daemons, {shared!r}")
        return [Replica(host, str(shared), 1) for host in hosts]
    options = fields.get("daemon_options", {})
    faults.extend(f"{place}: daemon_options: {fault}" for fault in option_faults(options))
    return [Replica(host, daemon_name(name, worker), worker) for host in hosts for worker in range(1, workers + 1)]


def option_faults(options: t.Any) -> t.List[str]:
    """The faults of a mapping of daemon-wide options; also that it is none."""
    if not isinstance(options, dict):
        return ["must be a mapping of options; write it as 'key: value' lines"]
    return daemon_option_faults(options)
