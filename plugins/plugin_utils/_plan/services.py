# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each declared service by itself: is it well formed?

Module Overview:

    Service        one service of the declaration, read
    read_services  the declared list -> services; faults are collected, not raised
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, near
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import public_key_from_address
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.ed25519 import is_public_key
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.probe import ARGUMENTS, request_faults
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.options import service_faults
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.values import shown
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.inventory import Faults, Inventory
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import (
    LAYOUTS,
    Data,
    Instance,
    Placement,
    read_placement,
)

STATES = ("present", "absent")
# how verification asks a service, as onion_probe takes it
PROBE_FIELDS = {"port": int, "scheme": str, "path": str, "status": list, "contains": str, "capture": str}
KINDS = {int: "a whole number", str: "a text", list: "a list"}
ADDRESS_LENGTH = 62  # with .onion
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")
DIRECTORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")
# fields that say where a service runs; the others say how, and go to tor
PLACEMENT = frozenset(
    ("name", "state", "layout", "replicas", "backends", "publishers", "workers", "daemon", "daemon_options")
    + ("directory", "adopt", "delete_key", "lower_protection", "secret_key", "address", "probe", "keeper")
)


@dataclasses.dataclass(frozen=True)
class Service:
    """One service of the declaration.

    :ivar fields: what the operator wrote, defaults not filled in.
    :ivar placement: where it runs.
    """

    name: str
    fields: Data
    placement: Placement

    @property
    def state(self) -> str:
        """``present`` or ``absent``."""
        return str(self.fields.get("state", "present"))

    @property
    def single_hop(self) -> bool:
        """Whether it is not anonymous."""
        return str(self.fields.get("single_hop")).lower() == "true"

    @property
    def directory(self) -> str:
        """The name of its folder in the daemon's data directory."""
        return str(self.fields.get("directory", self.name + self.placement.layout.suffix))

    @property
    def settings(self) -> Data:
        """The fields that go to tor."""
        return {key: value for key, value in self.fields.items() if key not in PLACEMENT}

    @functools.cached_property
    def by_host(self) -> t.Dict[str, t.List[Instance]]:
        """Its instances by host, in the inventory's order."""
        found: t.Dict[str, t.List[Instance]] = {}
        for instance in self.placement.instances:
            found.setdefault(instance.host, []).append(instance)
        return found

    @property
    def hosts(self) -> t.List[str]:
        """The hosts of its instances, each once, in the inventory's order."""
        return list(self.by_host)


def read_services(declared: t.Any, inventory: Inventory, faults: Faults) -> t.Dict[str, Service]:
    """Read ``onion_services``: name -> service, in the order of the declaration."""
    if not isinstance(declared, list):
        faults.add("onion_services", "type", f"is {shown(declared)}; write a list of services, each as '- name: …'")
        return {}
    services: t.Dict[str, Service] = {}
    numbers: t.Dict[str, int] = {}
    for number, entry in enumerate(declared, 1):
        place = f"onion_services entry {number}"
        if not isinstance(entry, dict):
            faults.add(place, "type", f"is {shown(entry)}; write it as 'name: …' lines")
            continue
        fields = {str(key): value for key, value in entry.items()}
        name = fields.get("name")
        if not isinstance(name, str) or not LABEL.match(name):
            what = "is missing" if name is None else f"is {shown(name)}, which is no label"
            faults.add(place, "name", f"{what}; write at most 32 of a-z, 0-9 and inner hyphens, as a string")
            name = None
        elif name in numbers:
            faults.add(f"service '{name}'", "name", f"is that of entries {numbers[name]} and {number}; rename one")
        place = f"service '{name}'" if name else place
        _check_fields(fields, place, faults)
        placement = read_placement(str(name), fields, inventory, place, faults)
        if name:
            numbers.setdefault(str(name), number)
            services.setdefault(str(name), Service(str(name), fields, placement))
    return services


