# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each host's keeper keeps, in the form of its configuration file.

Module Overview:

    keeper_faults   ``onion_keeper`` -> list of faults
    check_asked     a keeper must be able to ask for its services
    check_sandbox   tor does not survive what a keeper does to a daemon in a sandbox
    kept            services with ``keeper: true`` -> host -> the ``services`` of its configuration
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import parts
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import values as v
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.options import Option
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.inventory import Faults
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import Data
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.rules import override_ports
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.services import Service

TLS_PORT = 443
SHORTEST_INTERVAL = 600
SETTINGS: t.Mapping[str, Option] = {
    "interval": Option("interval", v.Number(0, 86400)),
    # with fewer, take-overs are missed
    "publications_per_hour": Option("publications_per_hour", v.Number(4, 120)),
}


def keeper_faults(settings: t.Any) -> t.List[str]:
    """The faults of ``onion_keeper``."""
    faults = list(parts.group_faults("onion_keeper", SETTINGS, settings))
    interval = settings.get("interval", 0) if isinstance(settings, dict) else 0
    if not any(SETTINGS["interval"].kind.faults(interval)) and 0 < int(interval) < SHORTEST_INTERVAL:
        faults.append(
            f"onion_keeper.interval: is {settings['interval']}; turns of less than {SHORTEST_INTERVAL} seconds are a "
            "burden for the network: write more, or 0 for no turns"
        )
    return faults


def check_asked(
    services: t.Mapping[str, Service], addresses: t.Mapping[str, str], credentials: t.Sequence[str], faults: Faults
) -> None:
    """A restricted service is asked with the key of one of its clients.

    :param credentials: addresses that ``onion_client_credentials`` has keys for.
    """
    for name, service in services.items():
        restricted = service.fields.get("keeper") is True and service.fields.get("authorized_clients")
        if restricted and service.state == "present" and addresses.get(name, "") not in ("", *credentials):
            what = "needs a client's key to ask a restricted service with; put one for"
            how = "into onion_client_credentials; the playbook onionfleet.balance.clients makes it"
            faults.add(f"service '{name}'", "keeper", f"{what} {addresses[name]} {how}")


def check_sandbox(services: t.Mapping[str, Service], daemon_options: t.Any, faults: Faults) -> None:
    """tor 0.4.9.11 with ``Sandbox 1`` ends itself when its services are set over the control port.

    :param daemon_options: ``onion_daemon_options``.
    """
    for name, service in services.items():
        if service.fields.get("keeper") is not True or service.state != "present":
            continue
        own = service.fields.get("daemon_options")
        options = {
            **(daemon_options if isinstance(daemon_options, dict) else {}),
            **(own if isinstance(own, dict) else {}),
        }
        if str(options.get("sandbox")).lower() == "true":
            what = "ends a tor with 'sandbox: true', which does not survive that its services are set while it runs"
            faults.add(
                f"service '{name}'", "keeper", f"{what}; say 'sandbox: false' in daemon_options, or remove the keeper"
            )


def kept(
    services: t.Mapping[str, Service],
    addresses: t.Mapping[str, str],
    targets: t.Mapping[str, t.Any],
    drained: t.Collection[str],
    settings: t.Mapping[str, t.Any],
) -> t.Dict[str, t.List[Data]]:
    """What the keeper of each host keeps.

    A host that may have had one, because a service says ``keeper: false`` or leaves, stays, with nothing to keep.

    :param targets: host -> its ``onion_targets``.
    :param drained: hosts, or ``host/daemon``, that are to take no turn.
    :param settings: ``onion_keeper``, without faults.
    """
    numbers = {name: int(value) for name, value in settings.items()}
    hosts: t.Dict[str, t.List[Data]] = {}
    for name, service in services.items():
        if "keeper" not in service.fields or service.placement.layout.instances != "replicas":
            continue
        replicas = [f"{instance.host}/{instance.daemon}" for instance in service.placement.instances]
        for host in service.hosts:
            services_of_host = hosts.setdefault(host, [])
            if service.fields["keeper"] is True and service.state == "present":
                own = _on(host, service, targets.get(host, {}).get(name, {}), drained)
                services_of_host.append(
                    {"name": name, "address": addresses.get(name), "replicas": replicas, **own, **numbers}
                )
    return hosts


def _on(host: str, service: Service, overrides: t.Mapping[t.Any, t.Any], drained: t.Collection[str]) -> Data:
    """What the keeper of one host is told of a service besides its name, address and replicas."""
    ports = override_ports(service.fields["ports"], overrides)
    pow_enabled = str((service.fields.get("pow") or {}).get("enabled")).lower() == "true"
    probe = service.fields.get("probe", {})
    port = int(probe.get("port", ports[0]["port"]))
    scheme = probe.get("scheme", "https" if port == TLS_PORT else "http")
    return {
        "daemons": [
            {
                "name": instance.daemon,
                "replica": f"{host}/{instance.daemon}",
                "pow": pow_enabled,
                "drained": host in drained or f"{host}/{instance.daemon}" in drained,
            }
            for instance in service.by_host[host]
        ],
        "restricted": bool(service.fields.get("authorized_clients")),
        "targets": [port.get("targets") or [port["target"]] for port in ports],
        "probe": {"port": port, "scheme": scheme, "path": probe.get("path", "/")},
    }
