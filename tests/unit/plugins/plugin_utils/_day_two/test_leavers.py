# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""_leavers with what it stands on, _there and _leaving."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.leavers import find_leavers
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.admission import distrust
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.drift import left_behind

ADDRESS = {name: letter * 55 + "d.onion" for name, letter in (("shop", "a"), ("news", "b"), ("other", "c"))}
PORTS = [{"port": 80, "target": "127.0.0.1:80"}]
HARD = {"name": "shop", "layout": "hardmap", "replicas": ["web1", "web2"], "ports": PORTS}
SOFT = {"name": "shop", "layout": "softmap", "publishers": ["pub1"], "backends": ["web1", "web2"], "ports": PORTS}


def plan(*services, **more):
    groups = {"all": ["web1", "web2", "web3", "pub1", "pub2"]}
    return make_plan(
        Declaration(services=list(services), groups=groups, addresses=ADDRESS, probe_hosts=["web1"], **more)
    ).as_dict()


def deployed(planned):
    """Hosts as they are after a deployment of a plan."""
    there = {}
    for host in ("web1", "web2", "web3", "pub1", "pub2"):
        slice_ = planned["hosts"].get(host, {"daemons": [], "publisher": None})
        daemons = [
            {
                "name": daemon["name"],
                "managed": True,
                "running": True,
                "single_hop": any(service.get("single_hop") is True for service in daemon["services"]),
                "services": [
                    _service(host, daemon, service) for service in daemon["services"] if service["state"] == "present"
                ],
            }
            for daemon in slice_["daemons"]
            if daemon["state"] == "present"
        ]
        publisher = slice_["publisher"] and {
            "running": True,
            "services": [
                {"name": service["name"], "configured": True, "address": service["address"]}
                for service in slice_["publisher"]["services"]
            ],
        }
        there[host] = {"daemons": daemons, "publisher": publisher, "keeper": None, "installed": bool(daemons)}
    return there


def _service(host, daemon, service):
    frontends = service.get("onionbalance_frontends", [])
    own = f"{host}{daemon['name']}.onion" if frontends else service["address"]
    return {
        "name": service["name"],
        "directory": service["directory"],
        "address": own,
        "frontends": frontends,
        "clients": len(service.get("authorized_clients", [])),
    }


def without_services(name):
    return {"name": name, "managed": True, "running": True, "single_hop": False, "services": []}


def retire(**what):
    return {"daemons": [], "services": [], "keys": [], "publisher": False, "keeper": False, "host": False, **what}


NONE = {
    "hosts": {},
    "services": {},
    "switching": [],
    "lost": [],
    "orphans": [],
    "hints": [],
    "faults": {"deploy": [], "switch": [], "retire": []},
}


def without_handing(found):
    return {key: value for key, value in found.items() if key != "handing"}


@pytest.mark.parametrize("service", [HARD, SOFT])
def test_nothing_leaves_a_deployed_fleet(service):
    planned = plan(service)
    assert without_handing(find_leavers(deployed(planned), planned)) == NONE


def test_a_replica_leaves_with_its_host():
    found = find_leavers(deployed(plan(HARD)), plan({**HARD, "replicas": ["web1"]}))
    services = {"shop": {"replicas": ["web2/shopw1"], "backends": [], "publishers": []}}
    assert without_handing(found) == {
        **NONE,
        "hosts": {"web2": retire(daemons=["shopw1"], host=True)},
        "services": services,
    }


def test_a_worker_leaves_and_its_host_stays():
    found = find_leavers(deployed(plan({**HARD, "workers": 2})), plan(HARD))
    assert found["hosts"] == {host: retire(daemons=["shopw2"]) for host in ("web1", "web2")}
    assert found["services"]["shop"]["replicas"] == ["web1/shopw2", "web2/shopw2"]


def test_a_keeper_leaves_with_its_tor_when_its_last_service_is_switched():
    kept = {**HARD, "keeper": True}
    there, after = deployed(plan(kept)), plan(SOFT)
    for host in ("web1", "web2"):
        there[host]["keeper"] = {"running": False, "services": ["shop"]}
    found = find_leavers(there, after, only=["shop"])
    assert found["hosts"] == {host: retire(daemons=["onionkeeper", "shopw1"], keeper=True) for host in ("web1", "web2")}
    there["web1"]["keeper"]["services"].append("news")
    assert find_leavers(there, after, only=["shop"])["hosts"]["web1"] == retire(daemons=["shopw1"])


