# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live service becomes a softmap, and a hardmap again, while visitors ask on.

The tests follow one another on one fleet.
"""

from __future__ import annotations

import os

import pytest
from onion_fleet import wait_for
from visited_fleet import APPS, PUBLISHERS, VISITORS, VisitedFleet

PORTS = [{"port": 80, "target": "unix:/run/pages/beta.sock"}]
HARDMAP = {"name": "archive", "layout": "hardmap", "replicas": [*APPS], "ports": PORTS}
SOFTMAP = {"name": "archive", "layout": "softmap", "publishers": [*PUBLISHERS], "backends": [*APPS], "ports": PORTS}
NEIGHBOUR = {
    "name": "wiki",
    "layout": "softmap",
    "publishers": [*PUBLISHERS],
    "backends": [*APPS],
    "ports": [{"port": 80, "target": "unix:/run/pages/gamma.sock"}],
}
# what runs where, and where the key is
HARD = {**{name: ["archivew1"] for name in APPS}, **{name: [] for name in PUBLISHERS}}
SOFT = {**{name: ["archiveb1"] for name in APPS}, **{name: ["onionpublisher"] for name in PUBLISHERS}}
STEPS = [
    "Write the configuration and keys of all tor daemons",
    "Wait until the declared layout serves",
    "Keep replicas from publishing that publishers take over from",
    "Have these publishers publish, one after another",
    "Wait until HSDirs lead nobody to them",
    "Let their visitors finish",
    "Remove it",
]


@pytest.fixture(scope="module")
def live(tmp_path_factory, network):
    """A hardmap that visitors ask."""
    made = VisitedFleet(tmp_path_factory.mktemp("switch"), network)
    made.build()
    made.declare(HARDMAP)
    made.operator.run("keys")
    made.run("switch")
    made.start_visitors()
    yield made
    if not os.environ.get("FLEET_KEEP"):
        made.remove()


def is_softmap(live):
    assert live.daemons() == SOFT
    assert live.keys("archive") == [*PUBLISHERS]


def is_hardmap(live):
    assert live.daemons() == HARD
    assert live.keys("archive") == [*APPS]


def test_a_deployment_refuses_another_layout_and_names_the_switch(live):
    before = {host.name: host.daemons() for host in live.hosts.values()}
    live.declare(SOFTMAP)
    refused = live.operator.deploy(fails=True)
    assert (
        "service 'archive': layout: is softmap now" in refused.messages
        and "onionfleet.balance.switch" in refused.messages
    )
    assert {host.name: host.daemons() for host in live.hosts.values()} == before
    live.declare(HARDMAP)
    assert live.operator.deploy().changes == []


def test_a_hardmap_becomes_a_softmap(live):
    live.declare(SOFTMAP)
    before = live.daemons()
    foreseen = live.run("switch", "--check", "--diff")
    assert live.daemons() == before
    with live.asked("archive"):
        done = live.run("switch")
    for name in APPS:
        removed = [run.results("Remove it", name)[0]["removed"] for run in (foreseen, done)]
        assert removed[0] == removed[1] and any("its keys overwritten" in line for line in removed[0])
    is_softmap(live)
    assert live.operator.deploy().changes == []


def test_a_softmap_becomes_a_hardmap(live):
    live.declare(HARDMAP)
    with live.asked("archive"):
        live.run("switch")
    is_hardmap(live)
    assert live.operator.deploy().changes == []


@pytest.mark.long
def test_nothing_of_its_keepers_stays(live):
    live.declare({**HARDMAP, "keeper": True})
    live.operator.deploy()
    assert "onionkeeper" in live.daemons()["app1"]
    live.declare(SOFTMAP)
    live.run("switch")
    is_softmap(live)
    live.run("verify")
    live.declare(HARDMAP)
    live.run("switch")
    is_hardmap(live)


@pytest.mark.long
def test_a_download_through_the_old_side_ends_before_it_is_removed(live):
    live.declare(SOFTMAP)
    with live.hosts[VISITORS].long_download(live.operator.address("archive"), [live.hosts[name] for name in APPS]):
        process, record = live.operator.start("switch", extra={"handover_drain_timeout": 600, "verify_requests": 1})
        wait_for(
            lambda: record.exists() and "Let their visitors finish" in record.read_text() or process.poll() is not None,
            "the old side drains",
            600,
        )
        live.hosts[VISITORS].download_goes_on()
        assert all("archivew1" in live.daemons(name)[name] for name in APPS)
    output, _none = process.communicate()
    assert process.returncode == 0, output[-4000:]
    is_softmap(live)


@pytest.mark.long
def test_turned_back_half_way_it_goes_back(live):
    live.declare(HARDMAP)
    with live.asked("archive"):
        live.run("switch", fails=True, KILL_AT="Remove it", KILL_AFTER="0")
        live.declare(SOFTMAP)
        live.run("switch")
    is_softmap(live)


@pytest.mark.long
@pytest.mark.parametrize("_way", ["there", "back"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_after_a_step_it_goes_on(live, step, _way):
    soft = "archivew1" not in live.daemons("app1")["app1"]
    live.declare(HARDMAP if soft else SOFTMAP)
    with live.asked("archive", control=False):
        live.run("switch", fails=True, KILL_AT=step, KILL_AFTER="3")
        live.run("switch")
    (is_hardmap if soft else is_softmap)(live)
    assert live.operator.deploy().changes == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("old", "new", "holders"),
    [(HARDMAP, SOFTMAP, PUBLISHERS), (SOFTMAP, HARDMAP, APPS)],
    ids=["to_softmap", "to_hardmap"],
)
def test_beside_a_softmap_of_the_same_publishers(live, old, new, holders):
    """Whose publishers stay, and whose visitors notice nothing."""
    live.declare(old, NEIGHBOUR)
    live.operator.run("keys")
    live.run("switch")
    live.declare(new, NEIGHBOUR)
    with live.asked("archive", "wiki"):
        live.run("switch")
    daemon = "archiveb1" if new is SOFTMAP else "archivew1"
    assert live.daemons() == {
        **{name: [daemon, "wikib1"] for name in APPS},
        **{name: ["onionpublisher"] for name in PUBLISHERS},
    }
    assert (live.keys("archive"), live.keys("wiki")) == ([*holders], [*PUBLISHERS])
    assert live.operator.deploy().changes == []
