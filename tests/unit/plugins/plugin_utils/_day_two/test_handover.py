# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.handover import (
    concerned,
    handover,
    left_out,
    still_held,
    taken_away,
)


def replica(host, hsdirs=0, circuits=3, daemon="aw1"):
    return {"host": host, "daemon": daemon, "runs": bool(circuits), "introduction_circuits": circuits, "hsdirs": hsdirs}


def backend(host, hsdirs=8, state="up", circuits=6):
    return {**replica(host, hsdirs, circuits, "ab1"), "state": state}


def publisher(host, hsdirs=0, runs=True):
    return {"host": host, "runs": runs, "hsdirs": hsdirs}


def row(name="a", replicas=(), backends=(), publishers=()):
    return {
        "name": name,
        "address": f"{name}.onion",
        "hsdirs": {"responsible": 8},
        "replicas": [*replicas],
        "backends": [*backends],
        "publishers": [*publishers],
    }


def moves(*rows, going):
    return handover({"services": [*rows]}, going)


def test_a_replica_that_stays_publishes_and_those_that_go_stand_by():
    found = moves(
        row(replicas=[replica("web1", 8), replica("web2"), replica("web3")]),
        row("b", [replica("web4", 8)]),
        going=["web1/aw1"],
    )
    assert found["publish"] == {"web2": ["aw1"]}
    assert found["standby"] == found["drain"] == {"web1": ["aw1"]}
    assert (found["stood_by"], found["left_out"], found["addresses"], found["lost"]) == (
        ["web1/aw1"],
        [],
        ["a.onion"],
        [],
    )


def test_one_that_stays_and_has_all_visitors_publishes_too():
    """The descriptor of the next time period, which nobody reads yet, may be of one that goes."""
    found = moves(row(replicas=[replica("web1"), replica("web2"), replica("web3", 8)]), going=["web1/aw1"])
    assert (found["publish"], found["standby"]) == ({"web3": ["aw1"]}, {"web1": ["aw1"]})


def test_the_one_that_most_are_sent_to_stands_in_and_no_dead_one():
    rows = row(replicas=[replica("web1", 3), replica("web2", circuits=0), replica("web3"), replica("web4", 5)])
    assert moves(rows, going=["web1/aw1"])["publish"] == {"web4": ["aw1"]}


def test_backends_are_left_out_and_drained():
    rows = row(backends=[backend("app1"), backend("app2")], publishers=[publisher("app1", 8), publisher("pub2")])
    found = moves(rows, going=["app1/ab1", "app1/onionpublisher"])
    assert (found["publish"], found["standby"], found["drain"], found["left_out"]) == (
        {},
        {},
        {"app1": ["ab1"]},
        ["app1/ab1"],
    )
    assert found["addresses"] == ["a.onion"]


def test_a_publisher_alone_takes_no_visitors_along():
    rows = row(backends=[backend("app1")], publishers=[publisher("pub1", 8), publisher("pub2")])
    found = moves(rows, going=["pub1/onionpublisher"])
    assert (found["drain"], found["addresses"], found["lost"]) == ({}, [], [])


def test_a_service_that_nobody_else_can_serve_stops_it():
    rows = [
        row(replicas=[replica("web1", 8), replica("web2", circuits=0)]),
        row("b", backends=[backend("app1"), backend("app2", state="down")], publishers=[publisher("pub1")]),
        row("c", backends=[backend("app1"), backend("app2")], publishers=[publisher("pub1", runs=False)]),
    ]
    lost = moves(*rows, going=["web1/aw1", "app1/ab1"])["lost"]
    assert [sentence.split(":")[0] for sentence in lost] == ["service 'a'", "service 'b'", "service 'c'"]
    assert "web1/aw1 must stay" in lost[0]


def test_a_service_that_was_meant_to_have_one_instance_is_left_as_it_is():
    found = moves(
        row(replicas=[replica("web1", 8)]),
        row("b", backends=[backend("app1")], publishers=[publisher("pub1")]),
        going=["web1/aw1", "app1/ab1"],
    )
    assert (found["lost"], found["standby"], found["drain"], found["left_out"], found["addresses"]) == (
        [],
        {},
        {},
        [],
        [],
    )


