# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import present, running, uploads
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import publishing
from ansible_collections.onionfleet.balance.plugins.modules import onion_publishing
from fake_control import FakeTor

LABEL = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad"


class Tor(FakeTor):
    """HSDirs answer each publication as the next of ``answers`` says."""

    answers = ["UPLOADED"] * 16

    def _set(self, rest):
        super()._set(rest)
        if self.publishes == "1" and self.answers is not None:
            for number in range(16):
                self.say(f"650 HS_DESC UPLOAD {LABEL} UNKNOWN ${number} id")
            for number, answer in enumerate(self.answers[:16]):
                self.say(f"650 HS_DESC {answer} {LABEL} UNKNOWN ${number} REASON=UPLOAD_REJECTED")
            self.answers = self.answers[16:] or self.answers


@pytest.fixture
def tor(tmp_path, monkeypatch):
    (tmp_path / "etc/shop1").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/hostname").write_text(f"{LABEL}.onion\n")
    (tmp_path / "etc/shop1/torrc").write_text(f"HiddenServiceDir {tmp_path}/data\nHiddenServicePort 80 127.0.0.1:1\n")
    tor = Tor(tmp_path)
    tor.services = [f"HiddenServiceDir={tmp_path}/data", "HiddenServicePort=80 127.0.0.1:1"]
    monkeypatch.setattr(locations, "INSTANCES_ROOT", str(tmp_path / "etc"))
    monkeypatch.setattr(
        locations, "control_socket", lambda name: tor.path if name == "shop1" else str(tmp_path / "nowhere")
    )
    monkeypatch.setattr(publishing, "SWALLOWED_SECONDS", 0.01)
    monkeypatch.setattr(uploads, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(uploads, "_TURN_SECONDS", 0.01)
    return tor


@pytest.fixture
def run(capfd):
    def run(state, *daemons, check=False):
        arguments = {"daemons": list(daemons) or ["shop1"], "state": state, "timeout": 1, "_ansible_check_mode": check}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            onion_publishing.main()
        return json.loads(capfd.readouterr().out)

    return run


def test_it_waits_until_all_hsdirs_took_it(tor, run):
    result = run("published")
    assert result["changed"]
    assert result["daemons"][0]["services"] == [{"address": f"{LABEL}.onion", "tried": 16, "taken": 16, "refused": 0}]
    assert [dict(command)["PublishHidServDescriptors"] for command in tor.commands] == ["0", "1"]


def test_what_is_refused_is_published_again(tor, run):
    tor.answers = ["FAILED"] * 3 + ["UPLOADED"] * 29
    assert run("published")["daemons"][0]["services"][0]["taken"] == 16
    assert len(tor.commands) == 4


def test_a_quorum_is_enough_in_the_end_and_less_is_not(tor, run):
    tor.answers = ["FAILED"] * 7 + ["UPLOADED"] * 9
    assert "failed" not in run("published")
    tor.answers = ["FAILED"] * 8 + ["UPLOADED"] * 8
    result = run("published")
    assert result["failed"]
    assert f"8 of 16 HSDirs took its descriptor of {LABEL}.onion" in result["msg"]


def test_a_daemon_that_uploads_nothing_is_a_failure_as_is_one_that_does_not_run(tor, run):
    tor.answers = None
    assert f"daemon 'shop1': it uploaded no descriptor of {LABEL}.onion" in run("published")["msg"]
    result = run("published", "lost")
    assert result["failed"]
    assert "daemon 'lost': control socket" in result["msg"]


def test_standing_by_and_back_once(tor, run):
    tor.answers = None
    assert run("standby", check=True)["changed"]
    assert tor.commands == []
    assert [run("standby")["changed"], run("standby")["changed"]] == [True, False]
    assert run("released", check=True)["changed"]
    assert len(tor.commands) == 1
    assert [run("released")["changed"], run("released")["changed"]] == [True, False]
    assert [dict(command)["PublishHidServDescriptors"] for command in tor.commands] == ["0", "0", "1"]


def test_one_that_a_keeper_keeps_is_the_keepers_to_release(tor, run, monkeypatch):
    """Both at once would have it publish what it is armed with."""
    tor.answers = None
    run("standby")
    monkeypatch.setattr(present, "kept", lambda name: name == "shop1")
    assert not run("released")["changed"]
    assert [dict(command)["PublishHidServDescriptors"] for command in tor.commands] == ["0"]


def test_a_tor_in_its_sandbox_is_set_nothing(tor, run, monkeypatch):
    """It would end itself. It publishes when it starts, and whoever is about to be stopped is told nothing."""
    tor.sandbox, done = "1", []
    monkeypatch.setattr(running, "perform", lambda name, action: done.append((name, action)))
    monkeypatch.setattr(running, "serve", lambda name, deadline: done.append((name, "serves")))
    assert run("published", check=True)["changed"] and done == []
    assert run("published")["daemons"] == [{"name": "shop1", "changed": True, "error": None, "services": []}]
    assert done == [("shop1", "restart"), ("shop1", "serves")]
    assert not run("standby")["changed"] and not run("released")["changed"]
    # its own configuration has it publish nothing
    tor.publishes = "0"
    assert not run("released")["changed"]
    assert tor.commands == []
    monkeypatch.setattr(running, "perform", raising)
    assert run("published")["msg"] == "daemon 'shop1': restart: no"


def raising(name, action):
    raise OnionfleetError(f"daemon '{name}': {action}: no")


def test_who_does_not_run_need_not_be_told_to_stand_by(tor, run):
    result = run("standby", "lost", "shop1")
    assert [one["changed"] for one in result["daemons"]] == [False, True]
    assert "failed" not in result
    assert "control socket" in result["daemons"][0]["error"]
