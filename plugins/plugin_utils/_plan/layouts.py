# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layouts: which fields each demands and refuses, and which tor daemons of which hosts serve it.

Module Overview:

    Layout           what sets one layout apart
    LAYOUTS          all of them, by name
    Instance         one tor daemon that answers for a service, a replica or a backend
    Placement        the instances and publishers of a service
    read_placement   the fields of a service -> Placement
    daemon_name      the instance name of one worker of a service
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.options import daemon_option_faults
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.values import shown
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.inventory import Faults, Inventory

Data = t.Dict[str, t.Any]

# our own clients of Tor: what verification asks through, a publisher publishes through, a keeper watches through
PROBE_DAEMON = "onionprobe"
PUBLISHER_DAEMON = "onionpublisher"
KEEPER_DAEMON = "onionkeeper"
OWN_CLIENTS = (PROBE_DAEMON, PUBLISHER_DAEMON, KEEPER_DAEMON)
MAX_WORKERS = 16
DAEMON = re.compile(r"[a-z0-9]{1,27}\Z")


@dataclasses.dataclass(frozen=True)
class Layout:
    """What sets one layout apart.

    :ivar instances: the field that names the hosts of its tor daemons.
    :ivar mark: what their daemons' names have before the worker's number.
    :ivar suffix: what the folder of a service is called beyond its name.
    :ivar publishers: whether hosts of their own publish for it.
    :ivar refused: fields that it cannot have -> why, and what works instead.
    """

    instances: str
    mark: str
    suffix: str = ""
    publishers: bool = False
    refused: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


_POW = (
    "proof of work does not pass a publisher: its descriptor has no place for it; use the layout hardmap, or "
    "introduction_dos and max_streams, which work on backends"
)
_CLIENTS = (
    "a publisher can neither publish for authorized clients nor read backends that have them; use the layout hardmap, "
    "or let the web server ask for a password"
)
LAYOUTS: t.Mapping[str, Layout] = {
    "hardmap": Layout(
        "replicas",
        "w",
        refused=dict.fromkeys(("backends", "publishers"), "belongs to the layout softmap; remove it, or change layout"),
    ),
    "softmap": Layout(
        "backends",
        "b",
        suffix="-backend",
        publishers=True,
        refused={
            "replicas": "belongs to the layout hardmap; name publishers and backends instead",
            "keeper": "keeps replicas of hardmaps; a publisher watches its backends itself, so remove it",
            "pow": _POW,
            "authorized_clients": _CLIENTS,
            "onionbalance_frontends": "follows from the service's own address here; remove it",
        },
    ),
}


@dataclasses.dataclass(frozen=True)
class Instance:
    """One tor daemon that answers for a service, a replica or a backend: the ``worker``-th of ``host``."""

    host: str
    daemon: str
    worker: int


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a service runs.

    :ivar instances: the daemons that answer, replicas or backends, host by host in the inventory's order.
    :ivar publishers: the hosts that publish for them; none where the instances publish themselves.
    """

    layout: Layout
    instances: t.List[Instance]
    publishers: t.List[str]


def read_placement(name: str, fields: Data, inventory: Inventory, place: str, faults: Faults) -> Placement:
    """Where a service runs, by its layout; of an unknown layout, nowhere."""
    layout = LAYOUTS.get(fields["layout"]) if isinstance(fields.get("layout"), str) else None
    if layout is None:
        # what is wrong besides
        for field in ("replicas", "publishers", "backends"):
            if field in fields:
                inventory.hosts_of(fields[field], place, field, faults)
        layout = Layout("hosts", "")
        return Placement(layout, _instances(name, fields, layout, [], place, faults), [])
    for field, why in layout.refused.items():
        if field in fields and not _is_off(fields[field]):
            faults.add(place, field, why)
    publishers = inventory.hosts_of(fields.get("publishers"), place, "publishers", faults) if layout.publishers else []
    hosts = inventory.hosts_of(fields.get(layout.instances), place, layout.instances, faults)
    return Placement(layout, _instances(name, fields, layout, hosts, place, faults), publishers)


def _is_off(value: t.Any) -> bool:
    return value is False or isinstance(value, dict) and str(value.get("enabled")).lower() == "false"


def _instances(
    name: str, fields: Data, layout: Layout, hosts: t.Sequence[str], place: str, faults: Faults
) -> t.List[Instance]:
    workers = fields.get("workers", 1)
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MAX_WORKERS:
        faults.add(place, "workers", f"is {shown(workers)}; write a whole number from 1 to {MAX_WORKERS}")
        workers = 1
    shared = fields.get("daemon")
    if shared is not None:
        check_daemon_name(shared, place, "daemon", faults)
        if workers != 1:
            faults.add(place, "workers", "must be 1 in a shared daemon; leave out 'workers' or 'daemon'")
        if "daemon_options" in fields:
            faults.add(place, "daemon_options", "are those of a shared daemon; move them to its entry of onion_daemons")
        return [Instance(host, str(shared), 1) for host in hosts]
    options = fields.get("daemon_options", {})
    faults.extend(f"{place}: daemon_options: {fault}" for fault in option_faults(options))
    return [
        Instance(host, daemon_name(name, worker, layout.mark), worker)
        for host in hosts
        for worker in range(1, workers + 1)
    ]


def option_faults(options: t.Any) -> t.List[str]:
    """The faults of a mapping of daemon-wide options; also that it is none."""
    if not isinstance(options, dict):
        return [f"is {shown(options)}; write a mapping of options, as 'key: value' lines"]
    return daemon_option_faults(options)


def daemon_name(service: str, worker: int, mark: str = "w") -> str:
    """The instance name of one worker of a service: letters and digits only, as Debian's tor units demand.

    ``mark`` keeps the backends of a service apart from its replicas, which may run beside them while an operator
    switches. Names that lose something on the way (hyphens, length) get four digits of their hash, so that
    ``news-room`` and ``newsroom`` stay apart.
    """
    squashed = service.replace("-", "")[:16]
    if squashed != service:
        squashed += hashlib.sha256(service.encode()).hexdigest()[:4]
    return f"{squashed}{mark}{worker}"


def check_daemon_name(name: t.Any, place: str, field: str, faults: Faults) -> None:
    """Note it where ``name`` cannot be that of one of our tor instances."""
    if not isinstance(name, str) or not DAEMON.match(name):
        faults.add(
            place,
            field,
            f"is {shown(name)}, which is no name of a tor instance; use 1 to 27 of a-z and 0-9, as a string",
        )
    elif name in ("default", *OWN_CLIENTS):
        faults.add(place, field, f"'{name}' is taken; choose another name")
