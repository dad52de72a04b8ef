# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file (JSON) as data.

    parse(text)     the whole file, or ConfigFault with everything that is wrong in it

    {"run": folder of status.sock and metrics.prom,
     "client": {"control": path, "socks": path}, a tor client of the keeper's own
     "credentials": path of a file with clients' keys, JSON: {address: base64},
     "services": [
       {"name", "address": "….onion",
        "replicas": ["HOST/DAEMON", …], all of the fleet, in the plan's order, the same on every host
        "daemons": [{"name", "replica": "HOST/DAEMON", "pow": bool, "drained": bool, "control": path, optional}],
            of this host
        "targets": [["ADDRESS:PORT" or "unix:PATH", …], …], for each port of the service, any of which is enough
        "probe": {"port", "scheme": "tcp" | "http" | "https", "path", "interval": seconds, "timeout": seconds},
        "restricted": bool, it wants a client's key,
        "interval": seconds of a turn, 0 for take-overs only,
        "publications_per_hour": at most, of one replica}]}
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from onionfleet_keeper.model import Rules

INTERVAL, SHORTEST_INTERVAL = 1800.0, 600.0


class ConfigFault(Exception):
    """The configuration cannot be used; the text names every fault."""


@dataclasses.dataclass(frozen=True)
class Asked:
    port: int
    scheme: str = "tcp"
    path: str = "/"
    interval: float = 10.0
    timeout: float = 15.0


@dataclasses.dataclass(frozen=True)
class Daemon:
    name: str
    control: str
    pow: bool
    drained: bool
    rules: Rules


@dataclasses.dataclass(frozen=True)
class Service:
    name: str
    address: str
    daemons: tuple[Daemon, ...]
    targets: tuple[tuple[str, ...], ...]
    probe: Asked
    credentials: str | None  # path of the file, where it needs one


@dataclasses.dataclass(frozen=True)
class Config:
    run: str
    control: str
    socks: str
    services: tuple[Service, ...]


def parse(text: str | bytes) -> Config:
    """Raises ConfigFault."""
    try:
        data = json.loads(text)
        services = data.get("services", [])
        faults = [fault for one in services for fault in _faults(one)]
        names = [daemon["name"] for one in services for daemon in one.get("daemons", [])]
        twice = sorted({name for name in names if names.count(name) > 1})
        faults += [f"daemon {name}: is there twice; a daemon publishes all of its services or none" for name in twice]
        if faults:
            raise ConfigFault("; ".join(faults))
        client = {
            "control": "/run/tor-instances/onionkeeper/control",
            "socks": "/run/tor-instances/onionkeeper/probe.sock",
            **data.get("client", {}),
        }
        credentials = data.get("credentials", "/etc/onionfleet/keeper/credentials.json")
        return Config(
            data.get("run", "/run/onionfleet-keeper"),
            client["control"],
            client["socks"],
            tuple(_service(one, credentials) for one in services),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigFault(f"not a keeper's configuration: {type(error).__name__} {error}") from None


def _faults(one: Mapping[str, Any]) -> Iterator[str]:
    name = one.get("name", "?")
    for field in ("name", "address", "replicas", "daemons", "probe"):
        if not one.get(field):
            yield f"service {name}: {field}: is missing"
            return
    replicas = one["replicas"]
    if len(set(replicas)) != len(replicas):
        yield f"service {name}: replicas: one of them is there twice"
    yield from (
        f"service {name}: daemon {daemon['name']}: is none of its replicas"
        for daemon in one["daemons"]
        if daemon["replica"] not in replicas
    )
    if one.get("interval", INTERVAL) and one.get("interval", INTERVAL) < SHORTEST_INTERVAL:
        yield (
            f"service {name}: interval: less than {SHORTEST_INTERVAL:.0f} seconds are a burden for the network; "
            "0 means no turns"
        )
    if one.get("publications_per_hour", 6) < 4:
        yield f"service {name}: publications_per_hour: has to be 4 or more, or take-overs are missed"


def _service(one: Mapping[str, Any], credentials: str) -> Service:
    # under an attack, a turn would throw away what proof of work has learnt
    turns = 0.0 if any(daemon.get("pow") for daemon in one["daemons"]) else INTERVAL

    def daemon(fields: Mapping[str, Any]) -> Daemon:
        rules = Rules(
            one["name"],
            tuple(one["replicas"]),
            fields["replica"],
            float(one.get("interval", turns)),
            int(one.get("publications_per_hour", 6)),
            stands_by=not fields.get("pow"),
        )
        return Daemon(
            fields["name"],
            fields.get("control", f"/run/tor-instances/{fields['name']}/control"),
            bool(fields.get("pow")),
            bool(fields.get("drained")),
            rules,
        )

    return Service(
        one["name"],
        one["address"],
        tuple(map(daemon, one["daemons"])),
        tuple(tuple(group) for group in one.get("targets", [])),
        Asked(**one["probe"]),
        credentials if one.get("restricted") else None,
    )
