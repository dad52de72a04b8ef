# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keeper tells in Prometheus's text format. Pure.

    metrics(status)     text of metrics.prom, made from what the status socket answers
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.onionfleet.balance.plugins.module_utils._programs import outlets

PREFIX = "onionfleet_keeper_"
_FAMILIES = {
    "service_answers": ("gauge", "Whether the last request to the service through Tor was answered"),
    "targets_answer": ("gauge", "Whether the service's targets on this host answer"),
    "hsdirs_answer": ("gauge", "Whether an HSDir answered the last reading: our own Tor works"),
    "probes_total": ("counter", "Requests to the service through Tor by their result"),
    "drained": ("gauge", "Whether the replica takes no turns on purpose"),
    "holds": ("gauge", "Whether clients get this replica's descriptor"),
    "ready": ("gauge", "Whether the replica's daemon could serve"),
    "publications_total": ("counter", "Publications that the keeper ordered"),
    "descriptor_changed_timestamp_seconds": (
        "gauge",
        "When the descriptor that clients get was published, as far as seen",
    ),
}


def metrics(status: Mapping[str, Any]) -> str:
    """Prometheus text format."""
    return outlets.exposition(PREFIX, _FAMILIES, _samples(status))


def _samples(status: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], float]]:
    for one in status["services"]:
        label = {"service": one["name"]}
        for name, value in (
            ("service_answers", one["answers"]),
            ("targets_answer", one["targets"]),
            ("hsdirs_answer", one["hsdirs_answer"]),
        ):
            if value is not None:
                yield name, label, value
        for result, count in one["probes"].items():
            yield "probes_total", {**label, "result": result}, count
        for replica in one["replicas"]:
            labels = {**label, "replica": replica["name"]}
            yield "drained", labels, replica["drained"]
            yield "holds", labels, bool(replica["holds"])
            yield "ready", labels, replica["ready"]
            yield "publications_total", labels, replica["publications"]
            if replica["changed"] is not None:
                yield "descriptor_changed_timestamp_seconds", labels, replica["changed"]
