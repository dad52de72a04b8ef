# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking HSDirs and daemons, with tor played by a script."""

from __future__ import annotations

import json
import os
import pathlib

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import published
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlError

RECORD = pathlib.Path(__file__).parents[3] / "fixtures" / "private_network"
EXPECTED = json.loads((RECORD / "expected.json").read_text())
ADDRESS = EXPECTED["address"]
LABEL = ADDRESS[: -len(".onion")]
DESCRIPTOR = (RECORD / "descriptor").read_text().strip()


class FakeTor:
    """A tor whose HSDirs answer as ``hsdirs`` says: a descriptor, a reason, or silence."""

    def __init__(self, path):
        self.info = {
            "dir/status-vote/current/consensus-microdesc": (RECORD / "consensus").read_text(),
            "md/all": (RECORD / "microdescriptors").read_text(),
        }
        self.conf = {"TestingTorNetwork": [("TestingTorNetwork", "1")]}
        self.hsdirs, self.events, self.in_flight, self.most = {}, [], 0, 0

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        pass

    def getinfo(self, key):
        if key not in self.info:
            raise ControlError(551, "nothing", "GETINFO")
        return self.info[key]

    def getconf(self, key):
        return self.conf[key]

    def subscribe(self, *_events):
        pass

    def command(self, line):
        _hsfetch, label, server = line.split()
        hsdir = server[len("SERVER=$") :]
        answer = self.hsdirs.get(hsdir, DESCRIPTOR)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        end = f"{label} NO_AUTH ${hsdir}~nick descid"
        self.events.append(f"HS_DESC REQUESTED {end}")
        # What another fetch brings at the same time is not for us.
        self.events.append(f"HS_DESC_CONTENT {'x' * 56} descid ${hsdir}~nick\n{DESCRIPTOR}")
        if answer is None:
            return
        if "\n" not in answer:
            self.events.append(f"HS_DESC FAILED {end} REASON={answer}")
        self.events.append(f"HS_DESC_CONTENT {label} descid ${hsdir}~nick\n{answer if chr(10) in answer else ''}")

    def next_event(self, _timeout):
        if not self.events:
            return None
        event = self.events.pop(0)
        self.in_flight -= LABEL in event and "CONTENT" in event
        return event


@pytest.fixture
def tor(monkeypatch):
    fake = FakeTor("")
    monkeypatch.setattr(published, "ControlPort", lambda _path: fake)
    return fake


def asked(**options):
    options = {"credentials": {}, "timeout": 0.2, **options}
    return published.held_by_hsdirs([ADDRESS], "control", **options)


def test_every_responsible_hsdir_is_asked(tor):
    found = asked(credentials={ADDRESS: EXPECTED["client_private_key"]})
    service = found["services"][0]
    assert found["period"]["random_value"] == "current"
    assert sorted(hsdir["fingerprint"] for hsdir in service["hsdirs"]) == EXPECTED["holders"]
    assert (service["responsible"], service["held"], service["newest"]) == (8, 8, 8)
    assert {hsdir["revision_counter"] for hsdir in service["hsdirs"]} == {service["revision_counter"]}
    assert service["hsdirs"][0]["introduction_points"] == EXPECTED["introduction_points"]


def test_refusals_silence_and_rubbish_are_results(tor):
    nothing, silent, rubbish, *_others = EXPECTED["holders"]
    tor.hsdirs = {nothing: "NOT_FOUND", silent: None, rubbish: "hs-descriptor 3\nrubbish"}
    service = asked()["services"][0]
    errors = {hsdir["fingerprint"]: hsdir["error"] for hsdir in service["hsdirs"] if not hsdir["held"]}
    assert errors == {nothing: "NOT_FOUND", silent: "TIMEOUT", rubbish: "BAD_DESC"}
    assert (service["held"], service["newest"]) == (5, 5)


def test_introduction_points_are_unknown_without_a_credential(tor):
    service = asked()["services"][0]
    assert service["hsdirs"][0]["introduction_points"] is None
    assert service["hsdirs"][0]["signing_key"]
    assert service["hsdirs"][0]["blinded_key"]


def test_a_malformed_credential_is_as_none(tor):
    service = asked(credentials={ADDRESS: "short"})["services"][0]
    assert (service["held"], service["newest"]) == (8, 8)
    assert service["hsdirs"][0]["introduction_points"] is None


def test_the_highest_counter_counts(tor):
    newer = EXPECTED["holders"][0]
    tor.hsdirs = {newer: DESCRIPTOR.replace("revision-counter ", "revision-counter 9")}
    service = asked()["services"][0]
    assert (service["held"], service["newest"]) == (8, 1)


def test_requests_in_flight_are_limited(tor, monkeypatch):
    monkeypatch.setattr(published, "_IN_FLIGHT", 3)
    assert asked()["services"][0]["held"] == 8
    assert tor.most == 3


def test_nobody_answers(tor):
    tor.hsdirs = dict.fromkeys(EXPECTED["holders"], None)
    service = asked(timeout=0.01)["services"][0]
    assert (service["held"], service["revision_counter"], service["newest"]) == (0, None, 0)


def test_all_faults_at_once(tor):
    with pytest.raises(OnionfleetError) as caught:
        published.held_by_hsdirs(["one", "two"], "control", credentials={}, timeout=1)
    assert len(caught.value.faults) == 2
    with pytest.raises(OnionfleetError, match="not an onion address"):
        asked(credentials={"{{ page }}": EXPECTED["client_private_key"]})


def test_a_client_without_consensus(tor):
    tor.info = {}
    with pytest.raises(OnionfleetError, match="no consensus"):
        asked()


