# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keepers through everything that happens to them: a hardmap on five hosts. How fast they are is told in docs/keeper.md.

The tests follow one another on one fleet, and leave it as they found it.
"""

from __future__ import annotations

import json

import pytest
from conftest import NETWORK_HOST, Fleet
from onion_fleet import fleet, service, wait_for

WEB = ("web1", "web2", "web3", "web4", "web5")
NEWSROOM = service("newsroom", keeper=True, ports=[{"port": 80, "target": "unix:/run/pages/beta.sock"}],
                   probe={"capture": "hello from ([a-z0-9]+)"})
ASK = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(5); "
    "s.connect('/run/onionfleet-keeper/status.sock'); print(''.join(iter(lambda: s.recv(65536).decode(), '')))"
)
OPTIONS = """
import socket
connection = socket.socket(socket.AF_UNIX)
connection.connect('/run/tor-instances/newsroomw1/control')
cookie = open('/run/tor-instances/newsroomw1/control.authcookie', 'rb').read().hex().encode()
connection.sendall(b'AUTHENTICATE ' + cookie + b'\\r\\nGETCONF PublishHidServDescriptors\\r\\nGETCONF HiddenServiceOptions\\r\\nQUIT\\r\\n')
print(connection.makefile().read())
"""
PROCESS = "systemctl show -P MainPID onionfleet-keeper"


class Kept(Fleet):
    """The fleet, and what its keepers and the network say."""

    def host(self, name):
        return next(host for host in self.hosts if host.name == name)

    def keeper(self, name):
        """What a keeper says of the service; empty while it says nothing."""
        answer = self.host(name).sh(f'python3 -c "{ASK}"', check=False)
        return json.loads(answer)["services"][0] if answer.startswith("{") else {}

    def replicas(self, names=WEB):
        told = {name: self.keeper(name) for name in names}
        return {name: each["replicas"][0] if each else {} for name, each in told.items()}

    def steady(self, names=WEB, timeout=240):
        """Wait until one holds, all others stand by and could take over, and all have seen the same; returns the holder."""
        return wait_for(lambda: self._holder(names), f"one of {names} holds, the others stand by", timeout)

    def _holder(self, names):
        replicas = self.replicas(names)
        if not all(each and each["ready"] and each["publishes"] is each["holds"] for each in replicas.values()):
            return None
        holders = [name for name, each in replicas.items() if each["holds"]]
        return holders[0] if len(holders) == 1 and len({each["revision_counter"] for each in replicas.values()}) == 1 else None

    def revision(self, name):
        """Of the descriptor that the HSDirs hold, as a keeper saw it."""
        return self.replicas([name])[name].get("revision_counter")

    def orders(self):
        """Publications that keepers ordered in the last hour."""
        return sum(len(each.get("published", [])) for each in self.replicas().values())

    def report(self, *arguments):
        """What verification finds now."""
        path = self.operator.folder / "report.json"
        path.unlink(missing_ok=True)
        self.operator.run("status", *arguments, extra={"verify_report_file": str(path), "verify_timeout": 30})
        return json.loads(path.read_text())["services"][0]

    def options(self, name):
        return self.host(name).sh(f'python3 -c "{OPTIONS}"')


@pytest.fixture(scope="module")
def running(tmp_path_factory, network):
    made = Kept(tmp_path_factory.mktemp("operator"), network, WEB)
    made.operator.declare(NEWSROOM)
    made.operator.run("keys")
    made.checked = made.operator.deploy("--check", "--diff")
    made.deployed = made.operator.deploy("--diff", verified=True)
    # in half of each time period none knows whose descriptor is out there, until somebody publishes
    made.host("web1").sh("systemctl restart tor@newsroomw1")
    yield made
    made.remove()


def other(name):
    """A host that is neither that nor the one that asks through Tor."""
    return next(each for each in WEB[1:] if each != name)


def changed(run):
    return {(host, task) for host, task, *_what in run.changes if task.startswith("onionfleet.balance.keeper")}


def test_check_mode_named_what_followed(running):
    assert changed(running.checked) == changed(running.deployed)
    assert {host for host, _task in changed(running.deployed)} == {*WEB}


def test_a_second_run_changes_nothing(running):
    assert running.operator.deploy().changes == []


def test_status_tells_who_holds(running):
    holder = running.steady()
    found = running.report()
    assert found["troubles"] == []
    assert {each["host"]: each["keeper"]["state"] for each in found["replicas"]} == {
        name: "holds" if name == holder else "stands by" for name in WEB}
    assert found["holder"]["host"] == holder


def test_a_killed_keeper_comes_back_and_publishes_nothing(running):
    holder = running.steady()
    revision = running.revision(holder)
    for name in (holder, other(holder)):
        host = running.host(name)
        process = host.sh(PROCESS)
        host.sh("systemctl kill -s KILL onionfleet-keeper")
        wait_for(lambda host=host, process=process: host.sh(PROCESS) not in (process, "0"), f"the keeper of {name} is back", 60)
        assert running.steady() == holder
    assert running.revision(holder) == revision


def test_a_keeper_that_hangs_is_told_and_replaced(running):
    name = other(running.steady())
    host = running.host(name)
    process = host.sh(PROCESS)
    host.sh("systemctl kill -s STOP onionfleet-keeper")
    assert [trouble for trouble in running.report()["troubles"] if trouble.startswith(f"keeper of host '{name}': ")]
    wait_for(lambda: host.sh(PROCESS) not in (process, "0"), "systemd has replaced it", 180)
    running.steady()


def test_without_its_keeper_a_replica_is_plain_tor(running):
    name = other(running.steady())
    host = running.host(name)
    assert "PublishHidServDescriptors=0" in running.options(name)
    host.sh("systemctl stop onionfleet-keeper")
    try:
        found = running.options(name)
        assert "PublishHidServDescriptors=1" in found
        assert "PoWDefensesEnabled" not in found
        assert any(trouble.startswith(f"keeper of host '{name}': ") and "nobody listens" in trouble for trouble in running.report()["troubles"])
    finally:
        host.sh("systemctl start onionfleet-keeper")
    running.steady()


def test_a_holder_whose_tor_restarts(running):
    holder = running.steady()
    running.host(holder).sh("systemctl restart tor@newsroomw1")
    running.steady()
    assert running.report()["answer"]["answered"] == 1


def test_a_control_socket_that_is_gone(running):
    holder = running.steady()
    name = other(holder)
    host, revision = running.host(name), running.revision(holder)
    host.sh("rm /run/tor-instances/newsroomw1/control && systemctl restart onionfleet-keeper")
    wait_for(lambda: running.replicas([name])[name].get("publishes", True) is None, "its keeper misses it", 30)
    assert any("runs and does not answer it" in trouble for trouble in running.report()["troubles"])
    assert running.steady([each for each in WEB if each != name]) == holder
    assert running.revision(holder) == revision
    host.sh("systemctl restart tor@newsroomw1")
    running.steady()


def test_a_keeper_whose_client_has_no_consensus_takes_nothing_over(running):
    holder = running.steady()
    name = other(holder)
    host, revision = running.host(name), running.revision(holder)
    before = running.replicas([name])[name]["publications"]
    host.sh(f"ip route add blackhole {NETWORK_HOST.address}/32; systemctl stop tor@onionkeeper;"
            " rm -f /var/lib/tor-instances/onionkeeper/cached-* /var/lib/tor-instances/onionkeeper/state; systemctl start --no-block tor@onionkeeper")
    try:
        wait_for(lambda: running.replicas([name])[name].get("failures", 0) >= 5, "its requests fail", 180)
        assert running.keeper(name)["hsdirs_answer"] is False
        assert running.replicas([name])[name]["publications"] == before
        assert running.steady([each for each in WEB if each != name]) == holder
        assert running.revision(holder) == revision
    finally:
        host.sh(f"ip route del blackhole {NETWORK_HOST.address}/32")
    running.steady()


def test_two_of_five_lose_tor_and_return(running):
    """One takes over, and when they are back nobody does."""
    holder = running.steady()
    lost = (holder, other(holder))
    left = [name for name in WEB if name not in lost]
    before = running.orders()
    for name in lost:
        fleet("cut", name)
    try:
        survivor = running.steady(left)
        number = running.revision(survivor)
    finally:
        for name in lost:
            fleet("heal", name)
    last = running.steady()
    # at most one for the loss, and one turn that may fall into these minutes
    assert running.orders() - before <= 2
    assert last == survivor or running.revision(last) != number
    assert running.report()["answer"]["answered"] == 1


def test_the_word_taken_back_leaves_plain_tor(running):
    running.operator.declare({**NEWSROOM, "keeper": False})
    run = running.operator.deploy()
    assert running.operator.deploy().changes == []
    for name in WEB:
        assert running.host(name).sh("systemctl is-active onionfleet-keeper tor@onionkeeper", check=False).split() == ["inactive", "inactive"]
        found = running.options(name)
        assert "PublishHidServDescriptors=1" in found
        assert "PoWDefensesEnabled" not in found
    # nothing of its daemons' files was different for the keeper's sake
    assert not [action for actions in run.actions.values() for action in actions if action[0] == "newsroomw1"]
