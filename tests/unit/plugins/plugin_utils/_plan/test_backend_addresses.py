# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a publisher has the addresses of backends from: their tors, or what publishers are configured with."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.backend_addresses import moved, with_addresses
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan

GROUPS = {"all": ["pub1", "pub2", "pub3", "app1", "app2"], "pub": ["pub1", "pub2"], "app": ["app1", "app2"]}
PORTS = [{"port": 80, "target": "127.0.0.1:8080"}]


def made_plan():
    """The real one. pub3 publishes another service with the same backends."""
    services = [
        {"name": name, "layout": "softmap", "publishers": publishers, "backends": "app", "ports": PORTS}
        for name, publishers in (("archive", "pub"), ("library", "pub3"))
    ]
    addresses = {"archive": "front", "library": "other front"}
    return make_plan(Declaration(services=services, groups=GROUPS, addresses=addresses, drained=["app2"]))


PLAN = made_plan()


def planned():
    """What a host publishes."""
    return made_plan().hosts["pub1"]["publisher"]["services"]


def found(address, *, daemon="archiveb1", directory="archive-backend"):
    """What onion_descriptor_info says of a daemon."""
    service = {"directory": directory, "address": address}
    return {"daemons": [{"name": daemon, "error": None, "services": [service]}], "failed": False}


def configured(*instances, service="archive"):
    """What onionbalance_info says."""
    entries = [{"name": name, "address": address, "drained": False} for name, address in instances]
    return {"configured": [{"name": service, "instances": entries}], "status": None, "error": ""}


def addresses(own, told):
    (service,) = with_addresses(planned(), own, told, PLAN.services)
    return {instance["name"]: instance["address"] for instance in service["instances"]}


def test_the_services_are_those_of_the_plan_in_its_order():
    before = planned()
    (service,) = with_addresses(before, {"app1": found("one"), "app2": found("two")}, {}, PLAN.services)
    assert service == {
        "name": "archive",
        "address": "front",
        "port": 80,
        "instances": [
            {"name": "app1/archiveb1", "address": "one", "drained": False},
            {"name": "app2/archiveb1", "address": "two", "drained": True},
        ],
    }
    assert before == planned(), "the plan stays as it is"


@pytest.mark.parametrize(
    "lost",
    [
        {},
        {"app2": {}},
        {"app2": {"unreachable": True, "msg": "x"}},
        {"app2": {"failed": False, "msg": "no control"}},
        {"app2": {"skipped": True}},
        {"app2": {"daemons": [{"name": "archiveb1", "error": "silent", "services": []}]}},
        {"app2": found("of another service", directory="library-backend")},
        {"app2": found("of another daemon", daemon="archiveb2")},
    ],
    ids=["outside of the run", "not looked at", "unreachable", "failed", "skipped", "silent", "elsewhere", "another"],
)
def test_of_a_backend_that_is_lost_the_address_is_what_a_publisher_has(lost):
    told = {"pub1": configured(("app1/archiveb1", "old"), ("app2/archiveb1", "two"))}
    assert addresses({"app1": found("one"), **lost}, told) == {"app1/archiveb1": "one", "app2/archiveb1": "two"}


@pytest.mark.parametrize(
    "silent", [{}, {"unreachable": True}, {"configured": [], "error": "torn"}, configured(("app2/archiveb1", None))]
)
def test_any_publisher_will_do(silent):
    knows = configured(("app2/archiveb1", "two"))
    for told in ({"pub1": silent, "pub2": knows}, {"pub1": knows, "pub2": silent}):
        assert addresses({"app1": found("one")}, told)["app2/archiveb1"] == "two"


def test_what_nobody_knows_is_none():
    told = {"pub1": configured(("app2/archiveb1", "of another service"), service="library")}
    assert addresses({"app1": found("one")}, told) == {"app1/archiveb1": "one", "app2/archiveb1": None}
    assert addresses({}, {}) == {"app1/archiveb1": None, "app2/archiveb1": None}