def test_a_shared_daemon_is_not_drained_for_the_sake_of_one_of_its_services():
    shared = [row("a", [replica("web1", 8), replica("web2")]), row("b", [replica("web1", 8)])]
    found = moves(*shared, going=["web1/aw1"])
    assert (found["standby"], found["drain"], found["publish"]) == ({"web1": ["aw1"]}, {}, {"web2": ["aw1"]})


def test_between_the_layouts():
    """Replicas go and publishers stay, and the other way round."""
    both = row(replicas=[replica("web1", 8)], backends=[backend("app1", 0)], publishers=[publisher("pub1")])
    found = moves(both, going=["web1/aw1"])
    assert (found["publish"], found["standby"], found["lost"]) == ({}, {"web1": ["aw1"]}, [])
    found = moves(both, going=["app1/ab1", "pub1/onionpublisher"])
    assert (found["publish"], found["left_out"]) == ({"web1": ["aw1"]}, ["app1/ab1"])
    stopped = row(replicas=[replica("web1", 8)], backends=[backend("app1", 0)])
    assert moves(stopped, going=["app1/ab1"])["publish"] == {"web1": ["aw1"]}


def test_what_hsdirs_still_hold():
    found = still_held({"services": [row(replicas=[replica("web1", 3), replica("web2", 5)])]}, ["web1/aw1"])
    assert found == {"any": ["service 'a': 3 of 8 HSDirs lead to web1/aw1"], "many": []}
    found = still_held({"services": [row(replicas=[replica("web1", 5), replica("web2", 3)])]}, ["web1/aw1"])
    assert found["many"] == found["any"] != []
    alone = still_held({"services": [row(replicas=[replica("web1", 8)])]}, ["web1/aw1"])
    assert alone == {"any": [], "many": []}, "nobody waits for what cannot be"


def test_who_is_to_be_asked():
    services = {
        "a": {
            "state": "present",
            "replicas": [{"host": "web1", "daemon": "aw1"}, {"host": "web2", "daemon": "aw1"}],
            "backends": [],
            "publishers": [],
        },
        "b": {
            "state": "present",
            "replicas": [],
            "backends": [{"host": "web1", "daemon": "bb1"}],
            "publishers": [{"host": "pub1"}],
        },
        "c": {"state": "absent", "replicas": [{"host": "web1", "daemon": "aw1"}], "backends": [], "publishers": []},
    }
    found = concerned(services, ["web1/aw1"])
    assert list(found["services"]) == ["a"]
    assert (found["daemons"], found["going"], found["publishers"]) == (
        {"web1": ["aw1"], "web2": ["aw1"]},
        {"web1": ["aw1"]},
        [],
    )
    found = concerned(services, ["pub1/onionpublisher"])
    assert (list(found["services"]), found["going"], found["publishers"]) == (["b"], {}, ["pub1"])


def of_host(publisher=(), keeper=()):
    """A host's slice of the plan: instances, with whether they are drained."""
    return {
        "publisher": {
            "services": [
                {"name": "a", "instances": [{"name": name, "drained": drained} for name, drained in publisher]}
            ]
        },
        "keeper": {
            "services": [{"name": "b", "daemons": [{"replica": name, "drained": drained} for name, drained in keeper]}]
        },
    }


def test_what_a_stopped_run_took_away_and_the_plan_did_not():
    hosts = {
        "pub1": of_host([("app1/ab1", False), ("app2/ab1", True)]),
        "web1": of_host(keeper=[("web1/bw1", False), ("web1/bw2", False)]),
        "web2": of_host(keeper=[("web2/bw1", True)]),
    }
    found = ["app1/ab1", "app2/ab1", "gone/ab1", "web1/bw1", "web2/bw1"]
    assert taken_away({**hosts, "web3": {"publisher": None, "keeper": None}}, found) == ["app1/ab1", "web1/bw1"]


def test_publishers_and_keepers_leave_more_out_meanwhile():
    part = of_host([("app1/ab1", False), ("app2/ab1", True), ("app3/ab1", False)], [("web1/bw1", False)])
    told = left_out({**part["publisher"], "settings": {}}, ["app1/ab1"])
    assert [each["drained"] for each in told["services"][0]["instances"]] == [True, True, False]
    assert [each["drained"] for each in part["publisher"]["services"][0]["instances"]] == [False, True, False]
    kept = left_out(part["keeper"], ["web1/bw1"])
    assert kept == of_host(keeper=[("web1/bw1", True)])["keeper"]
