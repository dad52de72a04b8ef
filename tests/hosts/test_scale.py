# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A softmap and a hardmap grow, shrink and move while visitors ask on. The tests follow one another on one fleet."""

from __future__ import annotations

import os

import pytest
from visited_fleet import APPS, PUBLISHERS, VisitedFleet


def softmap(backends, publishers):
    return {"name": "archive", "layout": "softmap", "publishers": publishers, "backends": backends,
            "ports": [{"port": 80, "target": "unix:/run/pages/beta.sock"}]}


def hardmap(replicas, workers=1):
    return {"name": "news", "layout": "hardmap", "replicas": replicas, "workers": workers,
            "ports": [{"port": 80, "target": "unix:/run/pages/gamma.sock"}]}


NEWS = hardmap([*APPS], workers=2)


@pytest.fixture(scope="module")
def live(tmp_path_factory, network):
    made = VisitedFleet(tmp_path_factory.mktemp("scale"), network)
    made.build()
    made.declare(softmap(["app1"], ["pub1"]), NEWS)
    made.operator.run("keys")
    made.run("deploy")
    made.start_visitors()
    yield made
    if not os.environ.get("FLEET_KEEP"):
        made.remove()


def test_two_backends_come(live):
    live.declare(softmap([*APPS], ["pub1"]), NEWS)
    with live.asked("archive"):
        live.run("deploy")
    assert all("archiveb1" in daemons for daemons in live.daemons(*APPS).values())
    assert live.run("retire").changes == []


def test_a_backend_goes(live):
    live.declare(softmap(["app1", "app2"], ["pub1"]), NEWS)
    before = live.daemons()
    foreseen = live.run("retire", "--check", "--diff")
    assert live.daemons() == before
    with live.asked("archive"):
        live.run("deploy")
        done = live.run("retire")
    removed = [run.results("Remove it", "app3")[0]["removed"] for run in (foreseen, done)]
    assert removed[0] == removed[1] and any("its keys overwritten" in line for line in removed[0])
    assert live.daemons("app3") == {"app3": ["newsw1", "newsw2"]}
    assert live.run("retire").changes == []


def test_the_publisher_moves(live):
    live.declare(softmap(["app1", "app2"], ["pub2"]), NEWS)
    refused = live.run("retire", fails=True)
    assert "service 'archive': none of its planned publishers runs" in refused.messages
    assert live.daemons("pub1") == {"pub1": ["onionpublisher"]}
    with live.asked("archive"):
        live.run("deploy")
        live.run("retire")
    assert live.daemons(*PUBLISHERS) == {"pub1": [], "pub2": ["onionpublisher"]}
    assert live.keys("archive") == ["pub2"]


def test_nothing_of_ours_is_left_on_a_host_that_went(live):
    host = live.hosts["pub1"]
    assert (
        host.sh(
            "ls -d /usr/local/lib/onionfleet /etc/onionfleet /var/lib/onionfleet /etc/systemd/system/onionfleet* "
            "/etc/tor/instances/* /var/lib/tor-instances/* /etc/systemd/system/tor*.service 2>/dev/null",
            check=False,
        )
        == ""
    )
    assert host.sh("getent passwd | grep -c '^_tor-\\|^_onionpublisher'", check=False) == "0"
    assert host.sh("apt-mark showhold") == ""


def test_a_worker_of_each_host_goes(live):
    live.declare(softmap(["app1", "app2"], ["pub2"]), hardmap([*APPS]))
    with live.asked("news"):
        live.run("deploy")
        live.run("retire")
    assert [("newsw1" in daemons, "newsw2" in daemons) for daemons in live.daemons(*APPS).values()] == [
        (True, False)
    ] * 3


def test_a_replica_goes_and_its_host_with_it(live):
    live.declare(softmap(["app1", "app2"], ["pub2"]), hardmap(["app1", "app2"]))
    with live.asked("news"):
        live.run("deploy")
        live.run("retire")
    assert live.daemons("app3") == {"app3": []}
    assert live.keys("news") == ["app1", "app2"]
    assert live.hosts["app3"].sh("ls /var/lib/onionfleet", check=False) == ""


def test_a_killed_retirement_goes_on(live):
    """And the last living instance goes with the explicit word only."""
    live.declare(softmap(["app1", "app2"], ["pub2"]), hardmap(["app3"]))
    refused = live.run("retire", fails=True)
    assert "service 'news': none of its planned replicas runs" in refused.messages
    live.run("retire", fails=True, extra={"retire_last": True}, KILL_AT="Remove it", KILL_AFTER="0.5")
    live.run("retire", extra={"retire_last": True})
    assert live.keys("news") == []
    assert live.daemons("app1", "app2") == {name: ["archiveb1"] for name in ("app1", "app2")}
    assert live.run("retire").changes == []


def test_what_nobody_declares_is_told_and_goes_with_the_explicit_word_only(live):
    live.declare(hardmap(["app3"]))
    told = live.run("retire")
    assert told.changes == [] and "app1/archiveb1: nobody declares archive" in told.output
    live.run("retire", extra={"retire_undeclared": True})
    assert live.daemons("app1", "app2", "pub2") == {"app1": [], "app2": [], "pub2": []}
