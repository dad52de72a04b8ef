# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keepers through everything that happens to them: a hardmap on five hosts. docs/keeper.md tells how fast they are.

The tests follow one another on one fleet, and leave it as they found it.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys

import pytest
from onion_fleet import Client, fleet, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

from keeper_laboratory import KeeperLaboratory
from laboratory import NETWORK, VISITORS

WEB = {"web1": "bookworm", "web2": "trixie", "web3": "bookworm", "web4": "trixie", "web5": "bookworm"}
VOTING_INTERVAL = 300
TELLING = {"capture": "hello from ([a-z0-9]+)"}
NAME, DAEMON = "newsroom", "newsroomw1"
OPTIONS = """
import socket
connection = socket.socket(socket.AF_UNIX)
connection.connect('/run/tor-instances/newsroomw1/control')
cookie = open('/run/tor-instances/newsroomw1/control.authcookie', 'rb').read().hex().encode()
connection.sendall(b'AUTHENTICATE ' + cookie + b'\\r\\nGETCONF PublishHidServDescriptors'
                   b'\\r\\nGETCONF HiddenServiceOptions\\r\\nQUIT\\r\\n')
print(connection.makefile().read())
"""
PROCESS = "systemctl show -P MainPID onionfleet-keeper"


class Kept(KeeperLaboratory):
    """A hardmap with keepers, and what its operator sees."""

    def declare(self, *others, keeper=True, **variables):
        declared = self.hardmap(NAME, "beta", keeper=keeper, probe=TELLING)
        self.operator.declare(declared, *others, onion_probe_hosts=[VISITORS], **variables)

    def orders(self):
        """Publications that keepers have ordered since they started."""
        return sum(self.replica(host, NAME)["publications"] for host in self.web)

    def report(self, name=NAME):
        """What verification finds now."""
        path = self.operator.folder / "report.json"
        path.unlink(missing_ok=True)
        self.operator.run("status", extra={"verify_report_file": str(path), "verify_timeout": 30})
        return next(each for each in json.loads(path.read_text())["services"] if each["name"] == name)

    def restarts(self, **options):
        """Deploy other options of all daemons, which takes a restart of each."""
        self.declare(onion_daemon_options=options)
        return self.operator.run("deploy", fails=None, extra={"handover_drain_timeout": 60, "verify_requests": 1})

    def invocations(self):
        return {name: self.hosts[name].daemons()[DAEMON]["invocation"] for name in WEB}

    def drained(self):
        """Hosts whose keepers take no turn."""
        return [name for name in WEB if self.replica(name, NAME)["drained"]]

    def options(self, host):
        return self.hosts[host].sh(f'python3 -c "{OPTIONS}"')


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    made = Kept(tmp_path_factory.mktemp("keeper"), WEB, visitors=1, voting_interval=VOTING_INTERVAL)
    made.build()
    made.declare()
    made.operator.run("keys")
    made.checked = made.operator.deploy("--check", "--diff")
    made.deployed = made.operator.deploy("--diff", verified=True)
    made.start_visitors()
    yield made
    if not os.environ.get("FLEET_KEEP"):
        made.remove()


def other(name):
    return next(each for each in WEB if each != name)


def changed(run):
    return {(host, task) for host, task, *_what in run.changes if task.startswith("onionfleet.balance.keeper")}


def test_check_mode_named_what_followed(running):
    assert changed(running.checked) == changed(running.deployed)
    assert {host for host, _task in changed(running.deployed)} == {*WEB}


def test_a_second_run_changes_nothing(running):
    assert running.operator.deploy().changes == []


def test_status_tells_who_holds(running):
    holder = running.steady(NAME)
    found = running.report()
    assert found["troubles"] == []
    assert {each["host"]: each["keeper"]["state"] for each in found["replicas"]} == {
        name: "holds" if name == holder else "stands by" for name in WEB
    }
    assert found["holder"]["host"] == holder


