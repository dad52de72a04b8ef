# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts have, service by service, with the service of the declaration that it belongs to. All pure.

Module Overview:

    Place        one service of one daemon of one host
    Published    one service of one publisher
    shown        some places in words
    read_there   the result of onion_host_info for each host, and the plan -> Places and Published
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import Data


@dataclasses.dataclass(frozen=True)
class Place:
    """One service of one daemon of one host.

    :ivar owner: the service of the declaration that it belongs to, or None.
    :ivar kind: ``replicas`` or ``backends``.
    :ivar stays: whether the plan has it there.
    :ivar clients: how many are authorized there. :ivar single_hop: whether its daemon is not anonymous.
    """

    host: str
    daemon: str
    managed: bool
    name: t.Optional[str]
    directory: str
    owner: t.Optional[str]
    kind: str
    stays: bool
    clients: int
    single_hop: bool

    def __str__(self) -> str:
        return f"{self.host}/{self.daemon}"

    @property
    def at_work(self) -> bool:
        """Whether it is more than a folder with a key."""
        return self.managed and self.name is not None


@dataclasses.dataclass(frozen=True)
class Published:
    """One service of one publisher; see Place."""

    host: str
    name: str
    at_work: bool
    owner: t.Optional[str]
    stays: bool
    kind: str = "publishers"


def read_there(there: t.Mapping[str, Data], plan: Data) -> t.Tuple[t.List[Place], t.List[Published]]:
    """:param there: of hosts that could be looked at."""
    services = plan["services"]
    places = [
        _place(host, daemon, service, services)
        for host, found in there.items()
        for daemon in found["daemons"]
        for service in daemon["services"]
    ]
    published = [
        _published(host, service, services)
        for host, found in there.items()
        for service in (found["publisher"] or {}).get("services", [])
    ]
    return places, published


def _place(host: str, daemon: Data, service: Data, services: t.Mapping[str, Data]) -> Place:
    owner = _owner(service, services)
    planned = services[owner] if owner else {}
    return Place(
        host=host,
        daemon=daemon["name"],
        managed=daemon["managed"],
        name=service["name"],
        directory=service["directory"],
        owner=owner,
        kind="backends" if planned.get("address") in service["frontends"] else "replicas",
        stays=_stays(host, daemon["name"], service["directory"], planned),
        clients=service["clients"],
        single_hop=daemon["single_hop"],
    )


def shown(places: t.Sequence[object]) -> str:
    """Five of them at most."""
    return ", ".join(map(str, places[:5])) + (" and others" if len(places) > 5 else "")


def _published(host: str, service: Data, services: t.Mapping[str, Data]) -> Published:
    owner = _owner({**service, "frontends": []}, services)
    planned = services[owner] if owner else {}
    stays = planned.get("state") == "present" and {"host": host} in planned["publishers"]
    return Published(host, service["name"], service["configured"], owner, stays)


def _owner(service: Data, planned: t.Mapping[str, Data]) -> t.Optional[str]:
    """By address, since names change; by name where one of the two has no address (yet, or any more)."""
    known = {*service["frontends"], service["address"]} - {None}
    for name, declared in planned.items():
        if declared["address"] in known or (service["name"] == name and not (known and declared["address"])):
            return name
    return None


def _stays(host: str, daemon: str, directory: str, planned: Data) -> bool:
    if planned.get("state") != "present" or directory != planned["directory"]:
        return False
    return any((row["host"], row["daemon"]) == (host, daemon) for row in planned["replicas"] + planned["backends"])
