# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the hosts and not in the plan any more: it leaves, once somebody says so. All pure.

Module Overview:

    find_leavers    what hosts have (onion_host_info), the plan -> what leaves which host, how, what speaks against it
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.leaving import faults, handing
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.lost import first_line, lost
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import (
    KEEPER_DAEMON,
    OWN_CLIENTS,
    PUBLISHER_DAEMON,
    Data,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.found import Place, Published, read_there


def find_leavers(
    there: t.Mapping[str, Data], plan: Data, *, only: t.Collection[str] = (), undeclared: bool = False
) -> Data:
    """Compare the fleet with the plan.

    :param there: host -> the result of onion_host_info; a failed one for a host that could not be looked at.
    :param plan: as the module plan returns it.
    :param only: names of the services to look at; none for all, and for what is left of hosts, too.
    :param undeclared: whether services leave that nobody declares.
    :returns: see the filter ``leavers``.
    """
    seen = {host: found for host, found in there.items() if "daemons" in found}
    places, published = read_there(seen, plan)
    everything: t.List[t.Union[Place, Published]] = [*places, *published]
    gone = [place for place in places if _goes(place, only, undeclared)]
    unpublished = [row for row in published if _goes(row, only, undeclared)]
    hosts = {
        host: _of_host(
            found,
            plan["hosts"].get(host),
            places=[place for place in places if place.host == host and place not in gone],
            gone=[place for place in gone if place.host == host],
            kept=[row.name for row in published if row.host == host and row not in unpublished],
            keys=[row.name for row in unpublished if row.host == host],
            only=only,
        )
        for host, found in seen.items()
    }
    services = _by_service([*gone, *unpublished])
    publishing = [host for host, what in hosts.items() if not what["publisher"]]
    found = faults(services, [*gone, *unpublished], places, seen, plan, publishing=publishing)
    return {
        "hosts": {host: what for host, what in hosts.items() if any(what.values())},
        "services": services,
        **found,
        "handing": handing(gone, plan, besides=found["lost"]),
        "orphans": [_orphan(each) for each in everything if each.owner is None],
        "hints": [_unseen(host, result) for host, result in there.items() if host not in seen],
    }


def _goes(what: t.Union[Place, Published], only: t.Collection[str], undeclared: bool) -> bool:
    if what.owner is None:
        return undeclared and not only
    return not what.stays and (not only or what.owner in only)


def _of_host(
    found: Data,
    planned: t.Optional[Data],
    *,
    places: t.Sequence[Place],
    gone: t.Sequence[Place],
    kept: t.Sequence[str],
    keys: t.List[str],
    only: t.Collection[str],
) -> Data:
    """What onion_retire takes for a host.

    :param places: that stay. :param kept: services that its publisher keeps; ``keys``: those that it does not.
    """
    daemons, all_services = (planned or {}).get("daemons", []), not only
    wanted = {daemon["name"] for daemon in daemons if daemon["state"] == "present"}
    whole = {place.daemon for place in gone} - {place.daemon for place in places} - wanted
    publisher = bool(found["publisher"] and not kept and (keys or all_services))
    publisher = publisher and not ((planned or {}).get("publisher") or {}).get("services")
    keeper = bool(
        found["keeper"]
        and not (planned or {}).get("keeper")
        and (all_services or {*only} >= {*found["keeper"]["services"]})
    )
    whole |= _clients(found, publisher, keeper, all_services) - wanted
    left = {daemon["name"] for daemon in found["daemons"]} - whole
    return {
        "daemons": sorted(whole),
        "services": [
            {"daemon": place.daemon, "name": place.name, "directory": place.directory}
            for place in gone
            if place.daemon not in whole
        ],
        "keys": keys,
        "publisher": publisher,
        "keeper": keeper,
        "host": bool(all_services and planned is None and found["installed"] and not left and not kept),
    }


def _clients(found: Data, publisher: bool, keeper: bool, all_services: bool) -> t.Set[str]:
    """Our own clients of Tor that may go; those of a publisher and of a keeper go with it."""
    staying = {PUBLISHER_DAEMON} if found["publisher"] and not publisher else set()
    going = {*OWN_CLIENTS} - staying if all_services else {*[PUBLISHER_DAEMON] * publisher, *[KEEPER_DAEMON] * keeper}
    return going & {daemon["name"] for daemon in found["daemons"]}


def _by_service(gone: t.Iterable[t.Union[Place, Published]]) -> t.Dict[str, Data]:
    """Name -> its instances and publishers that leave and may still be at work."""
    found: t.Dict[str, Data] = {}
    for each in gone:
        if each.owner and each.at_work:
            of_service = found.setdefault(each.owner, {"replicas": [], "backends": [], "publishers": []})
            of_service[each.kind].append(each.host if isinstance(each, Published) else f"{each.host}/{each.daemon}")
    return found


def _orphan(what: t.Union[Place, Published]) -> Data:
    if isinstance(what, Published):
        return {"host": what.host, "daemon": PUBLISHER_DAEMON, "service": what.name}
    return {"host": what.host, "daemon": what.daemon, "service": what.name or what.directory}


def _unseen(host: str, result: Data) -> str:
    why = lost(result).replace("host is", "is") if result.get("unreachable") else first_line(result)
    return f"host '{host}': could not be looked at ({why}), so that nobody knows what it may still serve"
