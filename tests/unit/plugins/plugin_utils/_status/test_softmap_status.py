# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a softmap: two publishers, two backend hosts; results as the modules return them."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.status import fleet_status, redacted

ADDRESS = "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion"
PLANNED = {
    "layout": "softmap",
    "state": "present",
    "address": ADDRESS,
    "directory": "archive-backend",
    "replicas": [],
    "publishers": [{"host": "pub1"}, {"host": "pub2"}],
    "backends": [{"host": host, "daemon": "archiveb1", "worker": 1} for host in ("app1", "app2")],
    "ports": [80],
    "probe": {},
    "pow": False,
    "restricted": False,
}


def own(host, **fields):
    """Of onion_descriptor_info on a backend's host."""
    service = {
        "directory": "archive-backend",
        "address": f"{host}-own.onion",
        "revision_counter": 1,
        "signing_key": f"signing-{host}",
        "introduction_points": ["1" * 40],
        "introduction_keys": [f"key-{host}"],
        "introduction_circuits": ["1" * 40, "2" * 40],
        "silent_targets": [],
    }
    return {"daemons": [{"name": "archiveb1", "error": None, "services": [service]}], **fields}


def told(host, states=("up", "up")):
    """Of onionbalance_info on a publisher."""
    instances = [
        {"name": f"app{number}/archiveb1", "address": f"app{number}-own.onion", "state": state, "listed_keys": []}
        for number, state in enumerate(states, 1)
    ]
    descriptors = [{"which": which, "signing_key": f"{host}-{which}"} for which in ("first", "second")]
    return {
        "status": {"services": [{"name": "archive", "descriptors": descriptors, "instances": instances}]},
        "error": "",
    }


def published(key, introduction_keys, number=6):
    hsdir = {
        "held": True,
        "signing_key": key,
        "introduction_points": ["1" * 40],
        "introduction_keys": introduction_keys,
    }
    return {"address": ADDRESS, "responsible": number, "held": number, "newest": number, "hsdirs": [hsdir] * number}


def answer():
    counts = {"requests": 3, "answered": 3, "median": 1.0, "errors": {}, "answered_by": {"app1": 2, "app2": 1}}
    return {"name": "archive", **counts}


OWN = {"app1": own("app1"), "app2": own("app2"), "pub1": {"daemons": []}, "pub2": {"daemons": []}}
TOLD = {"pub1": told("pub1"), "pub2": told("pub2")}


def row(own_by_host=None, told_by_host=None, found=None):
    own_by_host = OWN if own_by_host is None else own_by_host
    told_by_host = TOLD if told_by_host is None else told_by_host
    found = published("pub2-first", ["key-app1", "key-app2"]) if found is None else found
    status = fleet_status({"archive": PLANNED}, own_by_host, [found], [answer()], told_by_host)
    return status["services"][0]


def test_a_sound_softmap():
    sound = row()
    assert sound["troubles"] == []
    assert sound["holder"] == {"host": "pub2", "daemon": "onionpublisher", "by": "signing key"}
    assert [(entry["host"], entry["runs"], entry["hsdirs"]) for entry in sound["publishers"]] == [
        ("pub1", True, 0),
        ("pub2", True, 6),
    ]
    assert sound["backends"][0] == {
        "host": "app1",
        "daemon": "archiveb1",
        "worker": 1,
        "address": "app1-own.onion",
        "runs": True,
        "error": "",
        "introduction_circuits": 2,
        "silent_targets": [],
        "state": "up",
        "hsdirs": 6,
    }


def test_a_backend_is_known_by_the_keys_that_publishers_list_too():
    by_publisher = copy.deepcopy(TOLD)
    by_publisher["pub1"]["status"]["services"][0]["instances"][0]["listed_keys"] = ["key-of-the-other-period"]
    found = row(told_by_host=by_publisher, found=published("pub1-second", ["key-of-the-other-period"]))
    assert [backend["hsdirs"] for backend in found["backends"]] == [6, 0]


def test_dead_backends_and_publishers_are_told():
    found = row(
        own_by_host={**OWN, "app2": {"unreachable": True}},
        told_by_host={"pub1": told("pub1", ("up", "down")), "pub2": {"unreachable": True}},
    )
    assert found["backends"][1]["state"] == "down"
    assert found["backends"][1]["address"] == "app2-own.onion"
    assert found["troubles"] == [
        "publisher 'pub2': host is not reachable",
        "backend 'app2/archiveb1': host is not reachable",
    ]


