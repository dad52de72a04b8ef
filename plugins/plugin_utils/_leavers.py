# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the hosts and not in the plan any more: it leaves, once somebody says so. All pure.

Module Overview:

    find_leavers    what each host has (onion_host_info) and the plan -> what leaves which host, and what speaks against it
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._layouts import (
    KEEPER_DAEMON,
    PROBE_DAEMON,
    PUBLISHER_DAEMON,
    Data,
)

OWN_CLIENTS = (KEEPER_DAEMON, PROBE_DAEMON, PUBLISHER_DAEMON)
KINDS = {"hardmap": ("replicas",), "softmap": ("backends", "publishers")}


@dataclasses.dataclass
class _Place:
    """One service of one daemon of one host, and the service of the declaration that it belongs to, if any."""

    host: str
    daemon: Data
    service: Data
    owner: t.Optional[str]
    kind: str
    stays: bool

    @property
    def instance(self) -> str:
        return f"{self.host}/{self.daemon['name']}"


def find_leavers(
    there: t.Mapping[str, Data],
    plan: Data,
    *,
    only: t.Optional[t.Collection[str]] = None,
    undeclared: bool = False,
) -> Data:
    """Compare the fleet with the plan.

    :param there: host -> the result of onion_host_info; empty or failed for a host that could not be looked at.
    :param plan: as M(plan) returns it.
    :param only: names of the services to look at; None for all, and for what is left of hosts, too.
    :param undeclared: whether services leave that nobody declares.
    :returns: ``hosts`` (host -> what onion_retire takes), ``services`` (name -> its leaving ``replicas``, ``backends`` and
        ``publishers``), ``switching`` (services of whose other layout something is there), ``orphans``, ``hints``, and ``faults``
        that speak against a ``deploy``, a ``switch`` and to ``retire``.
    """
    seen = {host: found for host, found in there.items() if "daemons" in found}
    places = [place for host, found in seen.items() for place in _places(host, found, plan)]
    published = {host: _published(host, found, plan, only, undeclared) for host, found in seen.items()}
    gone = [place for place in places if not place.stays and _goes(place.owner, only, undeclared)]
    hosts = {host: _of_host(host, found, plan, places, gone, published[host], only) for host, found in seen.items()}
    services = _by_service(gone, published)
    switching = sorted(_switching(gone, published, plan))
    return {
        "hosts": {host: what for host, what in hosts.items() if any(what.values())},
        "services": services,
        "switching": switching,
        "orphans": _orphans(places, seen, plan),
        "hints": [_unseen(host, result) for host, result in there.items() if host not in seen],
        "faults": {
            "deploy": [_switch_fault(name, plan["services"][name]["layout"], services[name]) for name in switching if name in services],
            "switch": [_clash_fault(name) for name in sorted({place.owner for place in places if place.owner and _clashes(place, plan)})],
            "retire": [fault for name, leaving in services.items() for fault in _last_faults(name, leaving, seen, plan)],
        },
    }


def _unseen(host: str, result: Data) -> str:
    why = "is not reachable" if result.get("unreachable") else next(iter(str(result.get("msg", "")).splitlines()), "")
    return f"host '{host}': could not be looked at ({why or 'no reason given'}), so that nobody knows what it may still serve"


def _goes(owner: t.Optional[str], only: t.Optional[t.Collection[str]], undeclared: bool) -> bool:
    if owner is None:
        return undeclared and only is None
    return only is None or owner in only


def _places(host: str, found: Data, plan: Data) -> t.Iterator[_Place]:
    for daemon in found["daemons"]:
        for service in daemon["services"]:
            owner = _owner(service, plan["services"])
            planned = plan["services"][owner] if owner else {}
            backend = planned.get("address") in service["frontends"]
            yield _Place(host, daemon, service, owner, "backends" if backend else "replicas", _stays(host, daemon, service, planned))


def _owner(service: Data, planned: t.Mapping[str, Data]) -> t.Optional[str]:
    """By address, since names change; by name where one of the two has no address (yet, or any more)."""
    known = {*service["frontends"], service["address"]} - {None}
    for name, declared in planned.items():
        if declared["address"] in known or (service["name"] == name and not (known and declared["address"])):
            return name
    return None


def _stays(host: str, daemon: Data, service: Data, planned: Data) -> bool:
    if planned.get("state") != "present" or service["directory"] != planned["directory"]:
        return False
    return any((row["host"], row["daemon"]) == (host, daemon["name"]) for row in planned["replicas"] + planned["backends"])


def _published(
    host: str, found: Data, plan: Data, only: t.Optional[t.Collection[str]], undeclared: bool
) -> t.Dict[str, t.Tuple[Data, bool]]:
    """Name of each service of a publisher -> what it is, and whether it leaves."""
    rows = {}
    for service in (found["publisher"] or {}).get("services", []):
        owner = _owner({**service, "frontends": []}, plan["services"])
        planned = plan["services"][owner] if owner else {}
        stays = planned.get("state") == "present" and {"host": host} in planned["publishers"]
        rows[service["name"]] = ({**service, "owner": owner}, not stays and _goes(owner, only, undeclared))
    return rows


