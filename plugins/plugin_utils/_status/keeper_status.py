# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a status that keepers have.

Module Overview:

    keeper_row        what the keeper of a replica says of it
    keeper_troubles   what is wrong with keepers, in words
    keeper_redacted   a row without what may name anybody
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.lost import UNREACHABLE, lost
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.softmap_status import OUTSIDE

Data = t.Dict[str, t.Any]

HANGS_SECONDS = 60.0  # it looks after its services every second
FORGOTTEN = "does not keep it; deploy"
STALE = "was not restarted since its files changed; deploy"


def keeper_row(service: str, replica: t.Mapping[str, t.Any], kept: t.Mapping[str, Data]) -> Data:
    """What is known of the keeper of one replica, and what it says of it.

    :param replica: ``host`` and ``daemon`` of the plan.
    :param kept: host -> the result of keeper_info; failed or empty for a lost host.
    """
    host = replica["host"]
    status = (kept.get(host) or {}).get("status") or {}
    said: Data = next((one for one in status.get("services", []) if one["name"] == service), {})
    own: Data = next((one for one in said.get("replicas", []) if one["name"] == f"{host}/{replica['daemon']}"), {})
    act = own.get("took_over")
    return {
        "runs": bool(own),
        "error": _error(host, kept, status, own),
        "state": _state(said, own),
        "ready": own.get("ready", False),
        "targets": said.get("targets"),
        "hsdirs_answer": said.get("hsdirs_answer"),
        "publications": len(own.get("published", [])),
        "took_over": act and {**act, "ago": round(status["time"] - act["at"])},
    }


def _error(host: str, kept: t.Mapping[str, Data], status: Data, own: Data) -> str:
    if host not in kept:
        return OUTSIDE
    result = kept[host]
    if not status:
        return str(result.get("error") or lost(result))
    if not own:
        return FORGOTTEN
    if result.get("stale"):
        return STALE
    if status["turned"] > HANGS_SECONDS:
        return f"hangs: it has looked after nothing for {status['turned']:.0f} s"
    return ""


def _state(said: Data, own: Data) -> str:
    if not own:
        return "unknown"
    if own["publishes"] is None:
        return "no tor"
    if own["drained"]:
        return "drained"
    if own["holds"]:
        return "holds"
    return "publishes" if own["publishes"] else "stands by"


def keeper_troubles(row: Data) -> t.Iterator[str]:
    """What is wrong with the keepers of a service, a sentence each."""
    told = set()
    for replica in row["replicas"]:
        keeper, host = replica["keeper"], replica["host"]
        for trouble in _troubles(replica, keeper) if keeper else ():
            if (host, trouble) not in told:
                told.add((host, trouble))
                yield f"keeper of host '{host}': {trouble}"


def _troubles(replica: Data, keeper: Data) -> t.Iterator[str]:
    if keeper["error"]:
        # that a host is gone is said of its daemons
        if keeper["error"] not in (OUTSIDE, UNREACHABLE):
            yield keeper["error"]
        return
    if keeper["state"] == "no tor" and replica["runs"]:
        yield f"daemon '{replica['daemon']}' runs and does not answer it"
    if keeper["targets"] is False:
        yield "the service's targets on its host do not answer it"
    if keeper["hsdirs_answer"] is False:
        yield "no HSDir answered it last; its own Tor is at fault, and it takes nothing over"


def keeper_redacted(keeper: t.Optional[Data]) -> t.Optional[Data]:
    """The row for showing around; an error may hold anything."""
    if keeper is None or keeper["error"] in ("", OUTSIDE, UNREACHABLE, FORGOTTEN, STALE):
        return keeper
    return {**keeper, "error": "does not run, or hangs"}
