# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a publisher has the addresses of backends from.

Module Overview:

    with_addresses   a publisher's part of the plan, and what was found on the fleet -> its services with addresses
    moved            backends that have another address than before, though nobody renewed them, in words
"""

from __future__ import annotations

import typing as t

Data = t.Dict[str, t.Any]
Known = t.Dict[t.Tuple[str, str], str]


def with_addresses(
    services: t.Sequence[Data],
    own: t.Mapping[str, Data],
    configured: t.Mapping[str, Data],
    planned: t.Mapping[str, Data],
) -> t.List[Data]:
    """The services of a publisher with the addresses of their backends.

    A backend's key is made by its own tor, so its address is known when it has started. That of a backend outside of
    this run, or lost, is what the present configuration of any publisher of the service says; so a limited run drops
    nobody. A host is believed about its own backends, and about services that it publishes.

    :param services: of ``publisher`` in the host's slice of the plan.
    :param own: host -> the result of onion_descriptor_info for its daemons.
    :param configured: host -> the result of onionbalance_info.
    :param planned: all ``services`` of the plan.
    :returns: as onionbalance_config takes them; ``address`` of a backend that nobody knows is None.
    """
    before, daemons = _before(configured, planned), _by_instance(own)

    def instances(service: Data) -> t.Iterator[Data]:
        made, refused = _made(service, daemons)
        for backend in service["instances"]:
            name = backend["name"]
            address = made.get(name) if name not in refused else None
            yield {
                "name": name,
                "address": address or before.get((service["name"], name)),
                "drained": backend["drained"],
            }

    return [{**service, "instances": [*instances(service)]} for service in services]


def moved(services: t.Sequence[Data], owns: t.Iterable[t.Mapping[str, Data]], told: Data) -> t.List[str]:
    """Backends saying another address than their publisher was configured with, or one they cannot have; in sentences.

    Who took a host over can send a part of the visitors elsewhere in this way. A drained one may have been renewed.

    :param services: as with_addresses takes them.
    :param owns: likewise ``own``: what the publisher was configured with in this run, and what backends say since.
    :param told: the result of onionbalance_info for this publisher, from before it was configured anew.
    """
    before = _configured(told)
    # a backend mostly says the same both times
    return list(dict.fromkeys(sentence for own in owns for sentence in _moved(services, _by_instance(own), before)))


def _moved(services: t.Sequence[Data], daemons: t.Mapping[str, Data], before: Known) -> t.Iterator[str]:
    for service in services:
        made, refused = _made(service, daemons)
        for backend in service["instances"]:
            name, place = backend["name"], f"service '{service['name']}': backend '{backend['name']}'"
            now, then = made.get(name), before.get((service["name"], name))
            if name in refused:
                yield (
                    f"{place} says the address of {refused[name]}, which is not taken over; "
                    "look at its host (docs/compromised.md)"
                )
            elif now and then and now != then and not backend["drained"]:
                yield (
                    f"{place} has the address {now}, and had {then}, though nobody renewed it; "
                    "unless you installed its host anew, somebody else may have it (docs/compromised.md)"
                )


def _by_instance(own: t.Mapping[str, Data]) -> t.Dict[str, Data]:
    """Instance -> what its own host says of it."""
    return {f"{host}/{daemon['name']}": daemon for host, result in own.items() for daemon in result.get("daemons", [])}


def _made(service: Data, daemons: t.Mapping[str, Data]) -> t.Tuple[t.Dict[str, str], t.Dict[str, str]]:
    """Backend -> the address that its own host says; and backend -> whose address that is, where it cannot be its own.

    A publisher would refuse all its services for one of those.
    """
    made = {
        backend["name"]: each["address"]
        for backend in service["instances"]
        for each in daemons.get(backend["name"], {}).get("services", [])
        if each["directory"] == backend["directory"]
    }
    said = [*made.values()]
    refused = {name: "the service itself" for name, address in made.items() if address == service["address"]}
    refused.update((name, "another backend, too") for name, address in made.items() if said.count(address) > 1)
    return made, refused


def _before(configured: t.Mapping[str, Data], planned: t.Mapping[str, Data]) -> Known:
    """Service and instance -> the address that a publisher of the service is configured with."""
    return {
        place: address
        for host, result in configured.items()
        for place, address in _configured(result).items()
        if {"host": host} in planned.get(place[0], {}).get("publishers", [])
    }


def _configured(result: Data) -> Known:
    """Service and instance -> the address that one publisher is configured with."""
    return {
        (service["name"], instance["name"]): instance["address"]
        for service in result.get("configured", [])
        for instance in service["instances"]
        if instance["address"]
    }
