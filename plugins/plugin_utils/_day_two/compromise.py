# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the loss of a host to somebody else means for the services of a declaration, and what to do, in order.

Module Overview:

    compromise   plan and names of hosts -> the report, as text
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, near

Data = t.Dict[str, t.Any]
ROLES = ("replicas", "publishers", "backends")


def compromise(services: t.Mapping[str, Data], hosts: t.Sequence[str], probe_hosts: t.Collection[str] = ()) -> str:
    """What was lost with the hosts, and the steps, for people.

    :param services: of the plan. :param probe_hosts: likewise.
    :raises OnionfleetError: a host is none of the fleet's.
    """
    present = {name: service for name, service in services.items() if service["state"] == "present"}
    known = {row["host"] for service in present.values() for role in ROLES for row in service[role]} | {*probe_hosts}
    unknown = [host for host in hosts if host not in known]
    if unknown:
        raise OnionfleetError(
            *(f"onion_compromised: '{host}' runs nothing of the declaration{near(host, known)}" for host in unknown)
        )
    parts = {
        name: [role for role in ROLES if any(row["host"] in hosts for row in service[role])]
        for name, service in present.items()
    }
    lost = [name for name, roles in parts.items() if {"replicas", "publishers"} & set(roles)]
    kept = [name for name, roles in parts.items() if roles == ["backends"]]
    clients = [
        name for name, service in present.items() if service["restricted"] and _asked_from(service, hosts, probe_hosts)
    ]
    losses = [*_losses(present, lost, kept, clients), *_lies(parts, [host for host in hosts if host in probe_hosts])]
    return "\n".join([*losses, "", *_steps(present, parts, lost, clients, hosts)])


def _asked_from(service: Data, hosts: t.Collection[str], probe_hosts: t.Collection[str]) -> bool:
    """Whether any host gets a client's key: it verifies, or is a replica, whose own descriptor verification reads."""
    return any(host in hosts for host in (*probe_hosts, *(row["host"] for row in service["replicas"])))


def _losses(
    services: t.Mapping[str, Data], lost: t.Sequence[str], kept: t.Sequence[str], clients: t.Collection[str]
) -> t.Iterator[str]:
    for name in lost:
        yield (
            f"LOST  service '{name}': the key of {services[name]['address']}. "
            "Whoever has it can answer for this address,"
        )
        yield "      anywhere and for ever. Nothing revokes it; the service needs a new address."
    for name in kept:
        yield f"kept  service '{name}': its key was not there, its address stays. Lost are keys of backends, which mean"
        yield "      nothing once no publisher lists them."
    for name in clients:
        yield (
            f"LOST  service '{name}': the client's key in onion_client_credentials, with which verification and keepers"
        )
        yield "      ask for it. Whoever has it is let in as that client."
    for name in [each for each in (*lost, *kept) if services[each]["restricted"]]:
        yield f"note  service '{name}': of its other clients only names and public keys were there."


def _lies(parts: t.Mapping[str, t.Sequence[str]], probing: t.Sequence[str]) -> t.Iterator[str]:
    """What the hosts could say that is not true, and what of it the controller believes."""
    for host in probing:
        yield f"note  Host '{host}' verifies: what verify and status told through it since it turned proves nothing."
    for name in [name for name, roles in parts.items() if "publishers" in roles]:
        yield (
            f"note  service '{name}': its publisher was believed about the addresses of this service's backends. "
            "Check the next deployment's."
        )


def _steps(
    services: t.Mapping[str, Data],
    parts: t.Mapping[str, t.Sequence[str]],
    lost: t.Sequence[str],
    clients: t.Sequence[str],
    hosts: t.Sequence[str],
) -> t.Iterator[str]:
    yield (
        f"1. Take {', '.join(hosts)} off the network now, at its provider or by its cable. "
        "Do not log in on it: it reads along."
    )
    fields = [f"{name}: {role}" for name, roles in parts.items() for role in roles]
    yield f"2. Take it out of the inventory and of {'; '.join(fields) or 'onion_probe_hosts'}."
    alone = [
        f"{name}: {role}"
        for name, roles in parts.items()
        for role in roles
        if all(row["host"] in hosts for row in services[name][role])
    ]
    if alone:
        yield f"   Nobody is left then for {'; '.join(alone)}: name another host."
    if lost:
        yield "3. Declare each lost service once more beside the old one, under another name and otherwise the same:"
        yield from (f"     - name: {name[:30]}-2   # as '{name}'" for name in lost)
        yield "   and run the playbook keys."
    yield (
        f"{4 if lost else 3}. Run deploy. Others publish at once, without that host, and old and new addresses answer."
    )
    if lost:
        yield "   From now on verify says when the network holds a descriptor that none of your hosts made."
        yield "5. Tell visitors the new address where only you can: signed with a key that they know, and as the header"
        yield "   Onion-Location of your site outside of Tor. The old address proves nothing any more."
        yield (
            "6. When they have moved, set the old services to state: absent with delete_key: true, "
            "and say that the old"
        )
        yield "   address is not yours."
    if clients:
        yield (
            f"Make a new client's key for {', '.join(clients)}, "
            "in authorized_clients and onion_client_credentials, and deploy."
        )
    yield (
        "Change besides what else was on it: TLS keys, passwords of the web server, "
        "onion_option_secrets. Install it anew."
    )
