# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as the modules return them, from two hosts that serve one address."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.admission import distrust
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.status import (
    fleet_status,
    probe_targets,
    redacted,
)
from hypothesis import given, settings
from hypothesis import strategies as st

ADDRESS = "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion"
REPLICAS = [
    {"host": "web1", "daemon": "newsroomw1", "worker": 1},
    {"host": "web1", "daemon": "newsroomw2", "worker": 2},
    {"host": "web2", "daemon": "newsroomw1", "worker": 1},
]


def service(**fields):
    """As plan returns it in ``services``."""
    planned = {"layout": "hardmap", "state": "present", "address": ADDRESS, "replicas": REPLICAS, "ports": [80, 443]}
    return {
        **planned,
        "backends": [],
        "publishers": [],
        "directory": "newsroom",
        "probe": {},
        "pow": False,
        "restricted": False,
        **fields,
    }


def made(name, key, address=ADDRESS):
    """One of ``daemons`` of onion_descriptor_info."""
    entry = {
        "address": address,
        "revision_counter": 7,
        "signing_key": key,
        "introduction_points": ["1" * 40],
        "introduction_circuits": ["1" * 40, "2" * 40, "3" * 40],
        "silent_targets": [],
    }
    return {"name": name, "error": None, "services": [entry]}


def hsdir(key):
    fields = {"fingerprint": "F" * 40, "replica": 1, "age_hours": 0, "introduction_points": ["9" * 40]}
    fields["introduction_keys"] = ["key-of-nobody"]
    if key is None:
        return {**fields, "held": False, "error": "NOT_FOUND", "revision_counter": None, "signing_key": None}
    return {**fields, "held": True, "error": None, "revision_counter": 7, "signing_key": key}


def published(keys, newest, address=ADDRESS):
    """One of ``services`` of onion_descriptor_info."""
    held = sum(key is not None for key in keys)
    summary = {"responsible": len(keys), "held": held, "revision_counter": 7, "newest": newest}
    return {"address": address, **summary, "hsdirs": [hsdir(key) for key in keys]}


def probed(answered=3, errors=None, answered_by=None, name="newsroom"):
    """One of ``targets`` of onion_probe."""
    return {
        "name": name,
        "address": ADDRESS,
        "port": 80,
        "requests": 3,
        "answered": answered,
        "failed": 3 - answered,
        "errors": errors or {},
        "seconds": [1.5] * answered,
        "median": 1.5 if answered else None,
        "answered_by": answered_by or {},
        "body": "",
    }


OWN = {
    "web1": {"changed": False, "daemons": [made("newsroomw1", "key1"), made("newsroomw2", "key2")]},
    "web2": {"changed": False, "daemons": [made("newsroomw1", "key3")]},
}
SERVICES = {"newsroom": service()}
SOUND = fleet_status(SERVICES, OWN, [published(["key3"] * 5 + [None], 5)], [probed(answered_by={"web2": 3})])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"port": 80}),
        ({"ports": [443, 80]}, {"port": 443, "scheme": "https"}),
        ({"probe": {"port": 443, "path": "/health"}}, {"port": 443, "scheme": "https", "path": "/health"}),
        ({"ports": [443], "probe": {"scheme": "tcp"}}, {"port": 443, "scheme": "tcp"}),
        ({"probe": {"status": [200, 401]}}, {"port": 80, "status": [200, 401]}),
    ],
)
def test_what_to_ask_for(fields, expected):
    assert probe_targets({"newsroom": service(**fields)}) == [{"name": "newsroom", "address": ADDRESS, **expected}]


def test_what_cannot_be_asked_is_left_out():
    services = {"gone": service(state="absent"), "locked": service(restricted=True)}
    assert probe_targets(services) == []
    assert [target["name"] for target in probe_targets(services, [ADDRESS])] == ["locked"]


