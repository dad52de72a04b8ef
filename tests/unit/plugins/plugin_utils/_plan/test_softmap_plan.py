# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of softmaps and of fleets that mix the layouts."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import daemon_name
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan

GROUPS = {
    "all": ["pub1", "pub2", "app1", "app2", "app3"],
    "pub": ["pub1", "pub2"],
    "app": ["app1", "app2", "app3"],
    "mixed": ["pub1", "app1"],
}
PORTS = [{"port": 80, "target": "127.0.0.1:8080"}]
ADDRESS = "address-of-archive"


def softmap(name="archive", **fields):
    return {"name": name, "layout": "softmap", "publishers": "pub", "backends": "app", "ports": PORTS, **fields}


def hardmap(name="newsroom", **fields):
    return {"name": name, "layout": "hardmap", "replicas": "app", "ports": PORTS, **fields}


def planned(*services, **fields):
    addresses = {entry["name"]: f"address-of-{entry['name']}" for entry in services}
    return make_plan(Declaration(services=list(services), groups=GROUPS, **{"addresses": addresses, **fields}))


def faults(*services, **fields):
    with pytest.raises(OnionfleetError) as caught:
        planned(*services, **fields)
    return caught.value.faults


def daemons(plan, host):
    return {daemon["name"]: daemon for daemon in plan.hosts[host]["daemons"]}


def test_backends_have_keys_of_their_own_and_know_the_address_of_the_service():
    plan = planned(softmap(workers=2))
    assert list(daemons(plan, "app2")) == ["archiveb1", "archiveb2"]
    (entry,) = daemons(plan, "app2")["archiveb1"]["services"]
    assert entry["address"] is None
    assert entry["directory"] == "archive-backend"
    assert entry["onionbalance_frontends"] == [ADDRESS]
    assert entry["introduction_points"] == 6


def test_the_operator_may_want_other_numbers_of_introduction_points():
    plan = planned(softmap(introduction_points=12))
    assert daemons(plan, "app1")["archiveb1"]["services"][0]["introduction_points"] == 12


def test_publishers_list_every_backend_and_run_a_tor_of_their_own():
    plan = planned(
        softmap(workers=2),
        softmap(
            "library", probe={"port": 443}, backends=["app1"], ports=[*PORTS, {"port": 443, "target": "127.0.0.1:8443"}]
        ),
    )
    (archive, library) = plan.hosts["pub2"]["publisher"]["services"]
    assert [instance["name"] for instance in archive["instances"]] == [
        f"app{host}/archiveb{worker}" for host in (1, 2, 3) for worker in (1, 2)
    ]
    assert (archive["address"], archive["port"], library["port"]) == (ADDRESS, 80, 443)
    tor = daemons(plan, "pub2")["onionpublisher"]
    assert tor["socks"] and tor["state"] == "present" and tor["services"] == []
    assert "python3-stem" in plan.hosts["pub2"]["packages"]
    assert "python3-stem" not in plan.hosts["app2"]["packages"]
    assert plan.hosts["app2"]["publisher"] is None


def test_the_summary_says_who_publishes_and_who_answers():
    summary = planned(softmap()).services["archive"]
    assert summary["publishers"] == [{"host": "pub1"}, {"host": "pub2"}]
    assert [row["host"] for row in summary["backends"]] == ["app1", "app2", "app3"]
    assert summary["replicas"] == []


def test_both_layouts_live_side_by_side_and_a_host_may_be_publisher_and_backend():
    plan = planned(hardmap(replicas="mixed"), softmap(publishers="mixed", backends="mixed"))
    assert list(daemons(plan, "app1")) == ["newsroomw1", "archiveb1", "onionpublisher"]
    assert daemons(plan, "app1")["newsroomw1"]["services"][0]["address"] == "address-of-newsroom"


def test_replicas_and_backends_of_one_name_can_run_beside_each_other():
    assert daemon_name("archive", 1, "w") != daemon_name("archive", 1, "b")


def test_a_leaving_softmap_leaves_the_publisher_without_services():
    plan = planned({"name": "archive", "layout": "softmap", "publishers": "pub", "backends": "app", "state": "absent"})
    assert plan.hosts["pub1"]["publisher"]["services"] == []
    assert daemons(plan, "pub1")["onionpublisher"]["state"] == "absent"
    assert daemons(plan, "app1")["archiveb1"]["state"] == "absent"