def test_a_publisher_leaves_with_its_tor_and_the_host():
    before, after = deployed(plan(SOFT)), plan({**SOFT, "publishers": ["pub2"]})
    found = find_leavers(before, after)
    assert found["hosts"] == {"pub1": retire(daemons=["onionpublisher"], keys=["shop"], publisher=True, host=True)}
    assert found["services"] == {"shop": {"replicas": [], "backends": [], "publishers": ["pub1"]}}
    assert found["faults"]["retire"] == [
        "service 'shop': none of its planned publishers runs, so that it would lose its last living instance; "
        "deploy first, or say -e retire_last=true"
    ]
    both = {**before, "pub2": deployed(after)["pub2"]}
    assert find_leavers(both, after)["faults"]["retire"] == []


def test_a_key_leaves_a_publisher_that_has_other_services():
    news = {**SOFT, "name": "news"}
    there, after = deployed(plan(SOFT, news)), plan({**SOFT, "publishers": ["pub2"]}, news)
    there["pub2"]["publisher"] = {"running": True, "services": []}
    found = find_leavers(there, after)
    assert found["hosts"] == {"pub1": retire(keys=["shop"])}
    assert found["faults"]["retire"] == [
        "service 'shop': the publisher of host 'pub1' still publishes it beside others; deploy first, or "
        "retire these, too"
    ]
    there["pub1"]["publisher"]["services"][0]["configured"] = False
    assert find_leavers(there, after)["faults"]["retire"] == []


def test_a_service_leaves_a_shared_daemon():
    shop, news = {**HARD, "daemon": "small"}, {**HARD, "name": "news", "daemon": "small"}
    found = find_leavers(deployed(plan(shop, news)), plan({**shop, "replicas": ["web1"]}, news))
    gone = {"daemon": "small", "name": "shop", "directory": "shop"}
    assert found["hosts"] == {"web2": retire(services=[gone])}


def test_an_absent_service_leaves_everywhere_and_its_last_instance_is_no_fault():
    there = deployed(plan(SOFT))
    found = find_leavers(there, plan({**SOFT, "state": "absent"}))
    assert set(found["hosts"]) == {"web1", "web2", "pub1"} and found["faults"] == NONE["faults"]
    # after a deployment only keys are left, in folders that nobody is configured with
    for host in ("web1", "web2"):
        there[host]["daemons"][0].update(managed=False, running=False)
        there[host]["daemons"][0]["services"][0]["name"] = None
    again = find_leavers(there, plan({**SOFT, "state": "absent"}))
    assert again["hosts"] == found["hosts"] and again["services"]["shop"]["backends"] == []


@pytest.mark.parametrize(
    ("before", "after", "kinds"), [(HARD, SOFT, {"replicas"}), (SOFT, HARD, {"backends", "publishers"})]
)
def test_another_layout_is_refused_and_named(before, after, kinds):
    there, planned = deployed(plan(before)), plan(after)
    found = find_leavers(there, planned)
    assert (
        found["switching"] == ["shop"]
        and {kind for kind, places in found["services"]["shop"].items() if places} == kinds
    )
    (fault,) = found["faults"]["deploy"]
    assert fault.startswith("service 'shop': layout: is ") and "playbook onionfleet.balance.switch" in fault
    assert (
        "web1/shop" in fault
        and ("publisher of pub1" in fault) == ("publishers" in kinds)
        and found["faults"]["switch"] == []
    )


def test_a_layout_whose_daemons_are_gone_is_none():
    there = deployed(plan(HARD))
    for host in ("web1", "web2"):
        there[host]["daemons"] = []
    assert find_leavers(there, plan(SOFT))["switching"] == []


def test_a_key_of_another_layout_is_to_be_switched_and_no_fault():
    there = deployed(plan(HARD))
    for host in ("web1", "web2"):
        there[host]["daemons"][0].update(managed=False, running=False)
        there[host]["daemons"][0]["services"][0]["name"] = None
    found = find_leavers(there, plan(SOFT))
    assert (found["switching"], found["faults"]["deploy"]) == (["shop"], [])
    there = deployed(plan(SOFT))
    there["pub1"]["publisher"]["services"][0]["configured"] = False
    there["web1"]["daemons"], there["web2"]["daemons"] = [], []
    found = find_leavers(there, plan(HARD))
    assert (found["switching"], found["faults"]["deploy"], found["hosts"]["pub1"]["keys"]) == (["shop"], [], ["shop"])


def test_layouts_in_one_shared_daemon_clash():
    hard, soft = {**HARD, "daemon": "small"}, {**SOFT, "daemon": "small"}
    found = find_leavers(deployed(plan(hard)), plan(soft))
    assert len(found["faults"]["switch"]) == 1 and "name another daemon" in found["faults"]["switch"][0]
    assert find_leavers(deployed(plan(hard)), plan({**soft, "daemon": "big"}))["faults"]["switch"] == []