def test_a_restricted_service_that_nobody_could_ask_is_a_trouble():
    locked = {"newsroom": service(restricted=True)}
    found = [published(["key3"] * 6, 6)]
    for credentials, troubles in (([ADDRESS], 1), ([], 0)):
        status = fleet_status(locked, OWN, found, [], credentials=credentials)
        assert status["services"][0]["asked"] == bool(credentials)
        assert (
            len([trouble for trouble in status["troubles"] if "nobody could ask for it through Tor" in trouble])
            == troubles
        )
        assert len(redacted(status)["troubles"]) == troubles


def test_a_sound_service():
    (row,) = SOUND["services"]
    assert SOUND["troubles"] == row["troubles"] == SOUND["unpublished"] == []
    assert row["published"]
    assert row["hsdirs"] == {"responsible": 6, "held": 5, "newest": 5, "strange": 0}
    assert row["holder"] == {"host": "web2", "daemon": "newsroomw1", "by": "signing key"}
    assert [replica["hsdirs"] for replica in row["replicas"]] == [0, 0, 5]
    assert [replica["introduction_circuits"] for replica in row["replicas"]] == [3, 3, 3]
    assert row["answer"] == {"requests": 3, "answered": 3, "median": 1.5, "errors": {}, "answered_by": {"web2": 3}}
    assert all(
        set(replica) == {"runs", "error", "introduction_circuits", "silent_targets", "hsdirs", "keeper", *REPLICAS[0]}
        for replica in row["replicas"]
    )


def test_a_standby_whose_web_server_is_down_is_a_trouble():
    own = json.loads(json.dumps(OWN))
    own["web1"]["daemons"][0]["services"][0]["silent_targets"] = ["nothing listens on 127.0.0.1:8080"]
    status = fleet_status(SERVICES, own, [published(["key3"] * 6, 6)], [probed()])
    (trouble,) = status["troubles"]
    assert trouble == (
        "service 'newsroom': daemon 'newsroomw1' of host 'web1': nothing listens on 127.0.0.1:8080; visitors that it "
        "gets see errors"
    )
    assert "8080" not in json.dumps(redacted(status))
    assert len(redacted(status)["troubles"]) == 1


def test_absent_services_are_not_looked_for():
    assert fleet_status({"gone": service(state="absent")}, {}, [], []) == {
        "services": [],
        "troubles": [],
        "unpublished": [],
    }


@pytest.mark.parametrize(("newest", "expected"), [(2, []), (1, ["newsroom"]), (0, ["newsroom"])])
def test_a_quorum_is_more_than_half(newest, expected):
    found = fleet_status(SERVICES, OWN, [published(["key1", "key1", None], newest)], [probed()])
    assert found["unpublished"] == expected
    assert [trouble.partition(" responsible")[0] for trouble in found["troubles"]] == (
        [f"service 'newsroom': {newest} of 3"] if expected else []
    )


def test_a_descriptor_that_none_of_its_daemons_made():
    """_strangers."""
    old = published(["key-of-old"] * 4, 4)
    found = fleet_status(SERVICES, OWN, [old], [probed()])
    assert found["services"][0]["hsdirs"]["strange"] == 4
    assert "4 of 4 responsible HSDirs hold a descriptor that none of its hosts made" in found["troubles"][0]
    assert found["unpublished"] == ["newsroom"]
    # before somebody retires them, instances that were planned once may have made it
    assert fleet_status(SERVICES, OWN, [old], [probed()], undeclared=False)["troubles"] == []
    # two of its three introduction points are a daemon's: the third is just being replaced
    for hsdir in old["hsdirs"]:
        hsdir["introduction_points"] = ["2" * 40, "3" * 40, "9" * 40]
    assert fleet_status(SERVICES, OWN, [old], [probed()])["troubles"] == []


def of_period(period, found):
    """The same with a blinded key, wherever descriptors are told."""
    if isinstance(found, dict):
        found = {key: of_period(period, value) for key, value in found.items()}
        return {**found, "blinded_key": period} if "signing_key" in found else found
    return [of_period(period, each) for each in found] if isinstance(found, list) else found