def _check_fields(fields: Data, place: str, faults: Faults) -> None:
    settings = {key: value for key, value in fields.items() if key not in PLACEMENT}
    # what leaves needs no ports any more
    if fields.get("state") != "absent" or settings:
        faults.extend(f"{place}: {fault}" for fault in service_faults(settings, also_known=PLACEMENT))
    for field, allowed, required in (("layout", tuple(LAYOUTS), True), ("state", STATES, False)):
        if field not in fields and required:
            faults.add(place, field, f"is missing; write one of: {', '.join(allowed)}")
        elif field in fields and fields[field] not in allowed:
            value = fields[field]
            faults.add(place, field, f"is {shown(value)}{near(value, allowed)}; write one of: {', '.join(allowed)}")
    for field in ("adopt", "delete_key", "keeper", "lower_protection"):
        if not isinstance(fields.get(field, False), bool):
            faults.add(place, field, f"is {shown(fields[field])}; write true or false")
    if fields.get("keeper") is True and "daemon" in fields:
        faults.add(place, "keeper", "needs daemons of its own, which publish or do not as a whole; remove 'daemon'")
    if fields.get("delete_key") is True and fields.get("state") != "absent":
        faults.add(place, "delete_key", "goes with 'state: absent' only; remove it, or set the state")
    faults.extend(f"{place}: probe: {fault}" for fault in _probe_faults(fields.get("probe", {}), _ports(fields)))
    if "authorized_clients" in fields and fields["authorized_clients"] in (None, []):
        what = (
            "is empty, which would let everybody in; name a client, or, if everybody may come, "
            "remove the field and say 'lower_protection: true'"
        )
        faults.add(place, "authorized_clients", what)
    if "address" in fields:
        faults.extend(f"{place}: address: {fault}" for fault in _pin_faults(fields["address"]))
    directory = fields.get("directory", "x")
    if not isinstance(directory, str) or not DIRECTORY.match(directory):
        what = f"is {shown(directory)}, which is no name of a folder in the daemon's data directory"
        faults.add(place, "directory", f"{what}; use letters, digits, '_', '.' and '-', no slash")


def _pin_faults(address: t.Any) -> t.Iterator[str]:
    if not isinstance(address, str):
        yield f"is {shown(address)}; write the .onion address of the service's key, or remove the field"
        return
    if len(address) != ADDRESS_LENGTH:
        yield (
            f"is {shown(address)}, and an address has {ADDRESS_LENGTH} characters; "
            "write that of the service's key, or remove the field"
        )
        return
    try:
        if not is_public_key(public_key_from_address(address)):
            yield "is an address that no key has; write that of the service's key, or remove the field"
    except OnionfleetError as error:
        yield f"{error}; write that of the service's key, or remove the field"


def _ports(fields: Data) -> t.List[int]:
    """The virtual ports of a service; none where anything is wrong with them."""
    if service_faults({"ports": fields.get("ports")}):
        return []
    return [int(port["port"]) for port in fields["ports"]]


def _probe_faults(probe: t.Any, ports: t.List[int]) -> t.Iterator[str]:
    if not isinstance(probe, dict):
        yield f"is {shown(probe)}; write a mapping with {', '.join(PROBE_FIELDS)}"
        return
    sound = {}
    for field, value in probe.items():
        kind = PROBE_FIELDS.get(field)
        if kind is None:
            yield f"{field}: is not known{near(field, PROBE_FIELDS)}; it may hold {', '.join(PROBE_FIELDS)}"
        elif not isinstance(value, kind) or isinstance(value, bool):
            yield f"{field}: is {shown(value)}; write {KINDS[kind]}"
        else:
            sound[field] = value
    yield from _request_faults(sound, ports)


def _request_faults(probe: Data, ports: t.List[int]) -> t.Iterator[str]:
    schemes = ARGUMENTS["targets"]["options"]["scheme"]["choices"]
    scheme = probe.get("scheme", "http")
    if scheme not in schemes:
        yield f"scheme: is {shown(scheme)}{near(scheme, schemes)}; write one of: {', '.join(schemes)}"
    if not all(isinstance(status, int) and 100 <= status <= 599 for status in probe.get("status", [])):
        yield "status: must be a list of HTTP status codes, as [200, 401]"
    yield from request_faults(probe.get("port", 80), probe.get("path", "/"), probe.get("capture", ""))
    listed = ", ".join(map(str, ports))
    if ports and "port" in probe and probe["port"] not in ports:
        yield f"port: {probe['port']} is none of the service's ports; write one of: {listed}"
    if len(ports) > 1 and "port" not in probe and scheme in ("https", "tcp"):
        yield f"port: is missing; write which of the service's ports {scheme} is spoken on: {listed}"
    if scheme == "tcp":
        yield from (
            f"{field}: is a matter of http and https; remove it, or the scheme"
            for field in ("path", "status")
            if field in probe
        )
