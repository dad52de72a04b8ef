# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections
import json
import os
import pathlib
import time
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import present, record, running
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations, systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlError, ControlUnreachable
from ansible_collections.onionfleet.balance.plugins.modules import tor_daemons

ADDRESS = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"


class Tor:
    """A control port that plays events; a systemd that notes commands."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.capfd = capfd
        self.commands: list[tuple[str, ...]] = []
        self.events: collections.deque[str] = collections.deque()
        self.unreachable = self.dies = self.fails = False
        self.phase, self.publish, self.counter = "NOTICE BOOTSTRAP PROGRESS=100 TAG=done", "1", 0
        self.circuits = ""
        self.held_back_after = 0  # turns of waiting; a keeper tells a tor that starts to publish nothing

    def connect(self, path: str, **_options: t.Any) -> Tor:
        if self.unreachable:
            raise ControlUnreachable(path, "Connection refused")
        return self

    def __enter__(self) -> Tor:
        return self

    def __exit__(self, *_exception: object) -> None:
        return None

    def subscribe(self, *_events: str) -> None:
        return None

    def getconf(self, *_keys: str) -> list[tuple[str, str]]:
        return [("PublishHidServDescriptors", self.publish), ("DisableNetwork", "0")]

    def getinfo(self, key: str) -> str:
        if key == "status/bootstrap-phase":
            return self.phase
        if key == "circuit-status":
            return self.circuits
        if not self.counter:
            raise ControlError(552, "no such service")
        return f"hs-descriptor 3\nrevision-counter {self.counter}\n"

    def next_event(self, timeout: float) -> str | None:
        if self.held_back_after:
            self.held_back_after -= 1
            self.publish = "1" if self.held_back_after else "0"
        if not self.events:
            time.sleep(min(timeout, 0.05))
        return self.events.popleft() if self.events else None

    def command(self, *command: str, timeout: float = 0) -> str:
        self.commands.append(command)
        if self.fails and command[1] in ("start", "restart"):
            raise OnionfleetError("'systemctl start' failed")
        if command[1] == "reload":
            self.events.append("SIGNAL RELOAD")
        return json.dumps({"MESSAGE": "Address already in use", "PRIORITY": "4"}) if command[0] == "journalctl" else ""

    def run(self, *actions: dict[str, t.Any], check: bool = False, **parameters: t.Any) -> dict[str, t.Any]:
        arguments = {"actions": list(actions), "timeout": 1, **parameters, "_ansible_check_mode": check}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            tor_daemons.main()
        return dict(json.loads(self.capfd.readouterr().out))


@pytest.fixture(name="tor")
def fixture_tor(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Tor:
    tor = Tor(capfd)
    (tmp_path / "etc/shop1/services").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/hostname").write_text(ADDRESS + "\n")
    (tmp_path / "etc/shop1/torrc").write_text(
        f"SocksPort 0\nHiddenServiceDir {tmp_path}/data\nHiddenServicePort 80 127.0.0.1:1\n"
    )
    for module, name, value in [
        (locations, "INSTANCES_ROOT", str(tmp_path / "etc")),
        (locations, "RECORDS_ROOT", str(tmp_path / "lib/loaded")),
        (systemd, "run", tor.command),
        (running, "ControlPort", tor.connect),
        (os, "geteuid", lambda: 0),
        (systemd, "units", lambda names: dict.fromkeys(names, systemd.Unit(not tor.dies, "run1", 1.0))),
    ]:
        monkeypatch.setattr(module, name, value)
    return tor


def test_actions_in_order_with_a_record_of_what_was_loaded(tor: Tor) -> None:
    tor.events.append("HS_DESC UPLOADED " + ADDRESS[:-6] + " UNKNOWN $A~a")
    result = tor.run({"name": "shop1", "action": "start"})
    assert result["changed"]
    assert [item["action"] for item in result["done"]] == ["start"]
    assert tor.commands == [("systemctl", "start", "tor@shop1.service")]
    unit = systemd.Unit(True, "run1", 1.0)
    assert record.read("shop1", unit) == present.present("shop1").state
    assert record.read("shop1", unit._replace(invocation="run2")) is None
    assert os.stat(f"{locations.RECORDS_ROOT}/shop1.json").st_mode & 0o777 == 0o600
    tor.run({"name": "shop1", "action": "stop"})
    assert tor.commands[-1] == ("systemctl", "disable", "--now", "--quiet", "tor@shop1.service")
    assert record.read("shop1", unit) is None


def test_reload_waits_for_tor_and_falls_back_to_restart(tor: Tor) -> None:
    tor.run({"name": "shop1", "action": "reload"}, wait=False)
    assert tor.commands == [("systemctl", "reload", "tor@shop1.service")]
    assert not tor.events
    tor.unreachable = True
    tor.run({"name": "shop1", "action": "reload"}, wait=False)
    assert tor.commands[-1] == ("systemctl", "restart", "tor@shop1.service")


def test_waiting_ends_with_what_it_waited_for(tor: Tor) -> None:
    tor.phase = "NOTICE BOOTSTRAP PROGRESS=10 TAG=conn_done"
    result = tor.run({"name": "shop1", "action": "start"}, {"name": "other", "action": "start"})
    assert result["failed"]
    assert result["failed_daemon"] == "shop1"
    assert result["done"] == []
    for words in ("bootstrapping", "TAG=conn_done", f"the descriptor of {ADDRESS}", "Address already in use"):
        assert words in result["msg"]


def test_no_waiting_for_what_is_there(tor: Tor) -> None:
    tor.counter = 7
    assert "failed" not in tor.run({"name": "shop1", "action": "reload"})


INTRODUCTION = (
    f"5 BUILT $A~a,$B~b PURPOSE=HS_SERVICE_INTRO HS_STATE=HSSI_ESTABLISHED REND_QUERY={ADDRESS[:-6]} TIME_CREATED=2026"
)


@pytest.mark.parametrize("turns", [0, 3])
def test_one_that_is_held_back_serves_with_its_introduction_points(tor: Tor, turns: int) -> None:
    """A keeper reaches a tor that starts a second later: what was waited for before does not come any more."""
    tor.publish, tor.held_back_after, tor.circuits = "1" if turns else "0", turns, INTRODUCTION
    assert "failed" not in tor.run({"name": "shop1", "action": "restart"})


def test_one_that_is_held_back_without_introduction_points_does_not_serve(tor: Tor) -> None:
    tor.publish, tor.circuits = "0", INTRODUCTION.replace("HSSI_ESTABLISHED", "HSSI_CONNECTING")
    result = tor.run({"name": "shop1", "action": "restart"})
    assert f"introduction points of {ADDRESS}, which is told to publish nothing" in result["msg"]
    assert "a relay to take" not in result["msg"]


def test_a_start_that_fails_tells_tors_words(tor: Tor) -> None:
    tor.fails = True
    assert "its log: Address already in use" in tor.run({"name": "shop1", "action": "start"})["msg"]
    tor.fails, tor.dies = False, True
    assert "it ended after start" in tor.run({"name": "shop1", "action": "start"})["msg"]
    assert not os.path.exists(locations.RECORDS_ROOT)


def test_check_mode_and_stagger(tor: Tor) -> None:
    action = {"name": "shop1", "action": "start", "stagger": 1, "reasons": ["is not running"], "revisions": {"shop": 3}}
    assert tor.run(action, check=True)["changed"]
    assert not tor.commands
    assert not tor.run()["changed"]
    begun = time.monotonic()
    tor.run(action, {**action, "stagger": 0}, wait=False)
    assert 1.0 <= time.monotonic() - begun < 2.0


def test_restarts_do_not_wait_for_their_turn_of_a_first_start(tor: Tor) -> None:
    begun = time.monotonic()
    tor.run({"name": "shop1", "action": "restart", "stagger": 6}, wait=False)
    assert time.monotonic() - begun < 5


def test_units_are_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(*command: str, timeout: float = 0) -> str:
        asked.append(command)
        return (
            "ExecMainStartTimestampMonotonic=1000000\nId=tor@a.service\nActiveState=active\nInvocationID=x\n\n"
            "ExecMainStartTimestampMonotonic=0\nId=tor@b.service\nActiveState=failed\nInvocationID=\n"
        )

    monkeypatch.setattr(systemd, "run", run)
    units = systemd.units(["a", "b", "c"])
    assert len(asked) == 1
    assert units["a"].active
    assert units["a"].invocation == "x"
    assert abs(units["a"].started - (time.time() - time.monotonic() + 1)) < 1
    assert units["b"] == units["c"] == systemd.Unit(False, "", 0.0)
    assert systemd.units([]) == {}


def test_run_tells_what_failed() -> None:
    assert systemd.run("echo", "hello") == "hello\n"
    for command, words in [
        (("false",), "failed: no output"),
        (("no-such-program",), "install it"),
        (("sleep", "5"), "did not end"),
    ]:
        with pytest.raises(OnionfleetError, match=words):
            systemd.run(*command, timeout=0.2)


@pytest.mark.parametrize("waiting", ["[warn] Directory is slow", "[notice] Bootstrapped 100% (done): Done"])
def test_the_log_that_is_quoted_is_of_this_run_and_tells_something(
    monkeypatch: pytest.MonkeyPatch, waiting: str
) -> None:
    said = [
        ("run1", "[err] Reading config failed"),
        ("run2", "Set buildtimeout to low value 12.0ms. Setting to 1500ms"),
        ("run2", waiting),
        ("run2", "[warn] Set buildtimeout to low value 12.0ms. Setting to 1500ms"),
    ]
    lines = [json.dumps({"MESSAGE": text, "PRIORITY": "6", "_SYSTEMD_INVOCATION_ID": run}) for run, text in said]
    monkeypatch.setattr(systemd, "run", lambda *_command, timeout=0: "\n".join(lines))
    assert systemd.last_log("shop1") == waiting
