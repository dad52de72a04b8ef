# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflights of all hosts say together."""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.lost import distrusted, first_line

Data = t.Dict[str, t.Any]

# an HSDir takes the descriptor with the later clock: a slow replica would lose its turns
MAX_SKEW_SECONDS = 5.0


def clock_offset(before: float, host: float, after: float) -> t.Dict[str, float]:
    """How far a host's clock is ahead, from a round trip on our own clock; all in seconds."""
    half = (after - before) / 2
    return {"offset": host - (before + half), "uncertainty": half}


def fleet_report(results: t.Mapping[str, Data], services: t.Mapping[str, Data]) -> t.Dict[str, t.List[str]]:
    """The faults and hints of the whole fleet.

    :param results: host -> the registered result of its preflight; a host that was not reached is a warning,
        because a deployment goes on without it.
    :param services: of the plan.
    :returns: ``faults`` and ``hints``.
    """
    faults: t.List[str] = []
    hints: t.List[str] = []
    for host, result in results.items():
        if result.get("unreachable"):
            hints.append(distrusted(result) or f"host '{host}': is not reachable; run again when it is back")
        elif result.get("failed"):
            faults.append(f"host '{host}': could not be looked at: {first_line(result)}")
        faults.extend(f"host '{host}': {fault}" for fault in result.get("faults", []))
        hints.extend(f"host '{host}': {warning}" for warning in result.get("hints", []))
    faults.extend(_clock_faults(results, services))
    return {"faults": faults, "hints": hints}


def _clock_faults(results: t.Mapping[str, Data], services: t.Mapping[str, Data]) -> t.Iterator[str]:
    for name, service in services.items():
        # those that publish
        hosts = list(dict.fromkeys(row["host"] for row in [*service["replicas"], *service["publishers"]]))
        clocks = {host: results[host]["clock"] for host in hosts if results.get(host, {}).get("clock")}
        if service["state"] != "present" or len(clocks) < 2:
            continue
        late = min(clocks, key=lambda host: clocks[host]["offset"] + clocks[host]["uncertainty"])
        early = max(clocks, key=lambda host: clocks[host]["offset"] - clocks[host]["uncertainty"])
        skew = clocks[early]["offset"] - clocks[late]["offset"]
        certain = skew - clocks[early]["uncertainty"] - clocks[late]["uncertainty"]
        if certain > MAX_SKEW_SECONDS:
            yield (
                f"service '{name}': clock: host '{early}' is {skew:.0f} s ahead of host '{late}', which share a key; "
                f"set the clocks (at most {MAX_SKEW_SECONDS:.0f} s apart), for example by systemd-timesyncd"
            )
