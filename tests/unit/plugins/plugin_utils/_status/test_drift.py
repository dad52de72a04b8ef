# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""_drift and installing: results as the modules return them."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._host.diff import part
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status import installed as installing
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.drift import host_drift, with_drift
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.status import redacted

NOTHING = {"changed": False, "diff": [], "actions": [], "orphans": []}
UNITS = {"onionfleet-publisher.service": "[Unit] publisher", "onionfleet-keeper.service": "[Unit] keeper"}
KEEPER = {"services": [{"name": "alpha", "drained": False}]}
BACKEND = {"name": "web1/archiveb1", "directory": "archive-backend", "drained": False}
PUBLISHER = {"services": [{"name": "archive", "address": "front", "instances": [BACKEND]}], "settings": {}}
PLAIN = {"publisher": None, "keeper": None}
KEY = "/var/lib/tor-instances/alphaw1/alpha/hs_ed25519_secret_key"


def entry(path, sha1="x", mode="0644", **fields):
    return {"path": path, "isreg": True, "mode": mode, "uid": 0, "gid": 0, "checksum": sha1, **fields}


def installed(planned, **changes):
    """What find returns where all is right; by the ends of paths: None takes one away, a mapping changes it."""
    files = {}
    if planned["publisher"]:
        files.update(installing._publisher_files())
        files[f"{installing.UNITS}/onionfleet-publisher.service"] = installing.File(
            installing._sha1(b"[Unit] publisher")
        )
    if planned["keeper"]:
        files.update(installing._keeper_files(planned["keeper"]))
        files[f"{installing.UNITS}/onionfleet-keeper.service"] = installing.File(installing._sha1(b"[Unit] keeper"))
    found = [entry(path, file.sha1 or "any", file.mode) for path, file in files.items()]
    found += [
        entry(f"{installing._WANTS}/onionfleet-{name}.service", isreg=False)
        for name in ("publisher", "keeper")
        if planned[name]
    ]
    return {
        "files": [
            {**each, **changes.get(each["path"].rpartition("/")[2], {})}
            for each in found
            if changes.get(each["path"].rpartition("/")[2], {}) is not None
        ]
    }


def drift(planned=None, daemons=None, publisher=None, told=None, found=None, own=None, before=None):
    planned = planned or PLAIN
    differences = host_drift(
        planned,
        daemons or NOTHING,
        publisher or NOTHING,
        told or NOTHING,
        installed(planned) if found is None else found,
        UNITS,
        [own or {}],
        before or NOTHING,
    )
    return [(each["kind"], each["what"]) for each in differences]


@pytest.mark.parametrize(
    "planned", [PLAIN, {"publisher": PUBLISHER, "keeper": KEEPER}, {"publisher": {"services": []}, "keeper": None}]
)
def test_a_host_as_planned(planned):
    found = installed(planned)
    if planned["publisher"] == {"services": []}:
        found["files"] = []
    assert drift(planned, found=found) == []


@pytest.mark.parametrize(
    ("part_", "kind", "words"),
    [
        (part("/etc/tor/instances/a/torrc", "one\ntwo\n", "one\n"), "file", "torrc has been changed; deploy mends it"),
        (part("/etc/tor/instances/a/torrc", "", "one\n"), "file", "torrc is missing"),
        (part("/x/old.auth", "one\n", ""), "file", "old.auth is there, and nothing asks for it"),
        (
            part(KEY, "mode 0644, 104:104\n", "mode 0600, _tor-a:_tor-a\n"),
            "key",
            "has mode 0644, 104:104, not mode 0600, _tor-a:_tor-a",
        ),
        (part(KEY, "", "key of x.onion\n"), "key", "is missing"),
        (part("tor@a.service", "disabled\n", "enabled\n"), "unit", "tor@a.service is disabled, not enabled"),
    ],
)
def test_what_a_module_would_write(part_, kind, words):
    ((found, what),) = drift(daemons={**NOTHING, "diff": [part_]})
    assert found == kind and words in what


def test_no_content_is_told():
    secret = part("/etc/tor/instances/a/torrc", "Socks5ProxyPassword hunter2", "Socks5ProxyPassword other")
    ((_kind, what),) = drift(daemons={**NOTHING, "diff": [secret]})
    assert what == "/etc/tor/instances/a/torrc has been changed; deploy mends it"


def test_what_does_not_run_as_the_files_say():
    actions = [{"name": "a", "action": "reload", "reasons": ["x differs", "y is new"]}]
    assert drift(daemons={**NOTHING, "actions": actions}) == [
        ("action", "daemon 'a': x differs, y is new; deploy would reload it")
    ]


def test_faults_and_failures_are_told():
    assert drift(daemons={"failed": True, "msg": "a\nb", "faults": ["a", "b"]}) == [("fault", "a"), ("fault", "b")]
    assert drift(daemons={"failed": True, "msg": "no python"}) == [("fault", "no python")]


def test_what_nobody_declares():
    orphans = [{"daemon": "ghost", "service": None}, {"daemon": "small", "service": "old"}]
    assert [what.partition(",")[0] for _kind, what in drift(daemons={**NOTHING, "orphans": orphans})] == [
        "daemon 'ghost' is there",
        "daemon 'small' serves 'old'",
    ]