def test_an_impostor_with_the_same_introduction_points():
    """Of the time period whose descriptors daemons show, signing keys tell; relays are few, or chosen to hide."""
    imitated = published(["key-of-impostor"] * 4, 4)
    for hsdir in imitated["hsdirs"]:
        hsdir["introduction_points"] = ["2" * 40, "3" * 40]
    found = fleet_status(SERVICES, of_period("now", OWN), [of_period("now", imitated)], [probed()])
    assert (found["services"][0]["hsdirs"]["strange"], found["services"][0]["holder"]) == (4, None)
    assert found["unpublished"] == ["newsroom"]
    # without a credential nobody can read introduction points
    for hsdir in imitated["hsdirs"]:
        hsdir["introduction_points"] = None
    assert (
        fleet_status(SERVICES, of_period("now", OWN), [of_period("now", imitated)], [probed()])["services"][0][
            "hsdirs"
        ]["strange"]
        == 4
    )
    assert (
        fleet_status(SERVICES, of_period("before", OWN), [of_period("now", imitated)], [probed()])["services"][0][
            "hsdirs"
        ]["strange"]
        == 0
    )


def test_the_other_descriptor_of_a_daemon_is_known_by_its_relays():
    own = published(["key-of-other"] * 4, 4)
    for hsdir in own["hsdirs"]:
        hsdir["introduction_points"] = ["2" * 40, "3" * 40]
    found = fleet_status(
        {"newsroom": service(replicas=REPLICAS[:1])}, of_period("before", OWN), [of_period("now", own)], [probed()]
    )
    assert found["services"][0]["hsdirs"]["strange"] == 0
    assert found["services"][0]["holder"]["by"] == "introduction points"


@pytest.mark.parametrize("lost", [{}, {"changed": False, "daemons": [made("newsroomw1", None)]}])
def test_nobody_is_suspected_while_a_daemon_was_not_asked_or_has_made_nothing_yet(lost):
    found = fleet_status(SERVICES, {**OWN, "web2": lost}, [published(["key-of-old"] * 4, 4)], [probed()])
    assert found["services"][0]["hsdirs"]["strange"] == 0


def test_without_any_answer_of_hsdirs_nothing_is_published():
    found = fleet_status(SERVICES, OWN, [], [])
    assert found["unpublished"] == ["newsroom"]
    assert found["services"][0]["holder"] is None
    assert found["services"][0]["answer"] is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (probed(0, {"descriptor not found": 3}), "does not answer through Tor (descriptor not found)"),
        (probed(2, {"timeout": 1}), "answered 2 of 3 requests (timeout)"),
    ],
)
def test_unanswered_requests_are_trouble(answer, expected):
    assert fleet_status(SERVICES, OWN, [published(["key1"], 1)], [answer])["troubles"] == [
        f"service 'newsroom': {expected}"
    ]


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ({"unreachable": True, "msg": "Failed to connect"}, "host is not reachable"),
        (
            {"unreachable": True, "msg": distrust("web2", "onion_probe", "it is none")},
            "its answer is not to be trusted",
        ),
        ({"failed": True, "msg": "no privileges"}, "no privileges"),
        ({}, "host was lost earlier in this run"),
        ({"daemons": []}, "host was lost earlier in this run"),
        ({"daemons": [{"name": "newsroomw1", "error": "does not run", "services": []}]}, "does not run"),
        ({"daemons": [made("newsroomw1", "key", "other.onion")]}, "does not serve it"),
    ],
)
def test_a_replica_that_does_not_run_is_named_with_the_reason(lost, expected):
    found = fleet_status(SERVICES, {**OWN, "web2": lost}, [published(["key1"], 1)], [probed()])
    assert found["troubles"] == [f"service 'newsroom': daemon 'newsroomw1' of host 'web2': {expected}"]
    assert [replica["runs"] for replica in found["services"][0]["replicas"]] == [True, True, False]


def test_inputs_stay_as_they_are():
    own, wanted = copy.deepcopy(OWN), copy.deepcopy(SERVICES)
    fleet_status(wanted, own, [published(["key1"], 1)], [probed()])
    assert (own, wanted) == (OWN, SERVICES)