def test_what_daemons_made(tor, tmp_path):
    (tmp_path / "hostname").write_text(ADDRESS + "\n")
    tor.conf = {"HiddenServiceOptions": [("HiddenServiceDir", str(tmp_path)), ("HiddenServicePort", "80 127.0.0.1:80")]}
    tor.info["hs/service/desc/id/" + LABEL] = DESCRIPTOR
    first, last, other = ("A" * 40, "B" * 40, "C" * 40)
    state = "PURPOSE=HS_SERVICE_INTRO HS_STATE="
    tor.info["circuit-status"] = (
        f"1 BUILT ${first}~a,${last}~b BUILD_FLAGS=X {state}HSSI_ESTABLISHED REND_QUERY={LABEL} TIME_CREATED=x\n"
        f"2 BUILT ${first}~a,${other}~c BUILD_FLAGS=X {state}HSSI_ESTABLISHED REND_QUERY={'x' * 56}\n"
        f"3 BUILT ${first}~a,${other}~c BUILD_FLAGS=X {state}HSSI_CONNECTING REND_QUERY={LABEL}\n"
    )
    daemon = published.made_by_daemons(["w1"], {ADDRESS: EXPECTED["client_private_key"]})[0]
    assert (daemon["name"], daemon["error"]) == ("w1", None)
    service = daemon["services"][0]
    assert service["introduction_circuits"] == [last]
    assert service["introduction_points"] == EXPECTED["introduction_points"]
    assert service["revision_counter"] > 0
    assert service["blinded_key"]
    del tor.info["hs/service/desc/id/" + LABEL]
    service = published.made_by_daemons(["w1"], {})[0]["services"][0]
    assert (service["revision_counter"], service["signing_key"], service["introduction_points"]) == (None, None, None)


@pytest.mark.parametrize("ending", ["", "/"])
def test_services_of_a_daemon_are_told_by_their_folder(tor, tmp_path, ending):
    """By which a publisher finds the address of its backend among others of a daemon."""
    options = []
    for name in ("archive-backend", "library-backend"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hostname").write_text(ADDRESS + "\n")
        options += [("HiddenServiceDir", f"{tmp_path}/{name}{ending}"), ("HiddenServicePort", "80 127.0.0.1:80")]
    tor.conf = {"HiddenServiceOptions": options}
    tor.info["circuit-status"] = ""
    (daemon,) = published.made_by_daemons(["b1"], {})
    assert [(service["directory"], service["address"]) for service in daemon["services"]] == [
        ("archive-backend", ADDRESS),
        ("library-backend", ADDRESS),
    ]


def test_targets_are_looked_at_where_that_is_asked_for(tor, tmp_path, monkeypatch):
    (tmp_path / "hostname").write_text(ADDRESS + "\n")
    written = [
        "80 127.0.0.1:8080",
        "81",
        "82 8082",
        "83 192.0.2.1",
        "84 [::1]",
        "85 [::1]:8085",
        '86 unix:"/run/a b.sock"',
    ]
    tor.conf = {
        "HiddenServiceOptions": [
            ("HiddenServiceDir", str(tmp_path)),
            *(("HiddenServicePort", line) for line in written),
        ]
    }
    tor.info["circuit-status"] = ""
    monkeypatch.setattr(published, "refusals", lambda targets: {target: f"no {target}" for target in targets})
    silent = published.made_by_daemons(["w1"], {}, targets=True)[0]["services"][0]["silent_targets"]
    assert silent == [
        f"no {target}"
        for target in (
            "127.0.0.1:8080",
            "127.0.0.1:81",
            "127.0.0.1:8082",
            "192.0.2.1:83",
            "[::1]:84",
            "[::1]:8085",
            "unix:/run/a b.sock",
        )
    ]
    assert published.made_by_daemons(["w1"], {})[0]["services"][0]["silent_targets"] == []


def test_a_silent_daemon_is_a_result(tor, tmp_path):
    tor.info["circuit-status"] = ""
    tor.conf = {"HiddenServiceOptions": [("HiddenServiceDir", str(tmp_path / "none"))]}
    assert "hostname: is missing; deploy writes it anew" in published.made_by_daemons(["w1"], {})[0]["error"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", LABEL.encode(), b"a" + ADDRESS[1:].encode(), b"\xff\xfe", f"{ADDRESS} {ADDRESS}".encode()],
)
def test_a_file_that_holds_no_address_is_a_result(tor, tmp_path, content):
    (tmp_path / "hostname").write_bytes(content)
    tor.info["circuit-status"] = ""
    tor.conf = {"HiddenServiceOptions": [("HiddenServiceDir", str(tmp_path))]}
    (daemon,) = published.made_by_daemons(["w1"], {})
    assert daemon["error"].startswith(f"{tmp_path}/hostname: holds no address; remove it")
    assert daemon["services"] == []


@pytest.mark.parametrize("kind", ["FIFO", "link"])
def test_what_a_tor_puts_in_the_place_of_its_hostname_is_a_result(tor, tmp_path, kind):
    (tmp_path / "elsewhere").write_text(ADDRESS + "\n")
    folder = tmp_path / "service"
    folder.mkdir()
    folder.chmod(0o775)  # as one of tor's: others than root can change it
    os.mkfifo(folder / "hostname") if kind == "FIFO" else (folder / "hostname").symlink_to(tmp_path / "elsewhere")
    tor.info["circuit-status"] = ""
    tor.conf = {"HiddenServiceOptions": [("HiddenServiceDir", str(folder))]}
    (daemon,) = published.made_by_daemons(["w1"], {})
    assert daemon["error"].startswith(f"{folder}/hostname: is no regular file")
