# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tor daemons of one host as data: where everything is, what a declaration says, which files it asks for.

Overview::

  Daemon, Service    one declared instance of tor, and one of its services
  read               the module's ``daemons`` -> Daemons, or all faults at once
  config_files       Daemon -> text of each configuration file
  service_files      Service -> text of each further file in its directory (no keys)
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import is_address
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.client_key import decode_public, public_line
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import configuration, parts, values
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import options as known_options

COMMENTS = (locations.MARKER[2:], "Changes are overwritten. The services are in the directory that is included below.")

_DAEMON_NAME = re.compile(r"[a-z0-9]{1,27}\Z")
_SERVICE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\Z")
_DIRECTORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")
_DAEMON_FIELDS = frozenset(("adopt", "keeper", "name", "options", "services", "socks", "stagger", "state"))
_SERVICE_FIELDS = frozenset(("address", "delete_key", "directory", "lower_protection", "name", "state"))


@dataclasses.dataclass(frozen=True)
class Service:
    """One onion service of a daemon; ``fields`` are tor's options as declared, without faults."""

    name: str
    path: str
    present: bool
    address: t.Optional[str]
    delete_key: bool
    fields: t.Mapping[str, t.Any]

    @property
    def single_hop(self) -> bool:
        return str(self.fields.get("single_hop") or False).lower() == "true"

    @property
    def clients(self) -> t.Optional[t.Dict[str, bytes]]:
        """Name of each authorized client to its public key; None when the declaration leaves them alone."""
        declared = self.fields.get("authorized_clients")
        return None if declared is None else {item["name"]: decode_public(item["public_key"]) for item in declared}


@dataclasses.dataclass(frozen=True)
class Daemon:
    """One instance of tor and its services."""

    name: str
    present: bool
    adopt: bool
    socks: bool
    keeper: bool
    stagger: int
    options: t.Mapping[str, t.Any]
    services: t.Tuple[Service, ...]
    secrets: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)

    user = property(lambda self: locations.daemon_user(self.name))
    unit = property(lambda self: "tor@" + self.name + ".service")
    config = property(lambda self: locations.INSTANCES_ROOT + "/" + self.name)
    torrc = property(lambda self: self.config + "/torrc")
    services_directory = property(lambda self: self.config + "/services")
    data = property(lambda self: locations.DATA_ROOT + "/" + self.name)
    control = property(lambda self: locations.control_socket(self.name))

    @property
    def running_services(self) -> t.List[Service]:
        return [service for service in self.services if service.present]

    @property
    def wanted(self) -> bool:
        """Whether a tor is to run at all: not once all its services are absent; one without any, a relay, is."""
        return self.present and (self.socks or not self.services or bool(self.running_services))


def service_conf(daemon: Daemon, service: Service) -> str:
    return f"{daemon.services_directory}/{service.name}.conf"


def config_files(daemon: Daemon) -> t.Dict[str, str]:
    """Path to text of every configuration file of a daemon that is to run."""
    single_hop = any(service.single_hop for service in daemon.running_services)
    socks = (
        f"unix:{locations.RUN_ROOT}/{daemon.name}/probe.sock GroupWritable RelaxDirModeCheck ExtendedErrors"
        if daemon.socks
        else "0"
    )
    lines = [("SocksPort", socks)] + known_options.daemon_lines(daemon.options)
    lines += sorted(daemon.secrets.items())
    lines += [("HiddenServiceNonAnonymousMode", "1"), ("HiddenServiceSingleHopMode", "1")] * single_hop
    lines.append(("%include", daemon.services_directory + "/"))
    files = {daemon.torrc: configuration.render(lines, COMMENTS)}
    for service in daemon.running_services:
        body = [("HiddenServiceDir", service.path)] + known_options.service_lines(service.fields)
        files[service_conf(daemon, service)] = configuration.render(body, COMMENTS[:1])
    return files


def service_files(service: Service) -> t.Dict[str, str]:
    """Path to text of the further files that tor reads in the directory of a service; no keys (rend-spec-v3, G)."""
    files = {
        f"{service.path}/authorized_clients/{name}.auth": public_line(key)
        for name, key in (service.clients or {}).items()
    }
    frontends = service.fields.get("onionbalance_frontends")
    if frontends:
        files[service.path + "/ob_config"] = "".join(f"MasterOnionAddress {address}\n" for address in frontends)
    return files


def read(declared: t.Sequence[t.Any], secrets: t.Optional[t.Mapping[str, t.Any]] = None) -> t.List[Daemon]:
    """Check everything about the declared daemons and turn it into data.

    :param secrets: options of all of them that hold passwords, by tor's names.
    :raises OnionfleetError: all faults of all daemons.
    """
    faults = [fault for daemon in declared for fault in _daemon_faults(daemon)] or _double_faults(declared)
    faults += known_options.secret_faults(secrets or {})
    if faults:
        raise OnionfleetError(*faults)
    return [_daemon(daemon, secrets or {}) for daemon in declared]


