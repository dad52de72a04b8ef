# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet looks like from outside and from inside, put together for people and programs.

Module Overview:

    probe_targets   the plan's services -> what onion_probe is to ask for
    fleet_status    what the modules found -> one status, with what is wrong in words
    redacted        the same without names of hosts and daemons, addresses and texts of errors, for showing around
"""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.lost import lost
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import PUBLISHER_DAEMON
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.drift import redacted_drift
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.keeper_status import (
    keeper_redacted,
    keeper_row,
    keeper_troubles,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.publisher import Publisher, holder, match
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.softmap_status import (
    OUTSIDE,
    backend_rows,
    listable,
    made_by,
    publisher_rows,
    softmap_troubles,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.strangers import (
    strange_trouble,
    strangers,
    too_strange,
)

Data = t.Dict[str, t.Any]

TLS_PORT = 443


def probe_targets(services: t.Mapping[str, Data], credentials: t.Collection[str] = ()) -> t.List[Data]:
    """What to ask each service for: its first port, unless its field ``probe`` says otherwise.

    :param services: of the plan. Absent ones, and restricted ones that no credential opens, are left out.
    :param credentials: the addresses that client credentials are at hand for.
    """
    targets = []
    for name, service in services.items():
        if service["state"] != "present" or not _asked(service, credentials):
            continue
        wanted = service["probe"]
        port = wanted.get("port", service["ports"][0])
        scheme = {"scheme": "https"} if port == TLS_PORT else {}
        targets.append({"name": name, "address": service["address"], "port": port, **scheme, **wanted})
    return targets


def _asked(service: Data, credentials: t.Collection[str]) -> bool:
    return not service["restricted"] or service["address"] in credentials


def fleet_status(
    services: t.Mapping[str, Data],
    own: t.Mapping[str, Data],
    published: t.Sequence[Data],
    probed: t.Sequence[Data],
    told: t.Optional[t.Mapping[str, Data]] = None,
    kept: t.Optional[t.Mapping[str, Data]] = None,
    undeclared: bool = True,
    credentials: t.Collection[str] = (),
) -> Data:
    """Put together who runs, who publishes, what HSDirs hold and what answered.

    :param services: of the plan.
    :param own: host -> the result of onion_descriptor_info for its daemons; failed or empty for a lost host. A host
        that is not named was not to be looked at.
    :param published: ``services`` of onion_descriptor_info for the addresses.
    :param probed: ``targets`` of onion_probe.
    :param told: host -> the result of onionbalance_info, of publishers.
    :param kept: host -> the result of keeper_info, of hosts with a keeper.
    :param undeclared: False where undeclared instances may go on, and may have published what HSDirs hold.
    :param credentials: the addresses that client credentials are at hand for, as for probe_targets.
    :returns: ``services`` (list), ``troubles`` (a sentence each) and ``unpublished`` (names of services whose newest
        descriptor is not held by a quorum, more than half, of the responsible HSDirs).
    """
    by_address = {service["address"]: service for service in published}
    answers = {target["name"]: target for target in probed}
    rows = [
        _service(
            name,
            service,
            own,
            told or {},
            kept or {},
            by_address.get(service["address"]),
            answers.get(name),
            undeclared,
            _asked(service, credentials),
        )
        for name, service in services.items()
        if service["state"] == "present"
    ]
    return {
        "services": rows,
        "troubles": _all_troubles(rows),
        "unpublished": [row["name"] for row in rows if not row["published"] or too_strange(row["hsdirs"])],
    }


def _all_troubles(rows: t.Iterable[Data]) -> t.List[str]:
    return [f"service '{row['name']}': {trouble}" for row in rows for trouble in row["troubles"]]


def _service(
    name: str,
    planned: Data,
    own: t.Mapping[str, Data],
    told: t.Mapping[str, Data],
    kept: t.Mapping[str, Data],
    published: t.Optional[Data],
    answer: t.Optional[Data],
    undeclared: bool,
    asked: bool,
) -> Data:
    address = planned["address"]
    made = [_made(replica, own, address) for replica in planned["replicas"]]
    hsdirs = published["hsdirs"] if published else []
    daemons = [(row["host"], row["daemon"], row.pop("made")) for row in made if row["runs"]]
    makers = daemons + made_by(name, planned["publishers"], told)
    publishers = match(hsdirs, makers)
    for row in made:
        row.pop("made", None)
        row["hsdirs"] = sum(_is(publisher, row) for publisher in publishers)
        row["keeper"] = keeper_row(name, row, kept) if planned.get("keeper") else None
    holding = holder(publishers)
    counts = {key: published[key] if published else 0 for key in ("responsible", "held", "newest")}
    counts["strange"] = (
        strangers(planned, hsdirs, makers, publishers, listable(name, planned, own, told)) if undeclared else 0
    )
    row = {
        "name": name,
        "address": address,
        "layout": planned["layout"],
        "restricted": planned["restricted"],
        "asked": asked,
        "hsdirs": counts,
        "published": 2 * counts["newest"] > counts["responsible"],
        "holder": {"host": holding.host, "daemon": holding.daemon, "by": holding.by} if holding else None,
        "replicas": made,
        "publishers": publisher_rows(name, planned["publishers"], told, publishers),
        "backends": backend_rows(name, planned, own, told, hsdirs),
        "answer": answer and {key: answer[key] for key in ("requests", "answered", "median", "errors", "answered_by")},
    }
    return {**row, "troubles": list(_troubles(row))}


def _made(replica: Data, own: t.Mapping[str, Data], address: str) -> Data:
    result = own.get(replica["host"]) or {}
    daemon = next((found for found in result.get("daemons", []) if found["name"] == replica["daemon"]), None)
    made = next((found for found in (daemon or {}).get("services", []) if found["address"] == address), None)
    if replica["host"] not in own:
        error = OUTSIDE
    elif daemon is None:
        error = lost(result)
    else:
        error = daemon["error"] or ("" if made else "does not serve it")
    return {
        **replica,
        "runs": made is not None,
        "error": error,
        "introduction_circuits": len(made["introduction_circuits"]) if made else 0,
        "silent_targets": made["silent_targets"] if made else [],
        "made": made,
    }


def _is(publisher: t.Optional[Publisher], row: Data) -> bool:
    return publisher is not None and (publisher.host, publisher.daemon) == (row["host"], row["daemon"])


def _troubles(row: Data) -> t.Iterator[str]:
    answer, hsdirs = row["answer"], row["hsdirs"]
    if not answer and row["asked"]:
        yield (
            "nobody could ask for it through Tor; is the first of onion_probe_hosts (or of the fleet) up and deployed?"
        )
    elif answer and not answer["answered"]:
        yield f"does not answer through Tor ({', '.join(answer['errors']) or 'no request was sent'})"
    elif answer and answer["answered"] < answer["requests"]:
        yield f"answered {answer['answered']} of {answer['requests']} requests ({', '.join(answer['errors'])})"
    if not row["published"]:
        what = f"{hsdirs['newest']} of {hsdirs['responsible']} responsible HSDirs hold the newest descriptor"
        yield f"{what}, more than half are needed"
    yield from strange_trouble(hsdirs)
    for replica in row["replicas"]:
        if not replica["runs"] and replica["error"] != OUTSIDE:
            yield f"daemon '{replica['daemon']}' of host '{replica['host']}': {replica['error']}"
    for instance in (*row["replicas"], *row["backends"]):
        place = f"daemon '{instance['daemon']}' of host '{instance['host']}'"
        yield from (f"{place}: {target}; visitors that it gets see errors" for target in instance["silent_targets"])
    yield from keeper_troubles(row)
    yield from softmap_troubles(row)


def redacted(status: Data) -> Data:
    """The same status with hosts, daemons and answerers numbered and addresses cut off, for showing around.

    Made anew from what can tell nobody where a service is. Texts of errors are left out: they may hold anything.
    Names of services stay.
    """
    rows = status["services"]
    instances = [instance for row in rows for instance in (*row["replicas"], *row["backends"])]
    publishers = [publisher for row in rows for publisher in row["publishers"]]
    hosts = _numbered("host", (row["host"] for row in (*instances, *publishers)))
    daemons = {
        **_numbered("daemon", (instance["daemon"] for instance in instances)),
        PUBLISHER_DAEMON: PUBLISHER_DAEMON,
    }
    answers = [row["answer"]["answered_by"] for row in rows if row["answer"]]
    answerers = {**_numbered("answerer", itertools.chain(*answers)), **hosts}
    shown = [_redacted(row, hosts, daemons, answerers) for row in rows]
    status_shown = {"services": shown, "troubles": _all_troubles(shown), "unpublished": list(status["unpublished"])}
    return redacted_drift(status_shown, status, hosts) if "drift" in status else status_shown


Names = t.Mapping[str, str]

_COUNTS = ("worker", "runs", "introduction_circuits", "hsdirs")


def _numbered(kind: str, names: t.Iterable[str]) -> t.Dict[str, str]:
    return {name: f"{kind} {number}" for number, name in enumerate(dict.fromkeys(names), 1)}


def _redacted(row: Data, hosts: Names, daemons: Names, answerers: Names) -> Data:
    holding, answer = row["holder"], row["answer"]
    shown = {
        **{key: row[key] for key in ("name", "layout", "restricted", "asked", "hsdirs", "published")},
        "address": "….onion",
        "holder": holding and _place(holding, hosts, daemons, ("by",)),
        "replicas": [
            {
                **_place(replica, hosts, daemons, _COUNTS),
                "error": _harmless(replica),
                "silent_targets": ["a target accepts no connection (not shown)"] * len(replica["silent_targets"]),
                "keeper": keeper_redacted(replica["keeper"]),
            }
            for replica in row["replicas"]
        ],
        "publishers": [
            {"host": hosts[publisher["host"]], "error": _harmless(publisher), **_only(publisher, ("runs", "hsdirs"))}
            for publisher in row["publishers"]
        ],
        "backends": [
            {
                **_place(backend, hosts, daemons, (*_COUNTS, "state")),
                "error": _harmless(backend),
                "silent_targets": ["a target accepts no connection (not shown)"] * len(backend["silent_targets"]),
                "address": backend["address"] and "….onion",
            }
            for backend in row["backends"]
        ],
        "answer": answer
        and {
            **{key: answer[key] for key in ("requests", "answered", "median")},
            "errors": {"cause not shown": sum(answer["errors"].values())} if answer["errors"] else {},
            "answered_by": {answerers[who]: times for who, times in answer["answered_by"].items()},
        },
    }
    return {**shown, "troubles": list(_troubles(shown))}


def _harmless(row: Data) -> str:
    return row["error"] if row["error"] in ("", OUTSIDE) else "does not serve it"


def _place(row: Data, hosts: Names, daemons: Names, harmless: t.Iterable[str]) -> Data:
    return {"host": hosts[row["host"]], "daemon": daemons[row["daemon"]], **_only(row, harmless)}


def _only(row: Data, keys: t.Iterable[str]) -> Data:
    return {key: row[key] for key in keys}
