# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order daemons restart, so that a service keeps the replica that visitors are sent to the longest."""

from __future__ import annotations

import typing as t

Data = t.Dict[str, t.Any]


def restart_order(actions: t.Mapping[str, t.Sequence[Data]]) -> t.List[Data]:
    """The restarts of the fleet, one after another; the daemons that published last come last.

    Replicas of a service share its key, so their revision counters tell whose descriptor is the latest
    (rend-spec-v3, appendix F).

    :param actions: host -> the actions that tor_instances returned there.
    :returns: ``{"host": …, "action": …}`` for each restart.
    """
    restarts = [
        {"host": host, "action": action}
        for host, of_host in actions.items()
        for action in of_host
        if action["action"] == "restart"
    ]
    latest: t.Dict[str, int] = {}
    for restart in restarts:
        for service, revision in _revisions(restart).items():
            latest[service] = max(revision, latest.get(service, 0))
    return sorted(restarts, key=lambda restart: _holds(restart, latest))


def _holds(restart: Data, latest: t.Mapping[str, int]) -> int:
    return sum(revision == latest[service] for service, revision in _revisions(restart).items())


def _revisions(restart: Data) -> t.Dict[str, int]:
    return t.cast("t.Dict[str, int]", restart["action"].get("revisions") or {})
