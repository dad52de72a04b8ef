# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.rolling import roll_batches, worse


def due(*daemons, publisher=False, everything=False):
    return {"daemons": [*daemons], "publisher": publisher, "all": everything}


def row(name, replicas=(), backends=(), publishers=(), holder=None, **fields):
    return {
        "name": name,
        "holder": holder and {"host": holder},
        "published": True,
        "answer": {"requests": 2, "answered": 2},
        "troubles": [],
        "replicas": [{"host": host, "daemon": f"{name}w1", "runs": True} for host in replicas],
        "backends": [{"host": host, "daemon": f"{name}b1", "runs": True, "state": "up"} for host in backends],
        "publishers": [{"host": host, "runs": True} for host in publishers],
        **fields,
    }


def batches(found):
    rows = {}
    for each in found:
        rows.setdefault(each["batch"], []).append(each["host"])
    return [rows[number] for number in sorted(rows)]


def test_hosts_that_share_a_service_follow_one_another_the_holder_last():
    status = {"services": [row("a", ["web1", "web2", "web3"], holder="web1")]}
    found = roll_batches({host: due("aw1") for host in ("web1", "web2", "web3")}, status)
    assert batches(found) == [["web2"], ["web3"], ["web1"]]
    assert found[0] == {"host": "web2", "batch": 1, "going": ["web2/aw1"], "sizes": [1, 1, 1]}


def test_others_go_at_the_same_time():
    status = {
        "services": [
            row("a", ["web1", "web2"], holder="web2"),
            row("b", backends=["app1", "app2"], publishers=["pub1"], holder="pub1"),
        ]
    }
    wanted = {
        "web1": due("aw1"),
        "web2": due("aw1"),
        "app1": due("bb1"),
        "app2": due("bb1"),
        "pub1": due(publisher=True),
    }
    found = roll_batches(wanted, status)
    assert batches(found) == [["web1", "app1"], ["app2"], ["web2", "pub1"]] or batches(found) == [
        ["web1", "app1"],
        ["app2", "web2"],
        ["pub1"],
    ]
    assert found[-1]["going"] == ["pub1/onionpublisher"]


def test_only_what_goes_counts():
    """Two hosts share a service, and daemons of other ones are restarted."""
    status = {"services": [row("a", ["web1", "web2"]), row("b", ["web1"]), row("c", ["web2"])]}
    assert batches(roll_batches({"web1": due("bw1"), "web2": due("cw1")}, status)) == [["web1", "web2"]]
    assert batches(roll_batches({"web1": due(everything=True), "web2": due("cw1")}, status)) == [["web1", "web2"]]
    assert batches(roll_batches({"web1": due(everything=True), "web2": due(everything=True)}, status)) == [
        ["web1"],
        ["web2"],
    ]


def test_everything_of_a_host_is_all_its_instances():
    status = {"services": [row("a", ["web1", "web2"]), row("b", backends=["web1"], publishers=["web1"])]}
    (found,) = roll_batches({"web1": due(everything=True)}, status)
    assert found["going"] == ["web1/aw1", "web1/bb1", "web1/onionpublisher"]
    (probing,) = roll_batches({"watch1": due(everything=True)}, status)
    assert (probing["host"], probing["sizes"]) == ("watch1", [1])


def test_nothing_due():
    assert roll_batches({}, {"services": []}) == []
    assert roll_batches({"web1": due()}, {"services": []}) == []


def test_worse_is_what_was_well_and_no_new_words_for_an_old_trouble():
    before = {
        "services": [
            row("a", ["web1"]),
            row("b", backends=["app1"], publishers=["pub1"], answer={"requests": 2, "answered": 1}, troubles=["x"]),
        ]
    }
    assert worse(before, copy.deepcopy(before)) == []
    now = copy.deepcopy(before)
    now["services"][1].update(answer={"requests": 2, "answered": 0}, troubles=["y"])
    assert worse(before, now) == []
    now["services"][0].update(answer={"requests": 2, "answered": 1}, troubles=["z"], published=False)
    now["services"][0]["replicas"][0]["runs"] = False
    now["services"][1]["backends"][0]["state"] = "down"
    now["services"][1]["publishers"][0]["runs"] = False
    assert worse(before, now) == [
        "service 'a': not any more: a quorum of HSDirs holds its descriptor, all requests are answered,"
        " web1/aw1 runs (z)",
        "service 'b': not any more: app1/bb1 is up, pub1 publishes (y)",
    ]


def test_a_service_that_nobody_could_ask_is_not_worse():
    before = {"services": [row("a", ["web1"], answer=None)]}
    assert worse(before, copy.deepcopy(before)) == []
    assert worse(before, {"services": []}) == []
