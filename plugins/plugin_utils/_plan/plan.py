# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the declaration and the inventory to what each host runs.

Module Overview:

    Declaration   what the operator wrote, as plain data
    make_plan     Declaration -> Plan; raises OnionfleetError with every fault at once
    Plan          host slices, services, probe hosts and hints; as_dict() for Ansible
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.onionbalance import settings_faults
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.hints import layout_hints
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.hosts import Settings, host_slices
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.inventory import Faults, Inventory
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.keepers import (
    check_asked,
    check_sandbox,
    keeper_faults,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import Data, option_faults
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.rules import (
    check_addresses,
    check_daemons,
    check_overrides,
    check_together,
    read_drained,
    read_shared_daemons,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.services import Service, read_services

# an empty list of clients must not open the service to everybody
NULL_MATTERS = ("authorized_clients",)


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What the operator wrote, templated, except that no ``secret_key`` is ever looked at.

    :ivar services: ``onion_services``.
    :ivar groups: the inventory, group name -> host names.
    :ivar addresses: service name -> address, from the key store's public files.
    :ivar targets: host -> ``onion_targets`` of that host (service -> port -> target or targets).
    :ivar daemon_options: ``onion_daemon_options``, for every daemon.
    :ivar daemons: ``onion_daemons``, options of shared daemons.
    :ivar network_options: ``onion_network_options``, torrc lines of a private Tor network.
    :ivar probe_hosts: ``onion_probe_hosts``; empty means the first host of the fleet.
    :ivar publisher: ``onion_publisher``, settings of all publishers.
    :ivar keeper: ``onion_keeper``, settings of all keepers.
    :ivar drained: ``onion_drained``, hosts, or ``host/daemon``, whose backends publishers leave out.
    :ivar credentials: addresses that ``onion_client_credentials`` has clients' keys for.
    :ivar keys_required: whether a service without a key is a fault (else it is planned without an address).
    """

    services: t.Any
    groups: t.Mapping[str, t.Sequence[str]]
    addresses: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    targets: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    daemon_options: t.Any = dataclasses.field(default_factory=dict)
    daemons: t.Any = dataclasses.field(default_factory=list)
    network_options: t.Any = dataclasses.field(default_factory=list)
    probe_hosts: t.Any = dataclasses.field(default_factory=list)
    publisher: t.Any = dataclasses.field(default_factory=dict)
    keeper: t.Any = dataclasses.field(default_factory=dict)
    drained: t.Any = dataclasses.field(default_factory=list)
    credentials: t.Sequence[str] = ()
    keys_required: bool = True


@dataclasses.dataclass
class Plan:
    """What each host runs (``hosts``), what each service is (``services``), and what to mention (``hints``)."""

    hosts: t.Dict[str, Data]
    services: t.Dict[str, Data]
    probe_hosts: t.List[str]
    hints: t.List[str]

    def as_dict(self) -> Data:
        """The plan as plain data, as the roles take it; parts that are alike may be the same object."""
        return {**vars(self)}


def make_plan(declared: Declaration) -> Plan:
    """Turn a declaration into the plan of the whole fleet.

    The same declaration gives the same plan; a host or a service added at the end leaves the rest as it was.

    :raises OnionfleetError: with every fault of the declaration, each naming the service, the field and the remedy.
    """
    declared = _given(declared)
    faults = Faults()
    hints: t.List[str] = []
    inventory = Inventory(declared.groups)
    faults.extend(f"onion_daemon_options: {fault}" for fault in option_faults(declared.daemon_options))
    faults.extend(
        f"onion_network_options{fault[len('extra') :]}" for fault in option_faults({"extra": declared.network_options})
    )
    faults.extend(settings_faults(declared.publisher, "onion_publisher"))
    faults.extend(keeper_faults(declared.keeper))
    shared_options = read_shared_daemons(declared.daemons, faults)
    services = read_services(declared.services, inventory, faults)
    addresses = check_addresses(services, declared.addresses, declared.keys_required, faults)
    check_asked(services, addresses, declared.credentials, faults)
    check_sandbox(services, declared.daemon_options, faults)
    check_together(services, shared_options, declared.daemon_options, faults)
    check_daemons(services, shared_options, faults, hints)
    drained = read_drained(declared.drained, services, faults)
    check_overrides(services, declared.targets, faults)
    probe_hosts = _probe_hosts(declared.probe_hosts, inventory, services, faults)
    if faults:
        raise OnionfleetError(*faults)
    hints.extend(layout_hints(services, declared.publisher))
    return Plan(
        hosts=host_slices(
            services,
            addresses,
            Settings(
                daemon_options=declared.daemon_options,
                shared_options=shared_options,
                network_options=declared.network_options,
                targets=declared.targets,
                publisher=declared.publisher,
                keeper=declared.keeper,
                drained=drained,
                probe_hosts=probe_hosts,
            ),
        ),
        services={name: _summary(service, addresses.get(name)) for name, service in services.items()},
        probe_hosts=probe_hosts,
        hints=hints,
    )


def _given(declared: Declaration) -> Declaration:
    """The declaration without what is null: nothing was given there, so the defaults hold."""
    read = {field.name: _without_nulls(getattr(declared, field.name)) for field in dataclasses.fields(declared)}
    return Declaration(
        services=read.pop("services"), **{name: value for name, value in read.items() if value is not None}
    )


def _without_nulls(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None or key in NULL_MATTERS}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _probe_hosts(
    declared: t.Any, inventory: Inventory, services: t.Mapping[str, Service], faults: Faults
) -> t.List[str]:
    if declared:
        return inventory.hosts_of(declared, "onion_probe_hosts", "hosts", faults)
    living = [service.hosts[0] for service in services.values() if service.state == "present" and service.hosts]
    return living[:1]


def _summary(service: Service, address: t.Optional[str]) -> Data:
    return {
        "layout": service.fields["layout"],
        "state": service.state,
        "address": address,
        "replicas": [],
        "backends": [],
        service.placement.layout.instances: [{**vars(instance)} for instance in service.placement.instances],
        "directory": service.directory,
        "publishers": [{"host": host} for host in service.placement.publishers],
        "ports": [int(port["port"]) for port in service.fields.get("ports", [])],
        "probe": service.fields.get("probe", {}),
        "pow": str((service.fields.get("pow") or {}).get("enabled")).lower() == "true",
        "keeper": service.fields.get("keeper") is True,
        "restricted": bool(service.fields.get("authorized_clients")),
        "single_hop": service.single_hop,
        "lower_protection": service.fields.get("lower_protection") is True,
    }