def test_only_some_services_leave_and_hosts_stay():
    news = {**HARD, "name": "news"}
    there, planned = deployed(plan(HARD, news)), plan({**HARD, "replicas": ["web1"]}, {**news, "replicas": ["web1"]})
    found = find_leavers(there, planned, only=["shop"])
    assert found["hosts"] == {"web2": retire(daemons=["shopw1"])} and list(found["services"]) == ["shop"]
    assert find_leavers(there, planned)["hosts"] == {"web2": retire(daemons=["newsw1", "shopw1"], host=True)}
    soft = find_leavers(deployed(plan(SOFT)), plan(HARD), only=["shop"])
    assert soft["hosts"]["pub1"] == retire(daemons=["onionpublisher"], keys=["shop"], publisher=True)
    assert find_leavers(deployed(plan(SOFT)), plan(HARD), only=["news"])["hosts"] == {}


def test_orphans_are_told_and_go_with_the_explicit_word_only():
    there, planned = deployed(plan(HARD, {**SOFT, "name": "news"})), plan(HARD)
    found = find_leavers(there, planned)
    assert found["hosts"] == {} and {(each["host"], each["daemon"], each["service"]) for each in found["orphans"]} == {
        ("web1", "newsb1", "news"),
        ("web2", "newsb1", "news"),
        ("pub1", "onionpublisher", "news"),
    }
    gone = find_leavers(there, planned, undeclared=True)["hosts"]
    assert gone == {
        "web1": retire(daemons=["newsb1"]),
        "web2": retire(daemons=["newsb1"]),
        "pub1": retire(daemons=["onionpublisher"], keys=["news"], publisher=True, host=True),
    }


def test_a_renamed_service_is_known_by_its_address():
    there, planned = deployed(plan(HARD)), plan(HARD)
    planned["services"]["store"] = planned["services"].pop("shop")
    assert find_leavers(there, planned)["orphans"] == []
    moved = copy.deepcopy(there)
    moved["web1"]["daemons"][0]["services"][0]["address"] = "z.onion"
    assert [each["host"] for each in find_leavers(moved, plan(HARD))["orphans"]] == ["web1"]


def test_other_daemons_of_ours_keep_their_host():
    there = deployed(plan(HARD))
    there["web2"]["daemons"].append(without_services("netauth1"))
    assert find_leavers(there, plan({**HARD, "replicas": ["web1"]}))["hosts"]["web2"] == retire(daemons=["shopw1"])


def test_a_keeper_without_replicas_leaves():
    there = deployed(plan(HARD))
    there["web2"]["keeper"] = {"running": True, "services": ["shop"]}
    there["web2"]["daemons"].append(without_services("onionkeeper"))
    assert find_leavers(there, plan(HARD))["hosts"]["web2"] == retire(daemons=["onionkeeper"], keeper=True)


def test_hosts_that_were_not_seen_are_told_and_nobody_living_is_assumed_there():
    liar = {"unreachable": True, "msg": distrust("web4", "onion_host_info", "it is none")}
    there = {**deployed(plan(HARD)), "web1": {"unreachable": True}, "web3": {"failed": True}, "web4": liar}
    found = find_leavers(there, plan({**HARD, "replicas": ["web1"]}))
    assert [hint[:52] for hint in found["hints"]] == [
        "host 'web1': could not be looked at (is not reachabl",
        "host 'web3': could not be looked at (no reason given",
        "host 'web4': could not be looked at (its answer is n",
    ]
    assert len(found["faults"]["retire"]) == 1


def handing(before, after, **more):
    return find_leavers(deployed(before), after, **more)["handing"]


def test_nobody_is_handed_over_where_nobody_leaves():
    planned = plan(HARD)
    assert handing(planned, planned) == {
        "instances": [],
        "services": planned["services"],
        "standby": {},
        "publishers": [],
    }


def test_replicas_hand_over_to_publishers_that_publish():
    # with its publishers up already
    before, after = deployed(plan(HARD)), plan(SOFT)
    for host, found in deployed(after).items():
        before[host] = {**found, "daemons": [*before[host]["daemons"], *found["daemons"]]}
    found = find_leavers(before, after)["handing"]
    assert found["instances"] == ["web1/shopw1", "web2/shopw1"]
    assert (found["standby"], found["publishers"]) == ({"web1": ["shopw1"], "web2": ["shopw1"]}, ["pub1"])
    shop = found["services"]["shop"]
    assert [len(shop[kind]) for kind in ("replicas", "backends", "publishers")] == [2, 2, 1]
    assert shop["replicas"][0] == {"host": "web1", "daemon": "shopw1", "worker": 0, "directory": "shop"}
    assert after["services"]["shop"]["replicas"] == []


