# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is allowed, yet leaves a service hanging by a thread, or does not do what it seems to; see docs/choosing.md.

Module Overview:

    layout_hints   services and settings of publishers -> a sentence for each thing to think over, once for all services
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.services import Service

# Computed from tor's timers (60 to 120 minutes after a replica's last publication): minutes until the
# first of so many survivors publishes, on average and in 95 of 100 cases. With more of them a failure is
# short enough not to be mentioned.
WAITING = {1: (33, 78), 2: (23, 58)}
PLACES = 20
NAMED = 5  # other services with the same hint


def layout_hints(services: t.Mapping[str, Service], publisher: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """The hints of all present services.

    :param publisher: settings of all publishers.
    """
    found: t.Dict[str, t.List[str]] = {}
    for service in services.values():
        if service.state == "present":
            of_layout = _turns(service, publisher) if service.placement.publishers else _failover(service)
            for hint in (*_threads(service), *_protection(service), *of_layout):
                found.setdefault(hint, []).append(f"'{service.name}'")
    for hint, (first, *others) in found.items():
        also = f" (and {', '.join(others[:NAMED])}{' and others' if len(others) > NAMED else ''})" if others else ""
        yield f"service {first}{also} {hint}"


def _threads(service: Service) -> t.Iterator[str]:
    if len(service.hosts) == 1:
        yield "has one host only; it is down whenever that host is"
    if len(service.placement.publishers) == 1:
        yield "has one publisher only; without it, visitors are turned away within three hours: name a second"
    if service.placement.publishers and len(service.placement.instances) == 1:
        yield "has one backend only; a publisher is of use from two on"


def _protection(service: Service) -> t.Iterator[str]:
    if service.single_hop:
        yield "is not anonymous (single_hop): visitors stay hidden, its hosts do not"
    if service.fields.get("lower_protection") is True:
        yield "says 'lower_protection: true'; remove that once it is deployed, so that nothing is lowered by mistake"


def _failover(service: Service) -> t.Iterator[str]:
    """Who stays when the host that published last dies."""
    workers = len(service.placement.instances) // max(1, len(service.hosts))
    survivors = len(service.placement.instances) - workers
    if survivors not in WAITING or service.fields.get("keeper") is True:
        return
    mean, most = WAITING[survivors]
    better = "keeper: true takes over within a minute"
    if "daemon" in service.fields:
        better = "more replicas make it shorter (a keeper needs daemons of its own)"
    yield (
        f"has no keeper: when the host that published last dies, new visitors get errors for {mean} minutes on "
        f"average, and {most} at worst in 95 of 100 cases; {better}, a softmap has no such gap"
    )


def _turns(service: Service, publisher: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    backends, places = len(service.placement.instances), int(publisher.get("introduction_points", PLACES))
    if backends > places:
        yield (
            f"has {backends} backends, and a descriptor has {places} places: they take turns, and each is listed "
            f"{100 * places // backends} % of the time; with fewer workers all are listed always"
        )
