# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that hold between services, daemons and hosts of one declaration."""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import near
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import is_address
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.options import service_faults, together_faults
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.values import quoted, shown
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.inventory import Faults
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import (
    DAEMON,
    Data,
    check_daemon_name,
    option_faults,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.services import Service

Services = t.Mapping[str, Service]

MANY_SERVICES = 12


def read_shared_daemons(declared: t.Any, faults: Faults) -> t.Dict[str, Data]:
    """Read ``onion_daemons``: daemon name -> its options."""
    if not isinstance(declared, list):
        faults.add(
            "onion_daemons",
            "type",
            f"is {shown(declared)}; write a list, each daemon as '- {{name: …, options: {{…}}}}'",
        )
        return {}
    found: t.Dict[str, Data] = {}
    for number, daemon in enumerate(declared, 1):
        place = f"onion_daemons entry {number}"
        if not isinstance(daemon, dict):
            faults.add(place, "type", f"is {shown(daemon)}; write '- {{name: …, options: {{…}}}}'")
            continue
        name, options = daemon.get("name"), daemon.get("options", {})
        if name is None:
            faults.add(place, "name", "is missing; write '- {name: …, options: {…}}'")
        else:
            place = f"daemon '{name}'" if isinstance(name, str) and DAEMON.match(name) else place
            check_daemon_name(name, place, "name", faults)
            if str(name) in found:
                faults.add(place, "name", "is declared twice in onion_daemons; merge the two entries")
            found[str(name)] = options
        for key in daemon:
            if key not in ("name", "options"):
                hint = near(key, ("name", "options"))
                faults.add(place, str(key), f"is not known{hint}; a daemon has a name and options")
        faults.extend(f"{place}: options: {fault}" for fault in option_faults(options))
    return found


def check_addresses(
    services: Services, stored: t.Mapping[str, str], required: bool, faults: Faults
) -> t.Dict[str, str]:
    """The address of each service that has a key; one key for two services is a fault, a missing one where required."""
    addresses: t.Dict[str, str] = {}
    holders: t.Dict[str, str] = {}
    for name, service in services.items():
        place, pinned = f"service '{name}'", service.fields.get("address")
        if not is_address(pinned):
            pinned = None
        if pinned and stored.get(name, pinned) != pinned:
            faults.add(place, "address", f"is {pinned}, yet its key's is {stored[name]}; mend the one that is wrong")
        address = stored.get(name) or pinned
        if address is None:
            if required and service.state == "present" and "address" not in service.fields:
                faults.add(place, "key", "there is none yet; run the playbook onionfleet.balance.keys first")
            continue
        if address in holders:
            what = f"is also that of service '{holders[address]}'; give each service a key of its own"
            faults.add(place, "key", what)
        holders[address] = name
        addresses[name] = address
    return addresses


def check_daemons(
    services: Services, shared_options: t.Mapping[str, Data], faults: Faults, hints: t.List[str]
) -> None:
    """Services that meet in one daemon must agree; lonely and crowded ones are worth a warning."""
    users: t.Dict[str, t.List[Service]] = {}
    for service in services.values():
        for daemon in dict.fromkeys(instance.daemon for instance in service.placement.instances):
            users.setdefault(daemon, []).append(service)
    for daemon, sharing in users.items():
        _check_names(daemon, sharing, faults)
        living = [service for service in sharing if service.state == "present"]
        _check_single_hop(daemon, living, faults)
        if len(living) > MANY_SERVICES:
            hints.append(
                f"daemon '{daemon}' runs {len(living)} services; above {MANY_SERVICES} a restart takes long to "
                "publish them all: spread them over several daemons"
            )
    hints.extend(
        f"daemon '{daemon}' of onion_daemons is used by no service" for daemon in shared_options if daemon not in users
    )


def check_together(
    services: Services, shared_options: t.Mapping[str, Data], daemon_options: t.Any, faults: Faults
) -> None:
    """What tor takes alone and not together, as some comes from another place.

    :param daemon_options: ``onion_daemon_options``.
    """
    general = daemon_options if isinstance(daemon_options, dict) else {}
    alone = {name: service for name, service in services.items() if service.state == "present" and service.single_hop}
    daemons = [service.fields.get("daemon") for service in alone.values()]
    shared: t.Dict[str, Data] = {name: {} for name in daemons if isinstance(name, str)}
    everywhere = [] if option_faults(general) else list(together_faults(general, False))
    faults.extend(f"onion_daemon_options: {fault}" for fault in everywhere)
    places = [
        (f"daemon '{name}': options", own, name in shared) for name, own in {**shared, **shared_options}.items()
    ]
    places += [
        (f"service '{name}': daemon_options", service.fields.get("daemon_options", {}), name in alone)
        for name, service in services.items()
        if service.fields.get("daemon") is None
    ]
    for place, own, single_hop in places:
        options = {**general, **own} if isinstance(own, dict) else {}
        found = [] if option_faults(options) else together_faults(options, single_hop)
        faults.extend(f"{place}: {fault}" for fault in found if fault not in everywhere)


def read_drained(declared: t.Any, services: Services, faults: Faults) -> t.FrozenSet[str]:
    """Read ``onion_drained``: hosts, or ``host/daemon``, of backends and of replicas that a keeper keeps."""
    if not isinstance(declared, list):
        faults.add("onion_drained", "type", f"is {shown(declared)}; write a list of hosts, or of 'host/daemon'")
        return frozenset()
    drainable = [each for each in services.values() if each.placement.publishers or each.fields.get("keeper") is True]
    instances = [instance for service in drainable for instance in service.placement.instances]
    known = {instance.host for instance in instances} | {f"{instance.host}/{instance.daemon}" for instance in instances}
    wanted = frozenset(name for name in declared if isinstance(name, str))
    for name in declared:
        if not isinstance(name, str):
            faults.add("onion_drained", "name", f"is {shown(name)}; write a host, or 'host/daemon'")
        elif name not in known:
            what = (
                f"{quoted(name)} is no host of backends, or of replicas with a keeper, and no 'host/daemon' of one"
                f"{near(name, known)}; mend or remove it"
            )
            faults.add("onion_drained", "name", what)
    for service in drainable:
        left = [
            instance
            for instance in service.placement.instances
            if instance.host not in wanted and f"{instance.host}/{instance.daemon}" not in wanted
        ]
        if service.state == "present" and service.placement.instances and not left:
            field = service.placement.layout.instances
            faults.add(f"service '{service.name}'", "onion_drained", f"drains all of its {field}; leave one")
    return wanted


def _check_names(daemon: str, sharing: t.Sequence[Service], faults: Faults) -> None:
    owners = [service for service in sharing if service.fields.get("daemon") is None]
    if owners and len(sharing) > 1:
        other = next(service for service in sharing if service is not owners[0])
        what = f"'{daemon}' is also the name of a daemon of service '{owners[0].name}'; choose another name"
        faults.add(f"service '{other.name}'", "daemon", what)
    folders: t.Dict[str, str] = {}
    for service in sharing:
        if service.directory in folders:
            what = f"'{service.directory}' is that of service '{folders[service.directory]}' in daemon '{daemon}'"
            faults.add(f"service '{service.name}'", "directory", f"{what}; rename one")
        folders[service.directory] = service.name


def _check_single_hop(daemon: str, living: t.Sequence[Service], faults: Faults) -> None:
    single_hop = [service.name for service in living if service.single_hop]
    for service in living:
        if single_hop and service.name not in single_hop:
            what = f"is anonymous but shares '{daemon}' with the single-hop service '{single_hop[0]}'"
            faults.add(
                f"service '{service.name}'",
                "single_hop",
                f"{what}, and tor is one or the other; give one of them another daemon",
            )


def check_overrides(services: Services, targets: t.Mapping[str, t.Any], faults: Faults) -> None:
    """A host's ``onion_targets`` may change where its own ports lead, nothing else."""
    for host, overrides in targets.items():
        place = f"host '{host}'"
        if not isinstance(overrides, dict):
            faults.add(place, "onion_targets", f"is {shown(overrides)}; write a mapping: service, port, target")
            continue
        for name, ports in overrides.items():
            field = f"onion_targets: {name}"
            if name not in services:
                faults.add(place, field, f"no such service is declared{near(name, services)}; mend or remove it")
            elif host not in services[name].by_host:
                faults.add(place, field, "the host does not run this service; remove it, or add the host")
            elif not isinstance(ports, dict):
                faults.add(place, field, 'must map ports to targets, as {80: "127.0.0.1:8080"}')
            else:
                _check_override(services[name], ports, place, field, faults)


def _check_override(service: Service, overrides: Data, place: str, field: str, faults: Faults) -> None:
    ports: t.Any = service.fields.get("ports")
    texts = [str(port) for port in overrides]
    for port in sorted({each for each in texts if texts.count(each) > 1}):
        faults.add(place, field, f"port {port} is there twice, as a number and as a text; remove one")
    if service_faults({"ports": ports}):
        return
    known = {str(port["port"]) for port in ports}
    for port in sorted(set(map(str, overrides)) - known):
        faults.add(place, field, f"port {port} is not among the service's ports; mend or remove it")
    changed = override_ports(ports, overrides)
    faults.extend(f"{place}: {field}: {fault}" for fault in service_faults({"ports": changed}))


def override_ports(ports: t.Sequence[Data], overrides: t.Mapping[t.Any, t.Any]) -> t.List[Data]:
    """The ports of a service with the targets that one host has instead."""
    targets = {str(port): target for port, target in overrides.items()}
    changed = []
    for port in ports:
        target = targets.get(str(port["port"]))
        key = "targets" if isinstance(target, list) else "target"
        changed.append(port if target is None else {"port": port["port"], key: target})
    return changed
