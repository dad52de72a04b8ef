# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a publisher has the addresses of backends from.

Module Overview:

    with_addresses   a publisher's part of the plan, and what was found on the fleet -> its services with addresses
"""

from __future__ import annotations

import typing as t

Data = t.Dict[str, t.Any]


def with_addresses(services: t.Sequence[Data], own: t.Mapping[str, Data], configured: t.Mapping[str, Data]) -> t.List[Data]:
    """The services of a publisher with the addresses of their backends.

    A backend's key is made by its own tor, so its address is known when it has started. That of a backend outside of this
    run, or lost, is what the present configuration of any publisher says; so a limited run drops nobody.

    :param services: of ``publisher`` in the host's slice of the plan.
    :param own: host -> the result of onion_descriptor_info for its daemons.
    :param configured: host -> the result of onionbalance_info.
    :returns: as onionbalance_config takes them; ``address`` of a backend that nobody knows is None.
    """
    made = {
        (f"{host}/{daemon['name']}", service["directory"]): service["address"]
        for host, result in own.items()
        for daemon in result.get("daemons", [])
        for service in daemon["services"]
    }
    before = {
        (service["name"], instance["name"]): instance["address"]
        for result in configured.values()
        for service in result.get("configured", [])
        for instance in service["instances"]
        if instance["address"]
    }

    def instance(service: Data, planned: Data) -> Data:
        name = planned["name"]
        address = made.get((name, planned["directory"])) or before.get((service["name"], name))
        return {"name": name, "address": address, "drained": planned["drained"]}

    return [
        {**service, "instances": [instance(service, planned) for planned in service["instances"]]} for service in services
    ]