def _daemon(declared: t.Mapping[str, t.Any], secrets: t.Mapping[str, str]) -> Daemon:
    name = declared["name"]
    services = tuple(_service(name, service) for service in declared.get("services") or ())
    return Daemon(
        name,
        declared.get("state", "present") == "present",
        declared.get("adopt", False),
        declared.get("socks", False),
        declared.get("keeper", False),
        int(declared.get("stagger") or 0),
        declared.get("options") or {},
        services,
        secrets,
    )


def _service(daemon: str, declared: t.Mapping[str, t.Any]) -> Service:
    fields = {field: value for field, value in declared.items() if field not in _SERVICE_FIELDS}
    path = locations.service_directory(daemon, declared.get("directory") or declared["name"])
    return Service(
        declared["name"],
        path,
        declared.get("state", "present") == "present",
        declared.get("address"),
        declared.get("delete_key", False),
        fields,
    )


def _common_faults(declared: t.Mapping[str, t.Any], name: t.Pattern[str], flags: t.Sequence[str]) -> t.Iterator[str]:
    if not isinstance(declared.get("name"), str) or not name.match(declared["name"]):
        yield f"name: is {values.shown(declared.get('name'))}; it must match {name.pattern[:-2]}"
    if declared.get("state", "present") not in ("present", "absent"):
        yield f"state: is {values.shown(declared['state'])}; write present or absent"
    for flag in flags:
        if not isinstance(declared.get(flag, False), bool):
            yield f"{flag}: is {values.shown(declared[flag])}; write true or false"


def _daemon_faults(declared: t.Any) -> t.Iterator[str]:
    if not isinstance(declared, dict) or not isinstance(declared.get("services") or [], list):
        yield (
            f"daemons: an item is {values.shown(declared)} or its services are no list; "
            "write mappings with name and services"
        )
        return
    place = f"daemon {declared.get('name')!r}: "
    yield from (place + fault for fault in parts.unknown(declared, _DAEMON_FIELDS))
    yield from (place + fault for fault in _common_faults(declared, _DAEMON_NAME, ("adopt", "keeper", "socks")))
    yield from (
        place + fault for fault in parts.field_faults("stagger", values.Number(0, 86400), declared.get("stagger", 0))
    )
    options = declared.get("options") or {}
    faults = known_options.daemon_option_faults(options)
    services = declared.get("services") or []
    for service in services:
        yield from (place + fault for fault in _service_faults(service))
    modes = {
        str(service.get("single_hop") or False).lower()
        for service in services
        if isinstance(service, dict) and service.get("state") != "absent"
    }
    faults = faults or list(known_options.together_faults(options, "true" in modes))
    yield from (place + "options." + fault for fault in faults)
    if len(modes) > 1:
        yield place + "single_hop: is true for some services and not for others; put them into different daemons"


def _service_faults(declared: t.Any) -> t.Iterator[str]:
    if not isinstance(declared, dict):
        yield f"services: an item is {values.shown(declared)}; write a mapping with name and ports"
        return
    place = f"service {declared.get('name')!r}: "
    yield from (place + fault for fault in _common_faults(declared, _SERVICE_NAME, ("delete_key",)))
    directory, address = declared.get("directory"), declared.get("address")
    if directory is not None and (not isinstance(directory, str) or not _DIRECTORY.match(directory)):
        yield f"{place}directory: is {values.shown(directory)}; write a name without slashes"
    if address is not None and not is_address(address):
        yield (
            f"{place}address: is {values.shown(address)}; write an address of 56 characters and .onion, or leave it out"
        )
    if declared.get("state") != "absent":
        yield from (place + fault for fault in known_options.service_faults(declared, _SERVICE_FIELDS))


def _double_faults(declared: t.Sequence[t.Mapping[str, t.Any]]) -> t.List[str]:
    seen: t.Dict[t.Tuple[str, str], str] = {}
    faults = []
    for daemon in declared:
        place = f"daemon '{daemon['name']}'"
        claims = [(("daemon", daemon["name"]), place)]
        for service in daemon.get("services") or []:
            where = f"service '{service['name']}' of {place}"
            claims.append((("service", daemon["name"] + "/" + service["name"]), where))
            claims.append((("directory", daemon["name"] + "/" + (service.get("directory") or service["name"])), where))
        for claim, where in claims:
            if claim in seen:
                faults.append(f"{where}: the {claim[0]} '{claim[1]}' is that of {seen[claim]} already; rename one")
            seen.setdefault(claim, where)
    return faults
