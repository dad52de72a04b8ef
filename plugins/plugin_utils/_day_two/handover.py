# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who stands in for whom before something is done to instances. An instance is "host/daemon".

Module Overview:

    concerned    the services of instances, and whom to ask about them
    handover     what fleet_status found, and the instances that go -> who publishes, stands by, is left out and drained
    left_out     what a publisher or keeper is told, and instances -> the same, where it leaves these out
    still_held   the same, later -> what the HSDirs still hold of those that go, in words
    taken_away   the plan's hosts, and whom they leave out -> instances that a stopped run did not give back

A publisher's program is the instance "host/onionpublisher".
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import PUBLISHER_DAEMON

Data = t.Dict[str, t.Any]
ByHost = t.Dict[str, t.List[str]]


class _Row:
    """One service of a status, divided into what goes and what stays and can serve."""

    def __init__(self, row: Data, going: t.Collection[str]) -> None:
        publishers = [{**publisher, "daemon": PUBLISHER_DAEMON} for publisher in row["publishers"]]
        self.row, self.name = row, row["name"]
        self.replicas, self.backends, self.publishers = (
            [instance for instance in instances if instance_name(instance) in going]
            for instances in (row["replicas"], row["backends"], publishers)
        )
        self.stay_replicas = [each for each in _staying(row["replicas"], going) if each["introduction_circuits"]]
        self.stay_backends = [
            each
            for each in _staying(row["backends"], going)
            if each["introduction_circuits"] and each["state"] != "down"
        ]
        self.stay_publishers = [each for each in _staying(publishers, going) if each["runs"]]

    @property
    def touched(self) -> bool:
        return bool(self.replicas or self.backends or self.publishers)

    @property
    def served(self) -> bool:
        """Is there who serves it meanwhile?"""
        return bool(self.stay_replicas or (self.stay_publishers and self.stay_backends))

    @property
    def only(self) -> bool:
        """Nobody else was meant to serve it."""
        return len(self.replicas) == len(self.row["replicas"]) and (
            len(self.backends) == len(self.row["backends"]) or len(self.publishers) == len(self.row["publishers"])
        )

    @property
    def stand_in(self) -> t.Optional[Data]:
        """The replica that is to publish now; None where publishers do.

        Also where visitors are led to one that stays: HSDirs have a second descriptor, of the next time
        period, and that may be of one that goes. Also where only backends go: a publisher that was stopped
        just before may have published last.
        """
        if self.stay_publishers or not self.stay_replicas:
            return None
        return max(self.stay_replicas, key=lambda each: each["hsdirs"])


def concerned(services: t.Mapping[str, Data], going: t.Collection[str]) -> Data:
    """What has to be looked at before instances go.

    :param services: of the plan.
    :returns: those ``services``, their ``daemons`` by host, the ``going`` among them, and hosts of ``publishers``.
    """
    found = {
        name: service
        for name, service in services.items()
        if service["state"] == "present" and set(going) & set(_names(service))
    }
    daemons = [each for service in found.values() for each in (*service["replicas"], *service["backends"])]
    return {
        "services": found,
        "daemons": _by_host(daemons),
        "going": _by_host(each for each in daemons if instance_name(each) in going),
        "publishers": sorted({each["host"] for service in found.values() for each in service["publishers"]}),
    }


def _names(service: Data) -> t.Iterator[str]:
    yield from map(instance_name, (*service["replicas"], *service["backends"]))
    yield from (f"{publisher['host']}/{PUBLISHER_DAEMON}" for publisher in service["publishers"])