def test_a_new_service_has_no_address_yet_in_check_mode():
    plan = planned(softmap(), addresses={}, keys_required=False)
    assert daemons(plan, "app1")["archiveb1"]["services"][0]["onionbalance_frontends"] == []
    assert plan.hosts["pub1"]["publisher"]["services"][0]["address"] is None


@pytest.mark.parametrize("drained", [["app2"], ["app2/archiveb1", "app2/archiveb2"]])
def test_backends_are_drained_by_host_or_one_by_one(drained):
    instances = planned(softmap(workers=2), drained=drained).hosts["pub1"]["publisher"]["services"][0]["instances"]
    assert [entry["name"] for entry in instances if entry["drained"]] == ["app2/archiveb1", "app2/archiveb2"]


def test_draining_all_backends_is_refused():
    assert faults(softmap(), drained=["app1", "app2", "app3"]) == [
        "service 'archive': onion_drained: drains all of its backends; leave one"
    ]
    assert "'app9' is no host of backends" in faults(softmap(), drained=["app9"])[0]
    assert "is the text 'app1'; write a list" in faults(softmap(), drained="app1")[0]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"pow": {"enabled": True}}, "pow: proof of work does not pass a publisher"),
        (
            {"authorized_clients": [{"name": "a", "public_key": "A" * 52}]},
            "authorized_clients: a publisher can neither",
        ),
        ({"replicas": "app"}, "replicas: belongs to the layout hardmap"),
        ({"onionbalance_frontends": []}, "onionbalance_frontends: follows from"),
        ({"publishers": None}, "publishers: must name an inventory group"),
        ({"backends": []}, "backends: must name an inventory group"),
        ({"backends": "nowhere"}, "backends: 'nowhere' is neither"),
        ({"workers": 0}, "workers: is the number 0; write a whole number"),
        ({"introduction_points": 2}, "introduction_points"),
        ({"introduction_points": 21}, "introduction_points"),
        ({"daemon": "onionpublisher"}, "daemon: 'onionpublisher' is taken"),
    ],
)
def test_what_a_softmap_cannot_have_is_refused_with_the_way_out(fields, words):
    (fault,) = [fault for fault in faults(softmap(**fields)) if words in fault]
    assert fault.startswith("service 'archive': ")
    assert ";" in fault or ":" in fault


@pytest.mark.parametrize("field", ["publishers", "backends"])
def test_a_hardmap_has_no_publishers_and_no_backends(field):
    assert f"service 'newsroom': {field}: belongs to the layout softmap" in faults(hardmap(**{field: "pub"}))[0]


def test_pow_that_is_off_disturbs_nobody():
    planned(softmap(pow={"enabled": False}))


@pytest.mark.parametrize("layout", [["softmap"], {}, 3, "softmpa"])
def test_a_layout_that_is_none_is_refused(layout):
    assert any("layout: " in fault for fault in faults(softmap(layout=layout)))


def test_what_hangs_by_one_thread_is_mentioned():
    hints = "\n".join(planned(softmap(publishers="pub1", backends="app1"), hardmap(replicas="app1")).hints)
    for words in (
        "'archive' has one publisher only",
        "'archive' (and 'newsroom') has one host only",
        "'archive' has one backend only",
    ):
        assert words in hints
    assert planned(softmap(), hardmap(keeper=True)).hints == []
    assert "one backend" not in "\n".join(planned(softmap(backends="app1", workers=2)).hints)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"introduction_points": 21}, "onion_publisher.introduction_points: is 21"),
        ({"probe_intervall": 3}, "did you mean probe_interval?"),
        ([], "onion_publisher: is"),
        ({"testnet": "perhaps"}, "onion_publisher.testnet"),
    ],
)
def test_settings_of_publishers_are_checked(settings, words):
    assert words in faults(softmap(), publisher=settings)[0]


def test_a_publisher_on_a_testing_network_knows_it():
    network = [{"option": "TestingTorNetwork", "value": "1"}]
    assert planned(softmap(), network_options=network).hosts["pub1"]["publisher"]["settings"] == {"testnet": True}
    assert planned(softmap(), publisher={"probe_interval": 9}).hosts["pub1"]["publisher"]["settings"] == {
        "probe_interval": 9
    }