def _of_host(
    host: str,
    found: Data,
    plan: Data,
    places: t.Sequence[_Place],
    gone: t.Sequence[_Place],
    published: t.Mapping[str, t.Tuple[Data, bool]],
    only: t.Optional[t.Collection[str]],
) -> Data:
    """What onion_retire takes for a host."""
    planned = plan["hosts"].get(host, {})
    wanted = {daemon["name"] for daemon in planned.get("daemons", []) if daemon["state"] == "present"}
    staying = {place.daemon["name"] for place in places if place.host == host and place not in gone}
    leaving = [place for place in gone if place.host == host]
    whole = {place.daemon["name"] for place in leaving} - staying - wanted
    keys = [name for name, (_service, goes) in published.items() if goes]
    publisher = bool(found["publisher"]) and not (planned.get("publisher") or {}).get("services") and len(keys) == len(published)
    publisher = publisher and (only is None or bool(keys))
    daemons = sorted(whole | _clients(found, wanted, publisher, only))
    left = {daemon["name"] for daemon in found["daemons"]} - {*daemons}
    nothing = only is None and host not in plan["hosts"] and found["installed"] and not left and len(keys) == len(published)
    return {
        "daemons": daemons,
        "services": [
            {"daemon": place.daemon["name"], "name": place.service["name"], "directory": place.service["directory"]}
            for place in leaving
            if place.daemon["name"] not in whole
        ],
        "keys": keys,
        "publisher": publisher,
        "keeper": bool(found["keeper"]) and not planned.get("keeper") and only is None,
        "host": nothing,
    }


def _clients(found: Data, wanted: t.Collection[str], publisher: bool, only: t.Optional[t.Collection[str]]) -> t.Set[str]:
    """Our own clients of Tor that nobody needs any more; that of a publisher goes with it."""
    unwanted = {daemon["name"] for daemon in found["daemons"] if daemon["name"] in OWN_CLIENTS} - {*wanted}
    if only is not None:
        return unwanted & {PUBLISHER_DAEMON} if publisher else set()
    return unwanted - ({PUBLISHER_DAEMON} if found["publisher"] and not publisher else set())


def _by_service(
    gone: t.Sequence[_Place], published: t.Mapping[str, t.Mapping[str, t.Tuple[Data, bool]]]
) -> t.Dict[str, Data]:
    """Name -> its instances and publishers that leave and may still be at work."""
    found: t.Dict[str, Data] = {}

    def of(name: str) -> Data:
        return found.setdefault(name, {"replicas": [], "backends": [], "publishers": []})

    for place in gone:
        if place.owner and place.daemon["managed"] and place.service["name"]:
            of(place.owner)[place.kind].append(place.instance)
    for host, rows in published.items():
        for service, goes in rows.values():
            if goes and service["owner"] and service["configured"]:
                of(service["owner"])["publishers"].append(host)
    return found


def _orphans(places: t.Sequence[_Place], seen: t.Mapping[str, Data], plan: Data) -> t.List[Data]:
    daemons = [
        {"host": place.host, "daemon": place.daemon["name"], "service": place.service["name"] or place.service["directory"]}
        for place in places
        if place.owner is None
    ]
    publishers = [
        {"host": host, "daemon": PUBLISHER_DAEMON, "service": service["name"]}
        for host, found in seen.items()
        for service in (found["publisher"] or {}).get("services", [])
        if _owner({**service, "frontends": []}, plan["services"]) is None
    ]
    return daemons + publishers


def _switching(
    gone: t.Sequence[_Place], published: t.Mapping[str, t.Mapping[str, t.Tuple[Data, bool]]], plan: Data
) -> t.Set[str]:
    """Services with something of another layout than theirs, be it only a key."""
    rows = [(place.owner, place.kind) for place in gone]
    rows += [(service["owner"], "publishers") for of_host in published.values() for service, goes in of_host.values() if goes]
    present = {name: KINDS[planned["layout"]] for name, planned in plan["services"].items() if planned["state"] == "present"}
    return {name for name, kind in rows if name and name in present and kind not in present[name]}


def _clashes(place: _Place, plan: Data) -> bool:
    planned = plan["services"][t.cast(str, place.owner)]
    here = (place.host, place.daemon["name"])
    rows = planned["replicas"] + planned["backends"]
    moved = place.service["name"] is not None and place.service["directory"] != planned["directory"]
    return planned["state"] == "present" and moved and any((row["host"], row["daemon"]) == here for row in rows)


def _switch_fault(name: str, layout: str, leaving: Data) -> str:
    places = [*leaving["replicas"], *leaving["backends"], *(f"the publisher of {host}" for host in leaving["publishers"])]
    shown = f"{', '.join(places[:5])}{' and others' if len(places) > 5 else ''} {'are' if len(places) > 1 else 'is'}"
    return (
        f"service '{name}': layout: is {layout} now, and {shown} of its other layout still there; change it by the playbook "
        "onionfleet.balance.switch, or turn the layout back"
    )


def _clash_fault(name: str) -> str:
    return (
        f"service '{name}': daemon: has its other layout, too, and both have to run beside each other for a while; name another "
        "daemon, or none"
    )


def _last_faults(name: str, leaving: Data, seen: t.Mapping[str, Data], plan: Data) -> t.Iterator[str]:
    """That a present service would have nobody left who serves it, by what is running now."""
    planned = plan["services"].get(name, {})
    if planned.get("state") == "present" and any(leaving.values()):
        lacking = _lacking(planned, seen)
        if lacking:
            yield (
                f"service '{name}': none of its planned {' and '.join(lacking)} runs, so that it would lose its last living "
                "instance; deploy first, or say -e retire_last=true"
            )


def _lacking(planned: Data, there: t.Mapping[str, Data]) -> t.List[str]:
    living = {
        "replicas": [row for row in planned["replicas"] if _runs(row, there)],
        "backends": [row for row in planned["backends"] if _runs(row, there)],
        "publishers": [row for row in planned["publishers"] if (there.get(row["host"], {}).get("publisher") or {}).get("running")],
    }
    return [kind for kind in KINDS[planned["layout"]] if not living[kind]]


def _runs(row: Data, there: t.Mapping[str, Data]) -> bool:
    daemons = there.get(row["host"], {}).get("daemons", [])
    return any(daemon["name"] == row["daemon"] and daemon["running"] for daemon in daemons)
