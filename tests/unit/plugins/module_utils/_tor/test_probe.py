# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A round of requests: faults of targets, fresh clients, credentials, results."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import probe
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.socks import Answer

ADDRESS = "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion"
CREDENTIAL = "A" * 52
DEFAULTS = {
    option: spec["default"] for option, spec in probe.ARGUMENTS["targets"]["options"].items() if "default" in spec
}


def given(**fields):
    return {"name": None, "port": None, "address": ADDRESS, **DEFAULTS, **fields}


class FakeTor:
    def __init__(self, event="SIGNAL NEWNYM"):
        self.told, self.event = [], event

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        pass

    def subscribe(self, *events):
        self.told.append("SETEVENTS " + " ".join(events))

    def signal(self, name):
        self.told.append("SIGNAL " + name)

    def command(self, line):
        self.told.append(line)

    def next_event(self, _timeout):
        return self.event


@pytest.fixture
def tor(monkeypatch):
    fake = FakeTor()
    monkeypatch.setattr(probe, "ControlPort", lambda _path: fake)
    monkeypatch.setattr(
        probe, "ask", lambda socks, target, timeout: fake.told.append("ask") or Answer(0.5, "", b"body", "web1")
    )
    return fake


def run(**options):
    common = {"targets": [given()], "fresh": "circuit", "requests": 1, "timeout": 5, "body": 0, "credentials": {}}
    return probe.probe({**common, "control": "c", "socks": "s", **options})


def test_result(tor, monkeypatch):
    answers = iter([Answer(1.0, "", b"body", "web1"), Answer(2.0, "timeout"), Answer(3.0, "", b"last", "web1")])
    monkeypatch.setattr(probe, "ask", lambda *_target, **_timeout: next(answers))
    assert run(requests=3, body=2) == [
        {
            "name": ADDRESS + ":80",
            "address": ADDRESS,
            "port": 80,
            "requests": 3,
            "answered": 2,
            "failed": 1,
            "errors": {"timeout": 1},
            "seconds": [1.0, 3.0],
            "median": 2.0,
            "answered_by": {"web1": 2},
            "body": "la",
        }
    ]


def test_nothing_answered(tor, monkeypatch):
    monkeypatch.setattr(probe, "ask", lambda *_target, **_timeout: Answer(1.0, "timeout"))
    result = run(body=9)[0]
    assert (result["answered"], result["median"], "body" in result) == (0, None, False)


def test_a_new_circuit_leaves_the_client_as_it_is(tor):
    run(requests=2)
    assert tor.told == ["SETEVENTS SIGNAL", "ask", "ask"]


@pytest.mark.parametrize(("fresh", "times"), [("circuit", 0), ("first", 1), ("client", 3)])
def test_how_often_it_forgets(tor, fresh, times):
    run(requests=3, fresh=fresh)
    assert [line for line in tor.told if "NEWNYM" in line] == ["SIGNAL NEWNYM"] * times


def test_a_fresh_client_gets_its_credentials_again_and_loses_them_in_the_end(tor):
    run(requests=2, fresh="client", credentials={ADDRESS: CREDENTIAL})
    label = ADDRESS[: -len(".onion")]
    add = f"ONION_CLIENT_AUTH_ADD {label} x25519:{'A' * 43}="
    asked = ["SIGNAL NEWNYM", add, "ask"]
    assert tor.told == ["SETEVENTS SIGNAL", *asked, *asked, f"ONION_CLIENT_AUTH_REMOVE {label}"]


def test_credentials_are_removed_after_a_failure(tor):
    tor.event = None
    with pytest.raises(OnionfleetError, match="did not become a fresh one"):
        run(fresh="client", credentials={ADDRESS: CREDENTIAL})
    assert tor.told[-1].startswith("ONION_CLIENT_AUTH_REMOVE ")


@pytest.mark.parametrize("malformed", ["short", "", 7, None, "A" * 51 + "!"])
def test_a_malformed_credential_is_the_error_of_its_service(tor, malformed):
    from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import address_from_public_key

    other = address_from_public_key(bytes(32))
    mine, theirs = run(
        targets=[given(), given(address=other)], requests=2, credentials={ADDRESS: malformed, other: CREDENTIAL}
    )
    assert mine["errors"] == {"the client credential is malformed": 2}
    assert theirs["answered"] == 2


def test_credentials_of_no_address(tor):
    with pytest.raises(OnionfleetError, match="not an onion address"):
        run(credentials={"{{ address }}": CREDENTIAL})


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"address": "example.org"}, "address:"),
        ({"port": 0, "scheme": "tcp"}, "port:"),
        ({"port": 65536}, "port:"),
        ({"scheme": "tcp"}, "port:"),
        ({"path": "index.html"}, "path:"),
        ({"path": "/a b"}, "path:"),
        ({"path": "/\r\nX: y"}, "path:"),
        ({"capture": "("}, "capture:"),
        ({"capture": "no group"}, "capture:"),
    ],
)
def test_faults_of_targets(fields, fault):
    with pytest.raises(OnionfleetError, match=fault):
        probe.checked_targets([given(**fields)])


def test_all_faults_at_once():
    with pytest.raises(OnionfleetError) as caught:
        probe.checked_targets([given(name="a", path="x"), given(name="a", port=-1)])
    assert len(caught.value.faults) == 3


def test_ports_by_scheme():
    targets = probe.checked_targets([given(), given(scheme="https"), given(scheme="tcp", port=22)])
    assert [target.port for target in targets.values()] == [80, 443, 22]
