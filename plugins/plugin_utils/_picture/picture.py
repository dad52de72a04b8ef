# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture of the fleet shows: the plan, or what was found, as boxes.

Module Overview:

    picture_of   the plan's services, or a status -> Picture
    Picture      its title and its services
    Drawn        one service: its address, who publishes it, who answers for it
"""

from __future__ import annotations

import dataclasses
import textwrap
import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._picture.boxes import Box, Worker, boxes, count
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.status import OUTSIDE, redacted

Data = t.Dict[str, t.Any]

ROLES = {"publishers": "publisher", "replicas": "replica", "backends": "backend"}


@dataclasses.dataclass(frozen=True)
class Drawn:
    """One service. ``publishers`` publish for the ``instances``; where there are none, those publish themselves."""

    name: str
    layout: str
    address: Box
    publishers: t.List[Box]
    instances: t.List[Box]


@dataclasses.dataclass(frozen=True)
class Picture:
    """All services that are present."""

    title: str
    services: t.List[Drawn]


def picture_of(source: t.Mapping[str, t.Any], redact: bool = False) -> Picture:
    """The picture of a plan or of a status.

    :param source: ``services`` of the plan, or what fleet_status returned.
    :param redact: whether to number the hosts and daemons and to cut off addresses. Names of services stay.
    """
    if isinstance(source.get("services"), list):
        rows = redacted(t.cast(Data, source))["services"] if redact else source["services"]
        return _picture([(row, _found_address(row), _found_workers(row)) for row in rows], "as found")
    present = {name: service for name, service in source.items() if service["state"] == "present"}
    rows = [{**service, "name": name} for name, service in (_anonymous(present) if redact else present).items()]
    return _picture([(row, _planned_address(row), _planned_workers(row)) for row in rows], "as planned")


def _picture(parts: t.Sequence[t.Tuple[Data, Box, t.List[Worker]]], seen: str) -> Picture:
    workers = [worker for _row, _address, of_service in parts for worker in of_service]
    hosts = {worker.host for worker in workers}
    silent = [address for _row, address, _of_service in parts if address.state == "dead"]
    hurt = {worker.host for worker in workers if worker.state == "dead"}
    title = f"{count(len(parts), 'service')} on {count(len(hosts), 'host')}, {seen}"
    dead = [count(len(silent), "service")] * bool(silent) + [f"daemons on {count(len(hurt), 'host')}"] * bool(hurt)
    return Picture(
        title=f"{title}; DEAD: {', '.join(dead)}" if dead else title,
        services=[
            Drawn(
                name=row["name"],
                layout=row["layout"],
                address=address,
                publishers=boxes([worker for worker in of_service if worker.role == "publisher"]),
                instances=boxes([worker for worker in of_service if worker.role != "publisher"]),
            )
            for row, address, of_service in parts
        ],
    )


# --- the plan


def _anonymous(services: t.Mapping[str, Data]) -> t.Dict[str, Data]:
    places = [place for service in services.values() for tier in ROLES for place in service[tier]]
    hosts = {host: f"host {number}" for number, host in enumerate(dict.fromkeys(place["host"] for place in places), 1)}
    return {
        name: {
            **{key: service[key] for key in ("layout", "ports", "pow", "restricted")},
            "address": service["address"] and "….onion",
            # daemons are counted only
            **{tier: [{"host": hosts[place["host"]]} for place in service[tier]] for tier in ROLES},
        }
        for name, service in services.items()
    }


def _planned_address(row: Data) -> Box:
    ports = ", ".join(map(str, row["ports"]))
    lines = [
        f"{'port' if len(row['ports']) == 1 else 'ports'} {ports}",
        *(["proof of work"] if row["pow"] else []),
        *(["authorized clients only"] if row["restricted"] else []),
    ]
    return Box(_short(row["address"]), tuple(lines), "planned", "planned")


def _planned_workers(row: Data) -> t.List[Worker]:
    return [Worker(role, place["host"], "", "planned", "") for tier, role in ROLES.items() for place in row[tier]]


def _short(address: t.Optional[str]) -> str:
    if not address:
        return "no key yet"
    return address if len(address) <= 30 else f"{address[:12]}…{address[-12:]}"


# --- what was found


def _found_address(row: Data) -> Box:
    answer, hsdirs = row["answer"], row["hsdirs"]
    lines = [
        f"answered {answer['answered']} of {answer['requests']} requests" if answer else "not asked",
        f"descriptor on {hsdirs['newest']} of {hsdirs['responsible']} HSDirs"
        if hsdirs["responsible"]
        else "no HSDir was asked",
        *(["authorized clients only"] if row["restricted"] else []),
        *(["nobody can tell who published"] if row["published"] and not row["holder"] else []),
    ]
    if answer and not answer["answered"]:
        state, lines[0] = "dead", f"DEAD: {lines[0]}"
    elif answer and answer["answered"] < answer["requests"] or hsdirs["responsible"] and not row["published"]:
        state = "partly"
    else:
        state = "up" if answer else "unknown"
    return Box(_short(row["address"]), tuple(lines), state, state)


def _found_workers(row: Data) -> t.List[Worker]:
    places = [(tier, place) for tier in ROLES for place in row[tier]]
    publishes = any(place["hsdirs"] for tier, place in places if tier != "backends")
    found = []
    for tier, place in places:
        state, words = _backend(place) if tier == "backends" else _publishing(place, row["hsdirs"], publishes)
        found.append(Worker(ROLES[tier], place["host"], place.get("daemon", ""), state, words))
    return found


def _dead(error: str) -> t.Tuple[str, str]:
    return "dead", f"DEAD: {textwrap.shorten(error, 60, placeholder='…')}"


def _publishing(place: Data, hsdirs: t.Mapping[str, int], publishes: bool) -> t.Tuple[str, str]:
    if place["error"] == OUTSIDE:
        return "unknown", OUTSIDE
    if not place["runs"]:
        return _dead(place["error"])
    if place["hsdirs"]:
        return "publishes", f"PUBLISHES NOW ({place['hsdirs']} of {hsdirs['responsible']} HSDirs)"
    return ("standby", "standing by") if publishes else ("up", "running")


def _backend(place: Data) -> t.Tuple[str, str]:
    outside = place["error"] == OUTSIDE
    if not place["runs"] and not outside:
        return _dead(place["error"])
    if place["state"] == "drained":
        return "drained", "drained"
    if place["state"] == "down":
        return _dead("publishers do not reach it")
    if place["state"] == "disputed":
        return "partly", "publishers do not agree on it"
    if outside and place["state"] != "up":
        return "unknown", OUTSIDE
    return ("up", "listed") if place["hsdirs"] else ("unlisted", "in no descriptor")