def test_a_killed_keeper_comes_back_and_publishes_nothing(running):
    holder = running.steady(NAME)
    revision = running.replica(holder, NAME)["revision_counter"]
    for name in (holder, other(holder)):
        host = running.hosts[name]
        process = host.sh(PROCESS)
        host.sh("systemctl kill -s KILL onionfleet-keeper")
        wait_for(
            lambda host=host, process=process: host.sh(PROCESS) not in (process, "0"),
            f"the keeper of {name} is back",
            60,
        )
        wait_for(lambda: running.content(NAME), "all is well", 120)
        assert running.replica(name, NAME)["revision_counter"] == revision
        assert running.replica(name, NAME)["publications"] == 0


def test_a_keeper_that_hangs_is_told_and_replaced(running):
    name = other(running.steady(NAME))
    host = running.hosts[name]
    process = host.sh(PROCESS)
    host.sh("systemctl kill -s STOP onionfleet-keeper")
    assert [trouble for trouble in running.report()["troubles"] if trouble.startswith(f"keeper of host '{name}': ")]
    wait_for(lambda: host.sh(PROCESS) not in (process, "0"), "systemd has replaced it", 180)
    running.steady(NAME)


def test_one_that_has_not_loaded_what_is_there_is_told_and_restarted(running):
    """As a run leaves it that is killed between the two."""
    name = other(running.steady(NAME))
    running.hosts[name].sh("chmod 0600 /etc/onionfleet/keeper/config.json")
    assert f"keeper of host '{name}': was not restarted since its files changed; deploy" in running.report()["troubles"]
    assert {host for host, _task in changed(running.operator.deploy())} == {name}
    assert running.operator.deploy().changes == []


def test_without_its_keeper_a_replica_is_plain_tor(running):
    name = other(running.steady(NAME))
    host = running.hosts[name]
    assert "PublishHidServDescriptors=0" in running.options(name)
    host.sh("systemctl stop onionfleet-keeper")
    try:
        found = running.options(name)
        assert "PublishHidServDescriptors=1" in found
        assert "PoWDefensesEnabled" not in found
        assert any(
            trouble.startswith(f"keeper of host '{name}': ") and "nobody listens" in trouble
            for trouble in running.report()["troubles"]
        )
    finally:
        host.sh("systemctl start onionfleet-keeper")
    running.steady(NAME)


def test_a_holder_whose_tor_restarts(running):
    holder = running.steady(NAME)
    running.hosts[holder].sh(f"systemctl restart tor@{DAEMON}")
    running.steady(NAME)
    assert running.report()["answer"]["answered"] == 1


def test_replicas_restart_one_after_another(running):
    """Their keepers hold those back that start, until visitors are given back."""
    running.steady(NAME)
    before = running.invocations()
    assert running.restarts(no_exec=True).code == 0
    after = running.invocations()
    assert [name for name in WEB if before[name] == after[name]] == []
    assert running.drained() == []
    running.steady(NAME)
    assert running.operator.deploy().changes == []


def test_a_stopped_restart_is_finished_by_roll(running):
    """And gives visitors back to the replica that it had begun with."""
    before = running.invocations()
    broken = f"/etc/systemd/system/tor@{DAEMON}.service.d/broken.conf"
    for name in WEB:
        running.hosts[name].write(broken, "[Service]\nExecStartPre=/bin/false\n")
        running.hosts[name].sh("systemctl daemon-reload")
    stopped = running.restarts(no_exec=False)
    for name in WEB:
        running.hosts[name].sh(f"rm {broken}; systemctl daemon-reload; systemctl reset-failed")
    assert stopped.code != 0
    (first,) = running.drained()
    assert f"Not finished: {first}. Not begun: " in stopped.messages
    # as somebody does who mends it by hand: nothing is due on it any more
    running.hosts[first].sh(f"systemctl start tor@{DAEMON}")
    running.operator.run("roll", extra={"handover_drain_timeout": 60, "verify_requests": 1})
    assert running.drained() == []
    after = running.invocations()
    assert [name for name in WEB if before[name] == after[name]] == []
    running.steady(NAME)
    assert running.operator.deploy().changes == []