def test_a_client_of_ours_that_nothing_needs_is_not_for_anybody_to_declare():
    ((kind, what),) = drift(daemons={**NOTHING, "orphans": [{"daemon": "onionkeeper", "service": None}]})
    assert kind == "undeclared" and what.endswith("nothing needs it any more; run retire")


@pytest.mark.parametrize(("action", "count"), [("none", 0), ("stop", 0), ("start", 1), ("reload", 1), ("restart", 1)])
def test_a_publisher_that_needs_something(action, count):
    planned = {"publisher": PUBLISHER, "keeper": None}
    assert [kind for kind, _what in drift(planned, publisher={**NOTHING, "action": action})] == ["action"] * count


def test_a_publisher_that_knows_a_backend_of_nobody():
    instances = [{"name": "web1/archiveb1"}, {"name": "web9/archiveb1"}]
    told = {
        "status": {
            "services": [{"name": "archive", "instances": instances}, {"name": "gone", "instances": instances[:1]}]
        }
    }
    found = drift({"publisher": PUBLISHER, "keeper": None}, told=told)
    assert [(kind, what.split("service ")[1].split(",")[0]) for kind, what in found] == [
        ("backend", "'archive': knows backend 'web9/archiveb1'"),
        ("backend", "'gone': knows backend 'web1/archiveb1'"),
    ]


def test_a_backend_that_has_another_address_than_before():
    service = {"directory": "archive-backend", "address": "new"}
    own = {"web1": {"daemons": [{"name": "archiveb1", "services": [service]}]}}
    then, now = (
        {"configured": [{"name": "archive", "instances": [{"name": "web1/archiveb1", "address": address}]}]}
        for address in ("old", "new")
    )
    planned = {"publisher": PUBLISHER, "keeper": None}
    ((kind, what),) = drift(planned, own=own, before=then, told=now)
    assert kind == "address"
    assert what.startswith("publisher: service 'archive': backend 'web1/archiveb1' has the address new, and had old, ")
    assert drift(planned, own=own, before=now, told=now) == []
    assert drift(PLAIN, own=own, before=then) == []


BOTH = {"publisher": PUBLISHER, "keeper": KEEPER}


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"health.py": {"checksum": "y"}}, "file", "health.py has been changed"),
        ({"health.py": None}, "file", "health.py is missing"),
        ({"control.py": {"mode": "0664"}}, "file", "control.py has mode 0664, 0:0, not 0644, root:root"),
        ({"decider.py": {"uid": 1000}}, "file", "decider.py has mode 0644, 1000:0"),
        ({"config.json": {"checksum": "y"}}, "file", "/etc/onionfleet/keeper/config.json has been changed"),
        ({"config.json": {"isreg": False}}, "file", "config.json is no regular file"),
    ],
)
def test_programs(changes, kind, words):
    ((found, what),) = drift(BOTH, found=installed(BOTH, **changes))
    assert found == kind and words in what


def test_units():
    found = installed(BOTH)
    for each in found["files"]:
        if each["path"] == f"{installing.UNITS}/onionfleet-keeper.service":
            each["checksum"] = "y"
    found["files"] = [each for each in found["files"] if "wants/onionfleet-publisher" not in each["path"]]
    assert drift(BOTH, found=found) == [
        ("unit", "onionfleet-publisher.service: does not start at boot; in the plan it does: deploy mends it"),
        ("unit", f"{installing.UNITS}/onionfleet-keeper.service has been changed; deploy mends it"),
    ]
    left = {"files": [entry(f"{installing._WANTS}/onionfleet-keeper.service", isreg=False)]}
    assert drift(found=left) == [
        ("unit", "onionfleet-keeper.service: starts at boot; in the plan it does not: deploy mends it")
    ]


def test_a_strange_file_beside_the_program():
    found = installed(BOTH)
    found["files"] += [
        entry("/usr/local/lib/onionfleet/publisher/site.py"),
        entry("/etc/systemd/system/other.service"),
        entry("/usr/local/lib/onionfleet/publisher/onionfleet_publisher", isreg=False),
    ]
    assert drift(BOTH, found=found) == [
        ("file", "/usr/local/lib/onionfleet/publisher/site.py is not of this collection; remove it")
    ]


def test_a_host_whose_files_could_not_be_read_is_not_accused():
    assert drift(BOTH, found={"failed": True, "msg": "x"}) == []


STATUS = {"services": [], "troubles": ["first"], "unpublished": []}
DIFFERENCES = {
    "web1": [{"kind": "file", "what": "a differs"}, {"kind": "undeclared", "what": "b"}],
    "web2": [],
}


def test_a_status_with_it():
    found = with_drift(STATUS, DIFFERENCES)
    assert found["troubles"] == ["first", "host 'web1': a differs", "host 'web1': b"]
    assert found["looked_at"] == ["web1", "web2"]
    assert found["drift"][0] == {"host": "web1", "kind": "file", "what": "a differs", "wrong": True}
    assert with_drift(STATUS, DIFFERENCES, undeclared=False)["troubles"] == ["first", "host 'web1': a differs"]


def test_a_redacted_status_tells_no_place():
    shown = redacted(with_drift(STATUS, DIFFERENCES))
    assert shown["looked_at"] == ["host 1", "host 2"]
    assert shown["drift"][0] == {
        "host": "host 1",
        "kind": "file",
        "what": "is not as the plan says (not shown)",
        "wrong": True,
    }
    assert shown["troubles"] == ["host 'host 1': is not as the plan says (not shown)"]