def test_redacted_keeps_the_shape_and_the_verdict():
    shown = redacted(SOUND)["services"][0]
    assert shown.keys() == SOUND["services"][0].keys()
    assert [replica.keys() for replica in shown["replicas"]] == [
        replica.keys() for replica in SOUND["services"][0]["replicas"]
    ]
    assert shown["holder"] == {"host": "host 2", "daemon": "daemon 1", "by": "signing key"}
    assert shown["answer"]["answered_by"] == {"host 2": 3}
    assert shown["address"] == "….onion"
    assert shown["name"] == "newsroom"


def test_redacted_troubles_are_told_without_names():
    status = fleet_status(
        SERVICES, {**OWN, "web2": {"failed": True, "msg": "root@web2: refused"}}, [], [probed(0, {"TLS: web2": 3})]
    )
    assert redacted(status)["troubles"] == [
        "service 'newsroom': does not answer through Tor (cause not shown)",
        "service 'newsroom': 0 of 0 responsible HSDirs hold the newest descriptor, more than half are needed",
        "service 'newsroom': daemon 'daemon 1' of host 'host 2': does not serve it",
    ]


# No name of ours contains a q, so that whatever is found again comes from the input.
NAMES = st.text("qxz.-", min_size=2, max_size=8).map(lambda text: f"q{text}")
TEXTS = st.lists(NAMES, min_size=1, max_size=3).map(" at ".join)
ADDRESSES = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=56, max_size=56).map(lambda text: f"{text}.onion")


@st.composite
def statuses(draw):
    hosts = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    daemon = draw(NAMES)
    secrets = {*hosts, daemon}
    services, own, seen, answers = {}, {}, [], []
    for host in hosts:
        lost = st.builds(lambda text: {"failed": True, "msg": text}, TEXTS)
        broken = st.builds(lambda text: {"daemons": [{"name": daemon, "error": text, "services": []}]}, TEXTS)
        own[host] = draw(st.one_of(lost, broken, st.just({"daemons": [made(daemon, f"key of {host}")]})))
    for name in ("newsroom", "archive"):
        address = draw(ADDRESSES)
        secrets.add(address)
        for of_host in own.values():
            for running in of_host.get("daemons", []):
                running["services"] = [*running["services"], *made(daemon, running["name"], address)["services"]]
        services[name] = service(
            address=address, replicas=[{"host": host, "daemon": daemon, "worker": 1} for host in hosts]
        )
        seen.append(published(draw(st.lists(st.sampled_from([None, daemon]), max_size=4)), 1, address))
        who = draw(st.dictionaries(st.one_of(st.sampled_from(hosts), NAMES, ADDRESSES), st.integers(1, 3), max_size=3))
        errors = draw(
            st.dictionaries(st.one_of(TEXTS, st.just(f"{address} {hosts[0]}")), st.integers(1, 3), max_size=2)
        )
        secrets |= who.keys()
        answers.append(probed(draw(st.integers(0, 3)), errors, who, name))
    return fleet_status(services, own, seen, answers), secrets


@settings(max_examples=60, deadline=None)
@given(statuses())
def test_redacted_holds_no_name_and_no_address(drawn):
    status, secrets = drawn
    shown = json.dumps(redacted(status), ensure_ascii=False)
    assert [secret for secret in secrets if secret in shown] == []


@settings(max_examples=30, deadline=None)
@given(statuses())
def test_redacted_has_as_many_troubles(drawn):
    status, _secrets = drawn
    assert len(redacted(status)["troubles"]) == len(status["troubles"])


def test_a_host_outside_of_the_run_is_no_trouble():
    own = {host: result for host, result in OWN.items() if host != "web2"}
    found = fleet_status(SERVICES, own, [published(["key1"], 1)], [probed()])
    assert found["troubles"] == redacted(found)["troubles"] == []
    assert [replica["error"] for replica in found["services"][0]["replicas"]] == ["", "", "not part of this run"]


def test_a_service_that_nobody_could_ask_is_trouble():
    restricted = {"newsroom": service(restricted=True)}
    (trouble,) = fleet_status(SERVICES, OWN, [published(["key1"], 1)], [])["troubles"]
    assert "nobody could ask for it through Tor" in trouble
    assert fleet_status(restricted, OWN, [published(["key1"], 1)], [])["troubles"] == []