def test_backends_hand_over_to_replicas_without_the_publishers_that_go():
    before, after = deployed(plan(SOFT)), plan(HARD)
    for host, found in deployed(after).items():
        before[host]["daemons"] += found["daemons"]
    found = find_leavers(before, after)["handing"]
    assert found["instances"] == ["web1/shopb1", "web2/shopb1"] and found["publishers"] == []
    assert (
        found["services"]["shop"]["publishers"] == []
        and found["services"]["shop"]["backends"][0]["directory"] == "shop-backend"
    )


def test_nobody_hands_over_to_those_who_do_not_run():
    there = deployed(plan(HARD))
    there["web1"]["daemons"][0]["running"] = False
    found = find_leavers(there, plan({**HARD, "replicas": ["web1"]}))
    assert (found["lost"], found["handing"]["instances"]) == (["shop"], [])


def test_what_a_host_still_has_that_left_its_groups():
    before = deployed(plan(HARD, {**SOFT, "name": "news"}, {**HARD, "name": "other"}))
    before["web2"]["daemons"][0].update(managed=False, running=False)
    before["web3"] = {"failed": True}
    found = left_behind(
        before,
        plan({**HARD, "replicas": ["web1"]}, {**SOFT, "name": "news", "publishers": ["web1"], "backends": ["web1"]}),
    )
    assert {host: [each["what"] for each in rows] for host, rows in found.items()} == {
        "web2": [
            "still has the key of service 'shop', which the plan has there no more; run retire",
            "still has daemon 'newsb1' of service 'news', which the plan has there no more; run retire",
            "has daemon 'otherw1' of service 'other', which nobody declares; retire it, or declare it",
        ],
        "pub1": ["still has a publisher of service 'news', which the plan has there no more; run retire"],
        "pub2": [],
    }
    assert {each["kind"] for rows in found.values() for each in rows} == {"undeclared"}


CLIENTS = {"authorized_clients": [{"name": "anna", "public_key": "A" * 51 + "Q"}]}
SINGLE = {"single_hop": True}
WORD = {"lower_protection": True}
OPENED = "service 'shop': authorized_clients: clients are authorized on web1/shopw1"
EXPOSED = "service 'shop': single_hop: the service is anonymous on web1/shopw1"


@pytest.mark.parametrize(("before", "after", "expected"), [
    ({**HARD, **CLIENTS}, SOFT, [OPENED]),
    ({**HARD, **CLIENTS}, {**HARD, "daemon": "small"}, [OPENED]),
    ({**HARD, **CLIENTS}, {**HARD, "directory": "other"}, [OPENED]),
    ({**HARD, **CLIENTS, "replicas": ["web1"]}, {**HARD, "replicas": ["web3"]}, [OPENED]),
    ({**HARD, **CLIENTS}, {**HARD, **CLIENTS, "daemon": "small"}, []),
    ({**HARD, **CLIENTS}, {**SOFT, **WORD}, []),
    ({**HARD, **CLIENTS}, {**SOFT, "state": "absent"}, []),
    (HARD, {**SOFT, **SINGLE}, [EXPOSED]),
    (HARD, {**HARD, **SINGLE, "daemon": "small"}, [EXPOSED]),
    (SOFT, {**HARD, **SINGLE}, [EXPOSED.replace("w1", "b1")]),
    (HARD, {**SOFT, **SINGLE, **WORD}, []),
    ({**HARD, **SINGLE}, {**SOFT, **SINGLE}, []),
    ({**HARD, **SINGLE}, SOFT, []),
    (HARD, SOFT, []),
    ({**HARD, **CLIENTS}, {**HARD, **SINGLE, "daemon": "small"}, [OPENED, EXPOSED]),
    # a host looks itself at what stays in its place
    ({**HARD, **CLIENTS}, {**HARD, **SINGLE}, []),
])  # fmt: skip
def test_what_moves_does_not_lose_its_protection_without_a_word(before, after, expected):
    found = find_leavers(deployed(plan(before)), plan(after))["faults"]
    assert len(found["switch"]) == len(expected)
    assert all(fault.startswith(words) for fault, words in zip(found["switch"], expected)), found
    assert all("say 'lower_protection: true'" in fault for fault in found["switch"])
    assert [fault for fault in found["deploy"] if "layout: is" not in fault] == found["switch"]


@pytest.mark.parametrize(("before", "after"), [(CLIENTS, {}), ({}, SINGLE)])
def test_what_has_been_lowered_with_the_word_is_not_asked_for_it_again(before, after):
    """The word goes once it is deployed, and the old places may still be there then."""
    old, moved = {**HARD, **before, "replicas": ["web1"]}, {**HARD, **after, "replicas": ["web3"]}
    there = deployed(plan(old))
    there["web3"] = deployed(plan(moved))["web3"]
    assert find_leavers(there, plan(moved))["faults"]["deploy"] == []
    there["web3"]["daemons"][-1]["managed"] = False
    assert len(find_leavers(there, plan(moved))["faults"]["deploy"]) == 1
