# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""_publish_now."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.publish_now import publish_now


def replica(host, hsdirs=0, circuits=3, daemon="aw1", keeper=None, targets=True):
    return {"host": host, "daemon": daemon, "introduction_circuits": circuits, "hsdirs": hsdirs,
            "keeper": keeper and {"state": keeper, "targets": targets}}


def row(name="a", replicas=(), publishers=(), troubles=()):
    return {
        "name": name,
        "replicas": [*replicas],
        "publishers": [{"host": host, "runs": runs} for host, runs in publishers],
        "troubles": [*troubles],
    }


def chosen(*rows, names=(), unpublished=("a",)):
    return publish_now({"services": [*rows], "unpublished": [*unpublished]}, names)


@pytest.mark.parametrize(
    ("replicas", "host"),
    [
        ([replica("web1"), replica("web2", 3), replica("web3", 8, circuits=0)], "web2"),
        ([replica("web1", 3, keeper="stands by"), replica("web2", keeper="holds")], "web2"),
        (
            [
                replica("web1", 8, keeper="drained"),
                replica("web2", 8, keeper="holds", targets=False),
                replica("web3", keeper="stands by"),
            ],
            "web3",
        ),
    ],
)
def test_one_replica_that_could_serve(replicas, host):
    assert chosen(row(replicas=replicas)) == {"daemons": {host: ["aw1"]}, "publishers": [], "faults": []}


def test_of_a_softmap_one_publisher_that_runs():
    rows = [row(publishers=[("pub1", False), ("pub2", True)]), row("b", publishers=[("pub2", True), ("pub3", True)])]
    assert chosen(*rows, unpublished=["a", "b"]) == {"daemons": {}, "publishers": ["pub2"], "faults": []}


def test_those_that_are_named_else_those_that_are_not_published():
    rows = [row(replicas=[replica("web1")]), row("b", [replica("web1", daemon="bw1")]), row("c", [replica("web1")])]
    assert chosen(*rows, unpublished=[]) == {"daemons": {}, "publishers": [], "faults": []}
    assert chosen(*rows, names=["b", "c", "a", "b"], unpublished=[])["daemons"] == {"web1": ["bw1", "aw1"]}


def test_all_faults_at_once():
    found = chosen(
        row("newsroom", [replica("web1", circuits=0)], troubles=["web1 is down"]), names=["newsrom", "newsroom"]
    )
    assert found["faults"] == [
        "onion_publish: no service is named 'newsrom' (did you mean 'newsroom'?)",
        "service 'newsroom': none of its hosts could publish it; web1 is down",
    ]