def handover(status: Data, going: t.Collection[str]) -> Data:
    """What has to happen so that visitors miss nobody.

    :param status: of fleet_status, just now, with what HSDirs hold.
    :param going: instances.
    :returns: ``publish``, ``standby`` and ``drain`` (host -> daemons), ``stood_by`` (replicas), ``left_out``
        (backends), ``addresses`` (of services that HSDirs are asked for), ``lost`` (in words: services that others were
        meant to serve, and nobody can).
    """
    rows = [row for row in (_Row(each, going) for each in status["services"]) if row.touched]
    served = [row for row in rows if row.served]
    # what one service of a daemon cannot do without is not drained for the sake of another
    needed = {instance_name(each) for row in rows if not row.served for each in (*row.replicas, *row.backends)}
    leaving = [each for row in served for each in (*row.replicas, *row.backends) if instance_name(each) not in needed]
    return {
        "publish": _by_host(row.stand_in for row in served),
        "standby": _by_host(each for row in served for each in row.replicas),
        "drain": _by_host(leaving),
        "stood_by": sorted({instance_name(each) for row in served for each in row.replicas}),
        "left_out": sorted({instance_name(each) for row in served for each in row.backends}),
        "addresses": [row.row["address"] for row in served if row.replicas or row.backends or not row.stay_publishers],
        "lost": [_lost(row) for row in rows if not row.served and not row.only],
    }


def left_out(part: Data, instances: t.Collection[str]) -> Data:
    """A publisher's or a keeper's part of the plan, in which more instances are drained."""
    kind, name = ("instances", "name") if "settings" in part else ("daemons", "replica")

    def told(each: Data) -> Data:
        return {**each, "drained": each["drained"] or each[name] in instances}

    return {
        **part,
        "services": [{**service, kind: [told(each) for each in service[kind]]} for service in part["services"]],
    }


def still_held(status: Data, going: t.Collection[str]) -> t.Dict[str, t.List[str]]:
    """What HSDirs still hold of those that go.

    :returns: ``any`` and ``many``, a sentence each; ``many``: on more than half of the responsible HSDirs.
    """
    found: t.Dict[str, t.List[str]] = {"any": [], "many": []}
    for row in (_Row(each, going) for each in status["services"]):
        responsible = row.row["hsdirs"]["responsible"]
        for each in (*row.replicas, *row.backends, *([] if row.stay_publishers else row.publishers)):
            if row.served and each["hsdirs"]:
                sentence = (
                    f"service '{row.name}': {each['hsdirs']} of {responsible} HSDirs lead to {instance_name(each)}"
                )
                found["any"].append(sentence)
                found["many"] += [sentence] * (2 * each["hsdirs"] > responsible)
    return found


def taken_away(hosts: t.Mapping[str, Data], found: t.Iterable[str]) -> t.List[str]:
    """Instances that publishers leave out, or keepers take no turn with, and that the plan does not have drained.

    :param hosts: of the plan. :param found: what rolling_info returned on all hosts as ``left_out``.
    """
    wanted = {
        name: drained
        for of_host in hosts.values()
        for name, drained in (
            *((each["name"], each["drained"]) for each in _each(of_host["publisher"], "instances")),
            *((each["replica"], each["drained"]) for each in _each(of_host["keeper"], "daemons")),
        )
    }
    return sorted({name for name in found if wanted.get(name) is False})


def _each(part: t.Optional[Data], kind: str) -> t.Iterator[Data]:
    for service in (part or {}).get("services") or []:
        yield from service[kind]


def instance_name(instance: Data) -> str:
    return f"{instance['host']}/{instance['daemon']}"


def _staying(instances: t.Iterable[Data], going: t.Collection[str]) -> t.List[Data]:
    return [instance for instance in instances if instance_name(instance) not in going]


def _lost(row: _Row) -> str:
    going = ", ".join(instance_name(each) for each in (*row.replicas, *row.backends, *row.publishers))
    return f"service '{row.name}': nobody else can serve it at present, so {going} must stay; mend the others first"


def _by_host(instances: t.Iterable[t.Optional[Data]]) -> ByHost:
    found: ByHost = {}
    for instance in instances:
        if instance is not None and instance["daemon"] not in found.setdefault(instance["host"], []):
            found[instance["host"]].append(instance["daemon"])
    return found