def test_a_control_socket_that_is_gone(running):
    holder = running.steady(NAME)
    name = other(holder)
    host, revision = running.hosts[name], running.replica(holder, NAME)["revision_counter"]
    host.sh(f"rm /run/tor-instances/{DAEMON}/control && systemctl restart onionfleet-keeper")
    try:
        wait_for(lambda: running.replica(name, NAME).get("publishes", True) is None, "its keeper misses it", 30)
        found = running.report()
        assert next(each["keeper"]["state"] for each in found["replicas"] if each["host"] == name) == "no tor"
        assert any(
            trouble.startswith(f"daemon '{DAEMON}' of host '{name}': control socket") for trouble in found["troubles"]
        )
        assert running.steady(NAME, *(each for each in WEB if each != name)) == holder
        assert running.replica(holder, NAME)["revision_counter"] == revision
    finally:
        host.sh(f"systemctl restart tor@{DAEMON}")
    running.steady(NAME)


def test_a_keeper_whose_client_has_no_consensus_takes_nothing_over(running):
    holder = running.steady(NAME)
    name = other(holder)
    host, revision = running.hosts[name], running.replica(holder, NAME)["revision_counter"]
    before, failed = running.replica(name, NAME)["publications"], running.keeper(name, NAME)["probes"]["failed"]
    host.sh(
        f"ip route add blackhole {running.hosts[NETWORK].address}/32; systemctl stop tor@onionkeeper;"
        " rm -f /var/lib/tor-instances/onionkeeper/cached-* /var/lib/tor-instances/onionkeeper/state;"
        " systemctl start --no-block tor@onionkeeper"
    )
    try:
        wait_for(lambda: running.keeper(name, NAME)["probes"]["failed"] >= failed + 5, "its requests fail", 180)
        assert running.keeper(name, NAME)["hsdirs_answer"] is False
        assert running.replica(name, NAME)["publications"] == before
        assert running.steady(NAME, *(each for each in WEB if each != name)) == holder
        assert running.replica(holder, NAME)["revision_counter"] == revision
    finally:
        host.sh(f"ip route del blackhole {running.hosts[NETWORK].address}/32")
    running.steady(NAME)


def test_two_of_five_lose_tor_and_return(running):
    """One takes over, and when they are back nobody does."""
    holder = running.steady(NAME)
    lost = (holder, other(holder))
    left = [name for name in WEB if name not in lost]
    before = running.orders()
    for name in lost:
        fleet("cut", name)
    try:
        survivor = running.steady(NAME, *left)
        number = running.replica(survivor, NAME)["revision_counter"]
    finally:
        for name in lost:
            fleet("heal", name)
    last = running.steady(NAME)
    # at most one for the loss, and one turn that may fall into these minutes
    assert running.orders() - before <= 2
    assert last == survivor or running.replica(last, NAME)["revision_counter"] != number
    assert running.report()["answer"]["answered"] == 1


def test_a_restricted_service_is_asked_with_the_key_of_a_client(running):
    client = Client()
    desk = running.hardmap(
        "desk",
        "gamma",
        keeper=True,
        probe=TELLING,
        authorized_clients=[{"name": "keeper", "public_key": client.public}],
    )
    running.declare(desk)
    running.operator.run("keys")
    credentials = {"onion_client_credentials": {running.operator.address("desk"): client.private}}
    running.declare(desk, **credentials)
    running.operator.deploy(verified=True)
    wait_for(lambda: running.content("desk"), "all keepers ask with the key", 300)
    (answering,) = running.report("desk")["answer"]["answered_by"]
    left = [name for name in WEB if name != answering]
    running.strike("kill", answering, "deskw1")
    try:
        wait_for(lambda: any(running.replica(name, "desk").get("holds") for name in left), "another one holds", 180)
    finally:
        running.mend("kill", answering, "deskw1")
    wait_for(lambda: running.content("desk"), "all is well", 300)
    running.declare({**desk, "state": "absent"}, **credentials)
    running.operator.deploy()


def test_the_word_taken_back_leaves_plain_tor(running):
    running.declare(keeper=False)
    run = running.operator.deploy()
    assert running.operator.deploy().changes == []
    for name in WEB:
        assert running.hosts[name].sh("systemctl is-active onionfleet-keeper tor@onionkeeper", check=False).split() == [
            "inactive",
            "inactive",
        ]
        found = running.options(name)
        assert "PublishHidServDescriptors=1" in found
        assert "PoWDefensesEnabled" not in found
    # nothing of its daemons' files was different for the keeper's sake
    assert not [action for actions in run.actions.values() for action in actions if action[0] == DAEMON]