def test_a_backend_that_left_the_declaration_is_not_brought_back():
    told = {"pub1": configured(("app9/archiveb1", "nine"), ("app2/archiveb1", "two"))}
    assert list(addresses({"app1": found("one")}, told)) == ["app1/archiveb1", "app2/archiveb1"]


@pytest.mark.parametrize("host", ["pub3", "app1", "stranger"])
def test_a_host_is_not_believed_about_a_service_that_it_does_not_publish(host):
    lie, truth = configured(("app2/archiveb1", "evil")), configured(("app2/archiveb1", "two"))
    assert addresses({"app1": found("one")}, {host: lie})["app2/archiveb1"] is None
    for told in ({host: lie, "pub2": truth}, {"pub2": truth, host: lie}):
        assert addresses({"app1": found("one")}, told)["app2/archiveb1"] == "two"


def test_of_a_service_that_is_not_in_the_plan_nobody_is_believed():
    told = {"pub1": configured(("app2/archiveb1", "two"))}
    assert [each["address"] for each in with_addresses(planned(), {}, told, {})[0]["instances"]] == [None, None]


def test_a_host_is_believed_about_its_own_backends_only():
    names = ("app2/archiveb1", "../app2/archiveb1", "archiveb2")
    lies = [daemon for name in names for daemon in found("evil", daemon=name)["daemons"]]
    told = addresses({"app1": {"daemons": lies}, "app2": found("two")}, {})
    assert told == {"app1/archiveb1": None, "app2/archiveb1": "two"}


def test_a_backend_that_moved_is_told():
    (sentence,) = moved(planned(), [{"app1": found("new")}], configured(("app1/archiveb1", "old")))
    assert sentence == (
        "service 'archive': backend 'app1/archiveb1' has the address new, and had old, though nobody renewed it; "
        "unless you installed its host anew, somebody else may have it (docs/compromised.md)"
    )


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"app1": found("one")}, configured(("app1/archiveb1", "one"))),
        ({"app1": found("one")}, configured()),
        ({"app1": found("one")}, configured(("app1/archiveb1", None))),
        ({"app1": found("one")}, configured(("app1/archiveb1", "old"), service="library")),
        ({"app1": found("one")}, {"unreachable": True}),
        ({"app1": found("one", directory="library-backend")}, configured(("app1/archiveb1", "old"))),
        ({"app1": {"unreachable": True}}, configured(("app1/archiveb1", "old"))),
        ({}, configured(("app1/archiveb1", "old"))),
        ({"app9": found("one")}, configured(("app9/archiveb1", "old"))),
        ({"app2": found("renewed")}, configured(("app2/archiveb1", "old"))),
    ],
    ids=[
        "the same",
        "new",
        "never known",
        "of another service",
        "publisher lost",
        "elsewhere",
        "lost",
        "outside of the run",
        "unplanned",
        "drained",
    ],
)
def test_others_have_not_moved(own, told):
    assert moved(planned(), [own], told) == []


def test_of_backends_that_say_what_they_cannot_have_the_address_is_what_a_publisher_has():
    told = {"pub1": configured(("app1/archiveb1", "one"))}
    for own, address in (({"app1": found("front")}, "front"), ({"app1": found("two"), "app2": found("two")}, "two")):
        assert addresses(own, told) == {"app1/archiveb1": "one", "app2/archiveb1": None}
        sentences = moved(planned(), [own], told["pub1"])
        assert len(sentences) == len(own) and all("which is not taken over" in each for each in sentences), address
    assert (
        "backend 'app1/archiveb1' says the address of the service itself"
        in moved(planned(), [{"app1": found("front")}], {})[0]
    )


def test_what_a_backend_said_when_its_publisher_was_configured_counts_whatever_it_says_later():
    then, later = {"app1": found("evil")}, {"app1": found("one")}
    (sentence,) = moved(planned(), [then, later], configured(("app1/archiveb1", "one")))
    assert "has the address evil, and had one" in sentence
