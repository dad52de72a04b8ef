# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order hosts are restarted, upgraded or rebooted, so that a service loses one instance at a time.

Module Overview:

    roll_batches   what is due on each host, and what fleet_status found -> hosts in order, each with its batch
    worse          two statuses -> what was well in the first only, in words
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.handover import instance_name
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import PUBLISHER_DAEMON

Data = t.Dict[str, t.Any]


def roll_batches(due: t.Mapping[str, Data], status: Data) -> t.List[Data]:
    """Hosts of one batch share no service. The host that visitors of a service are sent to comes after its others.

    :param due: host -> ``daemons`` (names, to be restarted), ``publisher`` (its program is to be restarted), and
        ``all`` (everything on it goes, for a reboot, say).
    :param status: of fleet_status.
    :returns: ``host``, ``batch`` (from 1), ``going`` (its instances that go) and ``sizes`` (of all batches) of
        each host where something is due.
    """
    going = {
        host: found for host, found in ((host, _going(host, of_host, status)) for host, of_host in due.items()) if found
    }
    services = {
        host: {row["name"] for row in status["services"] if _of(row) & set(found)} for host, found in going.items()
    }
    batches: t.List[t.List[str]] = []
    waiting = sorted(going, key=lambda host: _held(host, status))
    while waiting:
        batch: t.List[str] = []
        for host in waiting:
            # a host does not overtake another that it shares a service with
            before = waiting[: waiting.index(host)]
            if all(services[host].isdisjoint(services[other]) for other in before):
                batch.append(host)
        batches.append(batch)
        waiting = [host for host in waiting if host not in batch]
    sizes = [len(batch) for batch in batches]
    return [
        {"host": host, "batch": number, "going": going[host], "sizes": sizes}
        for number, batch in enumerate(batches, 1)
        for host in batch
    ]


def _going(host: str, due: Data, status: Data) -> t.List[str]:
    if due["all"]:
        found = sorted({name for row in status["services"] for name in _of(row) if name.startswith(f"{host}/")})
        return found or [f"{host}/"]
    return [f"{host}/{daemon}" for daemon in [*due["daemons"], *[PUBLISHER_DAEMON] * due["publisher"]]]


def _of(row: Data) -> t.Set[str]:
    instances = {instance_name(instance) for instance in (*row["replicas"], *row["backends"])}
    return instances | {f"{publisher['host']}/{PUBLISHER_DAEMON}" for publisher in row["publishers"]}


def _held(host: str, status: Data) -> int:
    return sum(bool(row["holder"]) and row["holder"]["host"] == host for row in status["services"])


def worse(before: Data, now: Data) -> t.List[str]:
    """What was well and is not any more, a sentence each.

    :param before: of fleet_status. :param now: the same, later.
    """
    later = {row["name"]: row for row in now["services"]}
    found = []
    for row in before["services"]:
        lost = _well(row) - _well(later[row["name"]]) if row["name"] in later else set()
        if lost:
            troubles = "; ".join(later[row["name"]]["troubles"])
            found.append(
                f"service '{row['name']}': not any more: {', '.join(sorted(lost))}"
                + (f" ({troubles})" if troubles else "")
            )
    return found


def _well(row: Data) -> t.Set[str]:
    answer = row["answer"] or {"requests": 0, "answered": 0}
    found = {"all requests are answered"} if answer["answered"] == answer["requests"] > 0 else set()
    found |= {"a quorum of HSDirs holds its descriptor"} if row["published"] else set()
    found |= {f"{instance_name(each)} runs" for each in (*row["replicas"], *row["backends"]) if each["runs"]}
    found |= {f"{instance_name(each)} is up" for each in row["backends"] if each["state"] == "up"}
    return found | {f"{each['host']} publishes" for each in row["publishers"] if each["runs"]}
