# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the publisher tells: as data for the status socket, and in Prometheus's text format. Pure.

    metrics(status, counters)       text of metrics.prom, made from what the status socket answers
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.onionfleet.balance.plugins.module_utils._programs import outlets

PREFIX = "onionfleet_publisher_"
Counters = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]  # value by name and labels

# name: (type, help)
_FAMILIES = {
    "tor_connected": ("gauge", "Whether the control socket of the publisher's tor answers"),
    "tor_consensus": ("gauge", "Whether that tor has a consensus that is live"),
    "introduction_points": ("gauge", "Introduction points in the descriptor"),
    "backend_up": ("gauge", "Whether probes of the backend succeed; absent until that is known"),
    "backend_listed": ("gauge", "Whether the descriptor lists the backend"),
    "backend_drained": ("gauge", "Whether the backend is drained on purpose"),
    "backend_failures": ("gauge", "Failed probes of the backend in a row"),
    "backend_answer_seconds": ("gauge", "Time that the backend's last answer to a probe took"),
    "backend_introduction_points": ("gauge", "Usable introduction points in the backend's own descriptor"),
    "backend_descriptor_received_timestamp_seconds": ("gauge", "When the backend's descriptor was last fetched"),
    "descriptor_hsdirs": ("gauge", "Directories that are responsible for the descriptor"),
    "descriptor_uploaded": ("gauge", "Directories that have taken the present descriptor"),
    "descriptor_failed": ("gauge", "Directories that have refused the present descriptor, or did not answer"),
    "descriptor_attempted_timestamp_seconds": ("gauge", "When the descriptor was last uploaded to all directories"),
    "probe_interval_seconds": ("gauge", "Time between two probes of one backend"),
    "probes_suspended": ("gauge", "Whether our own Tor is suspected, so that no backend is evicted"),
    "probes_total": ("counter", "Probes of backends by their result"),
    "fetches_total": ("counter", "Requests for backends' descriptors by their result"),
    "uploads_total": ("counter", "Answers of directories to uploads"),
    "publications_total": ("counter", "Descriptors made and uploaded, by their reason"),
    "evictions_total": ("counter", "Backends that left the descriptor because they did not answer"),
    "returns_total": ("counter", "Backends that came back"),
    "rejected_descriptors_total": ("counter", "Backends' descriptors that could not be used"),
    "tor_connections_total": ("counter", "Connections to the tor's control socket"),
}


def metrics(status: Mapping[str, Any], counters: Counters) -> str:
    """Prometheus text format."""
    counted = ((name, dict(labels), value) for (name, labels), value in sorted(counters.items()))
    return outlets.exposition(PREFIX, _FAMILIES, [*_samples(status), *counted])


def _samples(status: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], float]]:
    yield "tor_connected", {}, status["tor"]["connected"]
    yield "tor_consensus", {}, status["tor"]["consensus"]
    yield "probe_interval_seconds", {}, status["probes"]["interval"]
    yield "probes_suspended", {}, status["probes"]["suspended"]
    for service in status["services"]:
        label = {"service": service["name"]}
        yield "introduction_points", label, service["introduction_points"]
        for one in service["descriptors"]:
            yield from _descriptor(label | {"which": one["which"]}, one)
        for one in service["instances"]:
            yield from _backend(label | {"instance": one["name"]}, one)


def _descriptor(labels: dict[str, str], one: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], float]]:
    for name in ("hsdirs", "uploaded", "failed"):
        yield f"descriptor_{name}", labels, one[name]
    if one["attempted"] is not None:
        yield "descriptor_attempted_timestamp_seconds", labels, one["attempted"]


def _backend(labels: dict[str, str], one: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], float]]:
    if one["state"] in ("up", "down"):
        yield "backend_up", labels, one["state"] == "up"
    yield "backend_listed", labels, one["listed"]
    yield "backend_drained", labels, one["state"] == "drained"
    yield "backend_failures", labels, one["failures"]
    yield "backend_introduction_points", labels, one["introduction_points"]
    if one["last_answer_seconds"] is not None:
        yield "backend_answer_seconds", labels, one["last_answer_seconds"]
    if one["descriptor_received"] is not None:
        yield "backend_descriptor_received_timestamp_seconds", labels, one["descriptor_received"]
