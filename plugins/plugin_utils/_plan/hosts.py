# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each host runs, in the form in which modules take it.

Module Overview:

    Settings      what holds for more than one service
    host_slices   services, their addresses and the settings -> host -> its daemons, publisher, keeper and packages
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.keepers import kept
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import (
    KEEPER_DAEMON,
    PROBE_DAEMON,
    PUBLISHER_DAEMON,
    Data,
    Instance,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.rules import override_ports
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.services import Service

Services = t.Mapping[str, Service]
Addresses = t.Mapping[str, str]

# tor counts revisions in seconds: replicas that start further apart than one cannot tie
STAGGER_SECONDS = 2
STAGGER_LIMIT = 30
# A publisher learns of a new introduction point within ten minutes. A busy backend replaces one after 16,384
# introductions: with six, at 100 introductions per second, in no less than 16 minutes.
BACKEND_INTRODUCTION_POINTS = 6
# cryptography reads introduction points, by which a descriptor's publisher is recognised
PACKAGES = ("tor", "python3-cryptography")
PUBLISHER_PACKAGES = ("python3-setproctitle", "python3-stem", "python3-yaml")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What holds for more than one service, without faults; see Declaration."""

    daemon_options: Data
    shared_options: t.Mapping[str, Data]
    network_options: t.List[Data]
    targets: t.Mapping[str, t.Any]
    publisher: Data
    keeper: Data
    drained: t.Collection[str]
    probe_hosts: t.Sequence[str]


def host_slices(services: Services, addresses: Addresses, settings: Settings) -> t.Dict[str, Data]:
    """What each host of the fleet runs.

    :param addresses: of the services that have a key.
    :returns: host -> ``daemons`` (as tor_instances takes them), ``publisher`` (``services`` and ``settings``, or None),
        ``keeper`` (its configuration, or None), ``packages`` and whether it can ``probe``.
    """
    daemons = _service_daemons(services, addresses, settings)
    publishing = _publishing(services, addresses, settings)
    for host, published in publishing.items():
        own = _own_client(PUBLISHER_DAEMON, settings.daemon_options, settings)
        own["state"] = "present" if published else "absent"
        daemons.setdefault(host, {})[PUBLISHER_DAEMON] = own
    keeping = kept(services, addresses, settings.targets, settings.drained, settings.keeper)
    for host, of_host in keeping.items():
        own = _own_client(KEEPER_DAEMON, settings.daemon_options, settings)
        own["state"] = "present" if of_host else "absent"
        daemons[host][KEEPER_DAEMON] = own
        for daemon in (daemon for service in of_host for daemon in service["daemons"]):
            daemons[host][daemon["name"]]["keeper"] = True
    for host in settings.probe_hosts:
        daemons.setdefault(host, {})[PROBE_DAEMON] = _own_client(PROBE_DAEMON, {}, settings)
    return {
        host: {
            "daemons": list(of_host.values()),
            "publisher": (
                {"services": publishing[host], "settings": _publisher_settings(settings)}
                if host in publishing
                else None
            ),
            "keeper": {"services": keeping[host]} if keeping.get(host) else None,
            "packages": [*PACKAGES, *(PUBLISHER_PACKAGES if host in publishing else ())],
            "probe": host in settings.probe_hosts,
        }
        for host, of_host in daemons.items()
    }


def _service_daemons(services: Services, addresses: Addresses, settings: Settings) -> t.Dict[str, t.Dict[str, Data]]:
    hosts: t.Dict[str, t.Dict[str, Data]] = {}
    ranks: t.Dict[str, int] = {}
    for name, service in services.items():
        shared = service.fields.get("daemon")
        own = service.fields.get("daemon_options", {}) if shared is None else settings.shared_options.get(shared, {})
        options = _merge(settings.daemon_options, own, settings.network_options)
        usual = _service(service, addresses.get(name), {})
        for instance in service.placement.instances:
            of_host = hosts.setdefault(instance.host, {})
            if instance.daemon not in of_host:
                rank = ranks[instance.daemon] = ranks.get(instance.daemon, -1) + 1
                of_host[instance.daemon] = _daemon(instance.daemon, options, stagger=_stagger(service, instance, rank))
            daemon = of_host[instance.daemon]
            overrides = settings.targets.get(instance.host, {}).get(name, {})
            daemon["services"].append(_service(service, addresses.get(name), overrides) if overrides else usual)
            daemon["adopt"] = daemon["adopt"] or service.fields.get("adopt", False)
            if service.state == "present":
                daemon["state"] = "present"
    return hosts


def _stagger(service: Service, instance: Instance, rank: int) -> int:
    turn = rank * max(STAGGER_SECONDS, service.fields.get("workers", 1)) + instance.worker - 1
    return int(turn % STAGGER_LIMIT)


def _publishing(services: Services, addresses: Addresses, settings: Settings) -> t.Dict[str, t.List[Data]]:
    """Host -> the services that it publishes; a host whose services are all absent stays, with none."""
    hosts: t.Dict[str, t.List[Data]] = {}
    for name, service in services.items():
        instances = [_backend(service, instance, settings) for instance in service.placement.instances]
        for host in service.placement.publishers:
            published = hosts.setdefault(host, [])
            if service.state == "present":
                port = service.fields.get("probe", {}).get("port", service.fields["ports"][0]["port"])
                entry = {"name": name, "address": addresses.get(name), "port": int(port)}
                published.append({**entry, "instances": instances})
    return hosts


def _backend(service: Service, instance: Instance, settings: Settings) -> Data:
    name = f"{instance.host}/{instance.daemon}"
    drained = instance.host in settings.drained or name in settings.drained
    return {"name": name, "directory": service.directory, "drained": drained}


def _publisher_settings(settings: Settings) -> Data:
    testing = {(entry["option"], str(entry["value"])) for entry in settings.network_options or []}
    return {**({"testnet": True} if ("TestingTorNetwork", "1") in testing else {}), **settings.publisher}


def _own_client(name: str, options: Data, settings: Settings) -> Data:
    daemon = _daemon(name, _merge(options, {}, settings.network_options))
    return {**daemon, "state": "present", "socks": True}


def _merge(general: Data, own: Data, network: t.List[Data]) -> Data:
    extra = [*(general.get("extra") or []), *(own.get("extra") or []), *(network or [])]
    return {**general, **own, **({"extra": extra} if extra else {})}


def _daemon(name: str, options: Data, *, stagger: int = 0) -> Data:
    return {
        "name": name,
        "state": "absent",
        "adopt": False,
        "socks": False,
        "keeper": False,
        "stagger": stagger,
        "options": options,
        "services": [],
    }


def _service(service: Service, address: t.Optional[str], overrides: t.Mapping[t.Any, t.Any]) -> Data:
    settings = service.settings
    lowers = service.fields.get("lower_protection") is True
    if lowers:
        # without the field a host leaves the clients that it has
        settings = {"authorized_clients": [], **settings}
    if overrides and service.state == "present":
        settings["ports"] = override_ports(settings["ports"], overrides)
    if service.placement.layout.publishers:
        # the key of a backend is its own, made by its tor
        settings = {"introduction_points": BACKEND_INTRODUCTION_POINTS, **settings}
        settings["onionbalance_frontends"] = [address] if address else []
        address = None
    return {
        **settings,
        "name": service.name,
        "state": service.state,
        "address": address,
        "directory": service.directory,
        "delete_key": service.fields.get("delete_key", False),
        **({"lower_protection": True} if lowers else {}),
    }
