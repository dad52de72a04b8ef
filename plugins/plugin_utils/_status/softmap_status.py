# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a status that softmaps have: their publishers and backends.

Module Overview:

    publisher_rows   which publishers run, and on how many HSDirs their descriptor is
    backend_rows     which backends run, are listed, and in what state publishers see them
    listable         introduction points that a descriptor may have now, as far as all were asked
    made_by          descriptors that publishers say they made, as _publisher.match takes them
    softmap_troubles what is wrong with publishers and backends, in words
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.lost import lost
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import PUBLISHER_DAEMON
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.publisher import Own, Publisher

Data = t.Dict[str, t.Any]
Results = t.Mapping[str, Data]

# an instance outside of --limit: nothing is known of it, and nothing is wrong with that
OUTSIDE = "not part of this run"


def made_by(name: str, publishers: t.Sequence[Data], told: Results) -> t.List[Own]:
    """The descriptors that publishers say they made for a service.

    :param publishers: of the service in the plan.
    :param told: host -> the result of onionbalance_info.
    """
    return [
        (row["host"], PUBLISHER_DAEMON, {**descriptor, "introduction_points": [], "introduction_circuits": []})
        for row in publishers
        for descriptor in _told(name, row["host"], told).get("descriptors", [])
    ]


def publisher_rows(
    name: str, publishers: t.Sequence[Data], told: Results, found: t.Sequence[t.Optional[Publisher]]
) -> t.List[Data]:
    """A row for each publisher of a service.

    :param found: whose descriptor each responsible HSDir holds.
    """
    rows = []
    for row in publishers:
        host = row["host"]
        error = _publisher_error(name, host, told)
        hsdirs = sum(publisher is not None and publisher.host == host for publisher in found)
        rows.append({"host": host, "runs": bool(_told(name, host, told)), "error": error, "hsdirs": hsdirs})
    return rows


def backend_rows(
    name: str, planned: Data, own: Results, told: Results, hsdirs: t.Sequence[t.Mapping[str, t.Any]]
) -> t.List[Data]:
    """A row for each backend of a service.

    :param planned: the service in the plan.
    :param own: host -> the result of onion_descriptor_info for its daemons.
    :param hsdirs: what each responsible HSDir holds.
    """
    rows = []
    for backend in planned["backends"]:
        made, seen, keys = _backend(name, planned, backend, own, told)
        states = {instance["state"] for instance in seen}
        rows.append(
            {
                **backend,
                "address": made.get("address") or next((instance["address"] for instance in seen), None),
                "runs": "address" in made,
                "error": _daemon_error(backend, own, made),
                "introduction_circuits": len(made.get("introduction_circuits", [])),
                "silent_targets": made.get("silent_targets", []),
                "state": states.pop() if len(states) == 1 else "disputed" if states else "unknown",
                "hsdirs": sum(not keys.isdisjoint(hsdir["introduction_keys"] or []) for hsdir in hsdirs),
            }
        )
    return rows


def listable(name: str, planned: Data, own: Results, told: Results) -> t.Optional[t.Set[str]]:
    """The keys of introduction points of all its backends.

    :returns: None of a hardmap, and while a publisher or a backend was not asked, or has made nothing yet.
    """
    if not planned["publishers"] or not all(
        _told(name, row["host"], told).get("descriptors") for row in planned["publishers"]
    ):
        return None
    found = [_backend(name, planned, backend, own, told) for backend in planned["backends"]]
    return (
        {key for _made, _seen, keys in found for key in keys}
        if all(made.get("introduction_keys") for made, _seen, _keys in found)
        else None
    )


def _backend(
    name: str, planned: Data, backend: Data, own: Results, told: Results
) -> t.Tuple[Data, t.List[Data], t.Set[str]]:
    """What its daemon made, what each publisher says of it, and the introduction points by which it is listed."""
    # one that is leaving another layout has a folder of that
    directory = backend["directory"] if "directory" in backend else planned["directory"]
    made = _daemon_service(own.get(backend["host"], {}), backend["daemon"], directory)
    seen = [
        instance
        for row in planned["publishers"]
        for instance in _told(name, row["host"], told).get("instances", [])
        if instance["name"] == f"{backend['host']}/{backend['daemon']}"
    ]
    return (
        made,
        seen,
        {*(made.get("introduction_keys") or []), *(key for instance in seen for key in instance["listed_keys"])},
    )


def softmap_troubles(row: Data) -> t.Iterator[str]:
    """What is wrong with the publishers and backends of a service, a sentence each."""
    for publisher in row["publishers"]:
        if publisher["error"] not in ("", OUTSIDE):
            yield f"publisher '{publisher['host']}': {publisher['error']}"
    for backend in row["backends"]:
        place = f"backend '{backend['host']}/{backend['daemon']}'"
        if backend["error"] == OUTSIDE:
            continue
        if not backend["runs"]:
            yield f"{place}: {backend['error']}"
        elif backend["state"] in ("down", "disputed"):
            disputed = backend["state"] == "disputed"
            yield f"{place}: {'publishers do not agree on it' if disputed else 'does not answer its publishers'}"


def _told(name: str, host: str, told: Results) -> Data:
    status = (told.get(host) or {}).get("status") or {}
    return next((service for service in status.get("services", []) if service["name"] == name), {})


def _publisher_error(name: str, host: str, told: Results) -> str:
    if host not in told:
        return OUTSIDE
    result = told[host]
    if not result.get("status"):
        return str(result.get("error") or lost(result))
    return result.get("error", "") if _told(name, host, told) else "does not publish it"


def _daemon_service(result: Data, daemon: str, directory: str) -> Data:
    return next(
        (
            service
            for found in result.get("daemons", [])
            if found["name"] == daemon
            for service in found["services"]
            if service["directory"] == directory
        ),
        {},
    )


def _daemon_error(backend: Data, own: Results, made: Data) -> str:
    if made:
        return ""
    if backend["host"] not in own:
        return OUTSIDE
    result = own[backend["host"]] or {}
    daemon = next((found for found in result.get("daemons", []) if found["name"] == backend["daemon"]), None)
    if daemon is None:
        return lost(result)
    return str(daemon["error"] or "does not serve it")
