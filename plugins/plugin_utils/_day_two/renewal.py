# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether backends can get new keys now without anybody noticing.

Module Overview:

    renewal_faults   names of backends, plan, and what publishers say -> why not; empty when they can
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import near

Data = t.Dict[str, t.Any]


def renewal_faults(services: t.Mapping[str, Data], names: t.Sequence[str], told: t.Mapping[str, Data]) -> t.List[str]:
    """What speaks against new keys for backends, a sentence each.

    :param services: of the plan.
    :param names: of backends, ``host/daemon``.
    :param told: host -> the result of onionbalance_info.
    """
    if not names:
        return ["onion_renew: name backends, as -e onion_renew=app1/archiveb1"]
    users: t.Dict[str, t.List[str]] = {}
    for name, service in services.items():
        if service["state"] == "present":
            for row in [*service["backends"], *service["replicas"]]:
                users.setdefault(f"{row['host']}/{row['daemon']}", []).append(name)
    backends = [name for name, of in users.items() if any(services[each]["backends"] for each in of)]
    return [fault for name in names for fault in _faults(name, services, users.get(name, []), backends, told)]


def _faults(
    name: str, services: t.Mapping[str, Data], users: t.List[str], backends: t.List[str], told: t.Mapping[str, Data]
) -> t.Iterator[str]:
    if name not in backends:
        yield f"onion_renew: '{name}' is no backend{near(name, backends)}; write host/daemon of one"
        return
    if len(users) > 1:
        yield (
            f"onion_renew: '{name}': services {', '.join(users)} share this daemon, and would all go; "
            "give them daemons of their own"
        )
        return
    (service,) = users
    for row in services[service]["publishers"]:
        state = _state(service, name, told.get(row["host"]) or {})
        if state != "drained":
            yield (
                f"onion_renew: '{name}': publisher '{row['host']}' "
                f"{'could not be asked' if state is None else f'has it as {state}'}; "
                "put it in onion_drained and deploy first, so that no visitor is sent to it"
            )


def _state(service: str, name: str, result: Data) -> str | None:
    """As what a publisher has a backend."""
    status = result.get("status")
    if status is None:
        return None
    instances = [each for entry in status["services"] if entry["name"] == service for each in entry["instances"]]
    return next((str(each["state"]) for each in instances if each["name"] == name), "drained")