@pytest.mark.parametrize(
    ("key", "points", "asked", "strange"),
    [
        ("thief", ["key-thief1", "key-thief2", "key-app1"], {}, 6),
        (
            "thief",
            ["key-thief1", "key-app2", "key-app1"],
            {},
            0,
        ),  # an older one of ours: one of its points was replaced
        ("pub1-first", ["key-of-the-other-period"], {}, 0),
        ("thief", ["key-thief"], {"own_by_host": {**OWN, "app2": {"unreachable": True}}}, 0),
        ("thief", ["key-thief"], {"told_by_host": {"pub1": told("pub1"), "pub2": {"unreachable": True}}}, 0),
        (None, [], {}, 0),
    ],
)
def test_a_descriptor_that_no_publisher_made(key, points, asked, strange):
    found = row(found=published(key, points), **asked)
    assert found["hsdirs"]["strange"] == strange
    assert any("that none of its hosts made" in trouble for trouble in found["troubles"]) == bool(strange)


@pytest.mark.parametrize(
    ("states", "trouble"),
    [
        (("up", "down"), "does not answer its publishers"),
        (("up", "drained"), None),
        (("up", "unknown"), None),
    ],
)
def test_a_backend_in_the_eyes_of_its_publishers(states, trouble):
    found = row(told_by_host={"pub1": told("pub1", states), "pub2": told("pub2", states)})
    assert found["troubles"] == ([f"backend 'app2/archiveb1': {trouble}"] if trouble else [])


def test_publishers_that_disagree():
    found = row(told_by_host={"pub1": told("pub1"), "pub2": told("pub2", ("up", "down"))})
    assert found["troubles"] == ["backend 'app2/archiveb1': publishers do not agree on it"]


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"status": None, "error": "status.sock: no answer"}, "status.sock: no answer"),
        ({"failed": True, "msg": "no python"}, "no python"),
        ({"status": {"services": []}, "error": ""}, "does not publish it"),
        ({**told("pub1"), "error": "config.yaml: is torn"}, "config.yaml: is torn"),
    ],
)
def test_a_publisher_that_does_not_publish(result, error):
    assert row(told_by_host={**TOLD, "pub1": result})["troubles"] == [f"publisher 'pub1': {error}"]


def test_what_is_outside_of_the_run_is_no_trouble():
    found = row(own_by_host={}, told_by_host={})
    assert found["troubles"] == []
    assert {entry["error"] for entry in (*found["publishers"], *found["backends"])} == {"not part of this run"}
    assert found["holder"] is None


def test_a_dead_backend_outside_of_the_run_is_no_trouble():
    limited = {host: result for host, result in OWN.items() if host != "app2"}
    states = ("up", "down")
    found = row(own_by_host=limited, told_by_host={"pub1": told("pub1", states), "pub2": told("pub2", states)})
    assert found["backends"][1]["state"] == "down"
    assert found["troubles"] == []


def test_a_daemon_that_does_not_answer_or_serve():
    silent = {"daemons": [{"name": "archiveb1", "error": "control socket: gone", "services": []}]}
    empty = {"daemons": [{"name": "archiveb1", "error": None, "services": []}]}
    found = row(own_by_host={**OWN, "app1": silent, "app2": empty})
    assert [backend["error"] for backend in found["backends"]] == ["control socket: gone", "does not serve it"]


def test_redaction_leaves_no_name_and_no_address():
    status = fleet_status(
        {"archive": PLANNED},
        {**OWN, "app2": {"msg": "secret-host is gone"}},
        [published("pub2-first", ["key-app1"])],
        [answer()],
        {"pub1": {"failed": True, "msg": "secret-error"}, "pub2": told("pub2")},
    )
    shown = redacted(status)
    text = json.dumps(shown)
    for word in ("pub1", "pub2", "app1", "app2", "archiveb1", "-own", ADDRESS, "secret", "key-"):
        assert word not in text, word
    assert shown["services"][0]["holder"]["daemon"] == "onionpublisher"
    assert len(shown["services"][0]["troubles"]) == 2


def test_a_backend_that_leaves_another_layout_has_a_folder_of_that():
    leaving = {"host": "app1", "daemon": "archiveb1", "worker": 0, "directory": "archive-backend"}
    planned = {**PLANNED, "layout": "hardmap", "directory": "archive", "publishers": [], "backends": [leaving]}
    hsdirs = published("x", ["key-app1"])
    row = fleet_status({"archive": planned}, {"app1": own("app1")}, [hsdirs], [])["services"][0]["backends"][0]
    assert row["runs"] and row["hsdirs"] == 6
