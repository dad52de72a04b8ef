# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import json
import os

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import drain
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations, streams, systemd
from ansible_collections.onionfleet.balance.plugins.modules import onion_drain
from fake_control import FakeTor

OLD, NEW, FIRST = ("A" * 40, "B" * 40, "C" * 40)


def circuit(number, last, purpose="HS_SERVICE_INTRO HS_STATE=HSSI_ESTABLISHED", status="BUILT"):
    return (
        f"{number} {status} ${FIRST}~first,${last}~last BUILD_FLAGS=IS_INTERNAL PURPOSE={purpose}"
        " REND_QUERY=x TIME_CREATED=x"
    )


class Tor(FakeTor):
    """Has the next of ``circuits`` each time that it is asked; the last for good. Notes what is closed."""

    def __init__(self, folder):
        super().__init__(folder)
        self.circuits, self.closed = [""], []

    def _answer(self, line):
        if line == "GETINFO circuit-status":
            self.info["circuit-status"] = self.circuits.pop(0) if len(self.circuits) > 1 else self.circuits[0]
        if line.startswith("CLOSECIRCUIT"):
            self.closed.append(line.split()[1])
            if self.closed[-1] == "13":
                return "552 Unknown circuit\r\n"
        return super()._answer(line)


@pytest.fixture
def tor(tmp_path, monkeypatch):
    tor = Tor(tmp_path)
    tor.streams = iter([0])
    monkeypatch.setattr(locations, "control_socket", lambda _name: tor.path)
    monkeypatch.setattr(drain, "TURN_SECONDS", 0.01)
    monkeypatch.setattr(
        systemd,
        "run",
        lambda *_command, **_options: (
            f"MainPID={os.getpid()}\nId=tor@shop1.service\n\nMainPID=0\nId=tor@lost.service\n"
        ),
    )
    monkeypatch.setattr(streams, "count", lambda *_arguments: next(tor.streams))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tor


@pytest.fixture
def run(capfd):
    def run(*daemons, **options):
        with patch_module_args(
            {"daemons": list(daemons) or ["shop1"], "timeout": 5, "quiet": 0, **options}
        ), pytest.raises(SystemExit):
            onion_drain.main()
        return json.loads(capfd.readouterr().out)

    return run


def test_it_waits_until_the_streams_are_gone(tor, run):
    tor.streams = itertools.chain([3, 2, 2, 1, 0], itertools.repeat(0))
    assert run(quiet=0)["daemons"] == [{"name": "shop1", "streams": 0, "error": None}]
    tor.streams = itertools.chain([1, 0, 1, 0], itertools.repeat(0))
    assert run(quiet=1)["seconds"] >= 1, "quiet for a moment only"


def test_somebody_who_is_being_connected_to_is_waited_for(tor, run):
    tor.streams = itertools.repeat(0)
    tor.circuits = [circuit(1, OLD, "HS_SERVICE_REND HS_STATE=HSSR_CONNECTING")] * 30 + [
        circuit(1, OLD, "HS_SERVICE_REND HS_STATE=HSSR_JOINED")
    ]
    assert run(quiet=0)["daemons"][0]["streams"] == 0
    assert len(tor.circuits) == 1


def test_streams_that_do_not_end_are_told(tor, run, monkeypatch):
    warnings = []
    monkeypatch.setattr(onion_drain.AnsibleModule, "warn", lambda _module, text: warnings.append(text))
    tor.streams = itertools.repeat(2)
    result = run(timeout=0)
    assert warnings == ["daemon 'shop1': 2 streams are still open after 0 s"]
    assert (result["daemons"][0]["streams"], result.get("failed")) == (2, None)


def test_known_introduction_points_are_closed_and_no_others(tor, run):
    tor.streams = itertools.chain([1, 1, 0], itertools.repeat(0))
    tor.circuits = [
        "\n".join(
            [
                circuit(1, OLD),
                circuit(2, OLD, "HS_SERVICE_REND HS_STATE=HSSR_JOINED"),
                circuit(3, NEW, status="EXTENDED"),
            ]
        ),
        "\n".join([circuit(4, OLD), circuit(5, NEW)]),
        circuit(13, OLD),
        circuit(5, NEW),
    ]
    run()
    assert tor.closed == ["1", "4", "13"]


def test_it_waits_until_tor_has_given_its_introduction_points_up(tor, run):
    """Seen on hosts: a visitor came through a point that tor had built anew after the last look."""
    tor.circuits = [
        circuit(1, OLD),
        *[circuit(2, OLD, status="EXTENDED")] * 3,
        circuit(2, OLD),
        *[circuit(3, FIRST, status="LAUNCHED")] * 3,
        circuit(3, NEW),
    ]
    tor.streams = itertools.repeat(0)
    run()
    assert tor.closed == ["1", "2"]
    assert len(tor.circuits) == 1


def test_it_does_not_wait_for_ever_for_that(tor, run, monkeypatch):
    monkeypatch.setattr(drain, "TURN_AWAY_SECONDS", 0.2)
    tor.circuits = [circuit(1, OLD), circuit(2, OLD, status="EXTENDED")]
    tor.streams = itertools.repeat(0)
    assert run()["seconds"] < 3


def test_who_does_not_run_or_goes_away_is_drained(tor, run):
    assert run("lost")["daemons"] == [{"name": "lost", "streams": 0, "error": "it does not run"}]
    tor.hang_up()
    os.unlink(tor.path)
    result = run("shop1")
    assert "control socket" in result["daemons"][0]["error"]
    assert "failed" not in result


def test_a_check_run_closes_nothing(tor, run):
    tor.circuits = [circuit(1, OLD)]
    assert run(_ansible_check_mode=True)["changed"]
    assert tor.closed == []
