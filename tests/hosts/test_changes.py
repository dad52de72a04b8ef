# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a fleet that runs: each touches what it has to and nothing else.

The tests follow one another on one fleet.
"""

from __future__ import annotations

import copy
import json

import pytest
from conftest import SERVICES
from onion_fleet import Client, fleet, wait_for

CLIENT = Client()


@pytest.fixture(scope="module")
def running(fresh):
    fresh.operator.declare(*SERVICES)
    fresh.operator.run("keys")
    fresh.operator.deploy(verified=True)
    return fresh


def declared(running, **changes):
    """The services, with further fields for some by their names; None leaves one out. Declares them."""
    services = [
        {**copy.deepcopy(each), **changes.get(each["name"], {})}
        for each in SERVICES
        if changes.get(each["name"], {}) is not None
    ]
    running.operator.declare(*services)


def daemons(running):
    return {host.name: host.daemons() for host in running.hosts}


def test_a_reload_touches_one_daemon_and_a_download_through_another_survives(running):
    web1, before = running.hosts[0], daemons(running)
    with web1.long_download(running.operator.address("beta"), running.hosts):
        declared(running, alpha={"max_streams": 77})
        run = running.operator.deploy()
    assert run.actions == {"web1": [("alphaw1", "reload")], "web2": [("alphaw1", "reload")]}
    after = daemons(running)
    for host in before:
        assert after[host].pop("alphaw1")["invocation"] == before[host].pop("alphaw1")["invocation"]
    assert after == before
    assert "HiddenServiceMaxStreams 77" in web1.sh("cat /etc/tor/instances/alphaw1/services/alpha.conf")
    assert running.operator.deploy().changes == []


def test_a_limited_run_drops_nothing_elsewhere(running):
    before = running.hosts[1].snapshot()
    declared(running, alpha={"max_streams": 78})
    run = running.operator.deploy("--limit", "web1")
    assert run.actions == {"web1": [("alphaw1", "reload")]}
    assert without_tors_own(running.hosts[1].snapshot()) == without_tors_own(before)
    assert running.operator.deploy().actions == {"web1": [], "web2": [("alphaw1", "reload")]}


def without_tors_own(snapshot):
    """Tor writes its state when it likes."""
    files = {
        path: entry
        for path, entry in snapshot["files"].items()
        if not path.startswith("/var/lib/tor-instances/") or path.count("/") > 5 or path.endswith("torrc")
    }
    return {**snapshot, "files": files}


def test_an_unreachable_host_does_not_stop_the_others_and_converges_later(running):
    declared(running, alpha={"max_streams": 79})
    fleet("cut", "web2")
    try:
        run = running.operator.deploy(fails=None)
    finally:
        fleet("heal", "web2")
    assert run.actions == {"web1": [("alphaw1", "reload")]}
    assert run.results("Look for trouble on each host", "web2")[0]["unreachable"]
    assert run.results("Tell what was found", "web1"), "the others were not verified"
    wait_for(running.hosts[1]._answers, "ssh of web2")
    assert running.operator.deploy().actions == {"web1": [], "web2": [("alphaw1", "reload")]}
    assert running.operator.deploy().changes == []


def test_restarts_come_one_after_another_and_the_holder_last(running):
    before = daemons(running)
    declared(running, alpha={"max_streams": 79, "daemon_options": {"no_exec": True}})
    report = running.operator.folder / "report.json"
    running.operator.run("status", extra={"verify_report_file": str(report)})
    holder = next(
        each["holder"]["host"] for each in json.loads(report.read_text())["services"] if each["name"] == "alpha"
    )
    run = running.operator.deploy(verified=True)
    order = [
        entry["host"]
        for entry in run.record
        if entry.get("outcome") == "ok" and entry["task"].endswith("Have daemons serve again")
    ]
    assert len(order) == 2
    assert order[-1] == holder
    after = daemons(running)
    starts = {
        host.name: int(host.sh("systemctl show -P ActiveEnterTimestampMonotonic tor@alphaw1")) for host in running.hosts
    }
    # the first one serves again before the second one stops
    stop = int(running.operator.hosts[order[1]].sh("systemctl show -P InactiveExitTimestampMonotonic tor@alphaw1"))
    assert starts[order[0]] < stop
    for host in before:
        assert after[host]["alphaw1"]["invocation"] != before[host]["alphaw1"]["invocation"]
        assert {name: state for name, state in after[host].items() if name != "alphaw1"} == {
            name: state for name, state in before[host].items() if name != "alphaw1"
        }


def test_when_the_first_one_does_not_come_back_the_others_are_not_touched(running):
    for host in running.hosts:
        host.write("/etc/systemd/system/tor@betaw1.service.d/broken.conf", "[Service]\nExecStartPre=/bin/false\n")
        host.sh("systemctl daemon-reload")
    before = daemons(running)
    declared(
        running,
        alpha={"max_streams": 79, "daemon_options": {"no_exec": True}},
        beta={"daemon_options": {"no_exec": True}},
    )
    try:
        run = running.operator.deploy(verified=True, fails=True)
        after = daemons(running)
    finally:
        for host in running.hosts:
            host.sh("rm -r /etc/systemd/system/tor@betaw1.service.d; systemctl daemon-reload; systemctl reset-failed")
    assert "daemon 'betaw1'" in run.messages
    (lost,) = (host for host in after if "betaw1" not in after[host])
    (other,) = (host for host in after if host != lost)
    assert after[other]["betaw1"] == before[other]["betaw1"]
    # systemd may have brought the lost one back by itself
    run = running.operator.deploy(verified=True)
    assert ("betaw1", "restart") in run.actions[other]
    assert running.operator.deploy().changes == []


@pytest.mark.parametrize("room", ["size=12k", pytest.param("nr_inodes=5", marks=pytest.mark.long)])
def test_a_disk_that_fills_in_the_middle(running, room):
    """The first new file still fits beside the old ones, the second does not."""
    web1, folder = running.hosts[0], "/etc/tor/instances/alphaw1"
    before = daemons(running)
    web1.sh(
        f"cp -a {folder} /root/copy; mount -t tmpfs -o {room} none {folder}; chown --reference=/root/copy {folder};"
        f"chmod 750 {folder}; cp -a /root/copy/. {folder}/"
    )
    try:
        old = web1.sh(f"cd {folder}; find . -ls | awk '{{print $3, $5, $6, $11}}'; cat torrc services/*")
        declared(
            running,
            alpha={"max_streams": 90 + len(room), "daemon_options": {"no_exec": True, "heartbeat_period": len(room)}},
        )
        run = running.operator.deploy(fails=True)
        assert "No space left on device" in run.messages
        assert "the previous configuration is back in place" in run.messages
        assert web1.sh(f"cd {folder}; find . -ls | awk '{{print $3, $5, $6, $11}}'; cat torrc services/*") == old
        assert daemons(running)["web1"] == before["web1"]
    finally:
        web1.sh(f"umount {folder}; rm -r /root/copy")
    running.operator.deploy(verified=True)
    assert running.operator.deploy().changes == []


def test_a_service_that_leaves_the_declaration_goes_on_and_is_reported(running):
    declared(running)
    running.operator.deploy()
    before = daemons(running)
    declared(running, delta=None, beta=None)
    run = running.operator.deploy()
    orphans = {host: result["orphans"] for host, result in run.instances.items()}
    assert {"daemon": "betaw1", "service": None} in orphans["web1"]
    assert {"daemon": "small", "service": "delta"} in orphans["web1"]
    assert orphans["web2"] == [{"daemon": "betaw1", "service": None}]
    assert run.actions == {"web1": [], "web2": []}
    assert daemons(running)["web1"]["betaw1"] == before["web1"]["betaw1"]


def test_an_absent_service_goes_and_keeps_its_key_until_told(running):
    web1 = running.hosts[0]
    key = "/var/lib/tor-instances/small/delta/hs_ed25519_secret_key"
    before = web1.sh(f"sha256sum {key}")
    declared(running, delta={"state": "absent"})
    run = running.operator.deploy()
    assert run.actions == {"web1": [("small", "reload")], "web2": []}
    files = web1.snapshot("/etc/tor/instances", "/var/lib/tor-instances")["files"]
    assert "/etc/tor/instances/small/services/delta.conf" not in files
    assert "/etc/tor/instances/small/services/gamma.conf" in files
    assert web1.sh(f"sha256sum {key}") == before
    assert running.operator.deploy().changes == []
    declared(running, delta={"state": "absent", "delete_key": True})
    running.operator.deploy()
    assert "/var/lib/tor-instances/small/delta" not in web1.snapshot("/var/lib/tor-instances")["files"]
    declared(running, delta={"state": "absent", "delete_key": True}, beta={"state": "absent"})
    assert running.operator.deploy().actions == {"web1": [("betaw1", "stop")], "web2": [("betaw1", "stop")]}
    for host in running.hosts:
        assert "betaw1" not in host.daemons()
        assert host.sh("systemctl is-enabled tor@betaw1", check=False) == "disabled"
        assert host.sh("ls /var/lib/tor-instances/betaw1/beta/hs_ed25519_secret_key")
    assert running.operator.deploy().changes == []


def test_a_new_package_of_tor_restarts_nothing(running):
    for host in running.hosts:
        before = host.daemons()
        host.sh(
            "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --reinstall --allow-change-held-packages tor 2>&1"
        )
        assert host.daemons() == before


# --- tors in their sandbox


def boxed(running, daemon_options=None, **alpha):
    """Declare one service, whose daemons have `sandbox: true`."""
    only = {**copy.deepcopy(SERVICES[0]), "pow": {"enabled": False}, "daemon_options": daemon_options or {}, **alpha}
    running.operator.declare(
        only,
        *({**each, "state": "absent"} for each in SERVICES[1:]),
        onion_probe_hosts=["web1"],
        onion_daemon_options={"sandbox": True},
        onion_client_credentials={running.operator.address("alpha"): CLIENT.private},
    )


def live_in_their_sandbox(running, *hosts):
    """These hosts' tors have not ended themselves; the service is on no other."""
    for host in running.hosts:
        named = ["alphaw1"] * (host.name in hosts) + ["onionprobe"] * (host.name == "web1")
        assert sorted(host.daemons()) == named
        if host.name in hosts:
            assert "Sandbox 1" in host.sh("cat /etc/tor/instances/alphaw1/torrc").splitlines()
        log = host.sh("journalctl --no-pager --output=cat --unit=tor@alphaw1 --unit=tor@onionprobe")
        assert [
            line for line in log.splitlines() if "interned sandbox" in line or "Scheduled restart job" in line
        ] == []


@pytest.mark.long
def test_tors_in_their_sandbox_live_through_all_that_is_done(running):
    """Clients' keys, restarts with handovers, publish, a retirement. The last client goes by the explicit word only."""
    operator, web1 = running.operator, running.hosts[0]
    address = operator.address("alpha")
    restricted = {"authorized_clients": [{"name": "desk", "public_key": CLIENT.public}]}
    boxed(running, **restricted)
    assert "All services answer." in operator.deploy(verified=True).output
    live_in_their_sandbox(running, "web1", "web2")

    before = daemons(running)
    boxed(running, daemon_options={"no_exec": True})
    assert "say 'lower_protection: true'" in operator.deploy(fails=True).messages
    assert daemons(running) == before
    # nor by a move, after which nothing is in the place where it is declared
    boxed(running, daemon_options={"no_exec": True}, directory="elsewhere")
    assert "clients are authorized on web1/alphaw1" in operator.deploy(fails=True).messages
    assert daemons(running) == before

    boxed(running, daemon_options={"no_exec": True}, lower_protection=True)
    run = operator.deploy(verified=True)
    assert run.actions == {name: [("alphaw1", "restart")] for name in ("web1", "web2")}
    live_in_their_sandbox(running, "web1", "web2")
    wait_for(lambda: web1.visit(address).startswith("hello from "), "it answers everybody", 120)

    assert "All services answer." in operator.run("publish", extra={"onion_publish": "alpha"}).output
    live_in_their_sandbox(running, "web1", "web2")
    wait_for(lambda: web1.visit(address).startswith("hello from "), "it answers everybody", 120)

    boxed(running, daemon_options={"no_exec": True}, replicas=["web2"])
    operator.deploy()
    operator.run("retire")
    live_in_their_sandbox(running, "web2")
    wait_for(lambda: web1.visit(address).startswith("hello from "), "the other replica answers", 120)
