# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolling changes of a hardmap and a softmap on the same three hosts, while visitors ask on."""

from __future__ import annotations

import json
import os

import pytest
from onion_fleet import wait_for
from visited_fleet import APPS, VISITORS, VisitedFleet

NEWCOMER = 3  # one of the visitors' tors
NEWER_TOR = """
set -e
mkdir -p /srv/newer && cd /srv/newer
apt-get -qq update && apt-get -qq download tor 2>&1
dpkg-deb -R tor_*.deb unpacked && rm tor_*.deb
sed -i 's/^Version: .*/&+newer/' unpacked/DEBIAN/control
dpkg-deb -b unpacked tor.deb && rm -r unpacked
{
  dpkg-deb -f tor.deb
  echo "Filename: ./tor.deb"
  echo "Size: $(stat -c %s tor.deb)"
  echo "SHA256: $(sha256sum tor.deb | cut -d' ' -f1)"
} > Packages
echo 'deb [trusted=yes] file:/srv/newer ./' > /etc/apt/sources.list.d/newer.list
"""
SERVICES = [
    {
        "name": "news",
        "layout": "hardmap",
        "replicas": [*APPS],
        "ports": [{"port": 80, "target": "unix:/run/pages/beta.sock"}],
    },
    {
        "name": "archive",
        "layout": "softmap",
        "backends": [*APPS],
        "publishers": ["app1", "app2"],
        "ports": [{"port": 80, "target": "unix:/run/pages/gamma.sock"}],
    },
]


def declare(rolling, **daemon_options):
    """With options for all daemons."""
    rolling.declare(*SERVICES, onion_daemon_options=daemon_options)


def running(rolling):
    return {name: rolling.hosts[name].daemons() for name in APPS}


@pytest.fixture(scope="module")
def rolling(tmp_path_factory, network):
    made = VisitedFleet(tmp_path_factory.mktemp("rolling"), network, APPS)
    made.build()
    declare(made)
    made.operator.run("keys")
    made.operator.deploy(verified=True)
    made.start_visitors()
    yield made
    if not os.environ.get("FLEET_KEEP"):
        made.remove()


def order(run):
    """Hosts in the order in which something was done to them."""
    acts = ("Have daemons serve again", "Reboot")
    acted = (
        entry["host"]
        for entry in run.record
        if entry.get("task", "").endswith(acts) and entry.get("result", {}).get("changed")
    )
    return list(dict.fromkeys(acted))


def late(rolling):
    """Hosts that go last: those that are known to have published what visitors find.

    In half of each time period it may be unknown.
    """
    path = rolling.operator.folder / "report.json"
    rolling.operator.run("status", extra={"verify_report_file": str(path)})
    return {each["holder"]["host"] for each in json.loads(path.read_text())["services"] if each["holder"]}


def carrier(rolling):
    """The host that newcomers to the hardmap are led to; empty where they are not answered."""
    return rolling.led_to(rolling.operator.address("news"), NEWCOMER)


def carried_by_the_last(rolling):
    """A replica that has just been started publishes."""
    rolling.hosts["app3"].sh("systemctl restart tor@newsw1")
    wait_for(lambda: carrier(rolling) == "app3", "visitors are led to app3", 180)


def roll(rolling, *arguments, playbook="roll", fails=False, **extra):
    return rolling.run(playbook, *arguments, fails=fails, extra=extra)


def drained(record, host):
    """Has a run begun to wait for the visitors of a host, after it told its daemons to publish no more?"""
    lines = (
        [json.loads(line) for line in record.read_text().splitlines() if line.endswith("}")] if record.exists() else []
    )
    stood_by = False
    for line in lines:
        if line["task"].endswith("Have those that go publish no more"):
            stood_by = stood_by or host in [
                each["handover_host"]["key"] for each in line.get("result", {}).get("results", [])
            ]
        elif stood_by and line["task"].endswith("Let their visitors finish"):
            return True
    return False


def invocations(rolling):
    return {
        (name, daemon): unit["invocation"]
        for name, daemons in running(rolling).items()
        for daemon, unit in daemons.items()
    }


def test_nothing_due_is_nothing_done(rolling):
    before = running(rolling)
    assert roll(rolling).changes == []
    assert running(rolling) == before


def test_an_option_that_needs_a_restart(rolling):
    before = invocations(rolling)
    declare(rolling, no_exec=True)
    with rolling.asked("news", "archive"):
        run = roll(rolling, playbook="deploy")
    assert sorted(order(run)) == [*APPS]
    after = invocations(rolling)
    assert before.keys() == after.keys()
    assert [key for key in before if before[key] == after[key]] == []
    assert roll(rolling, playbook="deploy").changes == []


@pytest.mark.long
def test_a_newer_tor(rolling):
    """Debian's package with a higher version number, from a source of packages on each host."""
    for name in APPS:
        rolling.hosts[name].sh(NEWER_TOR)
    before = invocations(rolling)
    rolling.hosts["app1"].sh("DEBIAN_FRONTEND=noninteractive apt-get -qq purge python3-apt")
    foreseen = roll(rolling, "--check", roll_upgrade=True)
    assert rolling.hosts["app1"].sh("python3 -c 'import apt' 2>/dev/null || echo none") == "none"
    assert {host for host, task, *_rest in foreseen.changes if task.endswith("See whether there is a newer tor")} == {
        *APPS
    }
    assert invocations(rolling) == before
    with rolling.asked("news", "archive"):
        run = roll(rolling, roll_upgrade=True)
    assert sorted(order(run)) == [*APPS]
    after = invocations(rolling)
    assert [key for key in before if before[key] == after[key]] == []
    for name in APPS:
        package = rolling.hosts[name].sh("dpkg-query -Wf '${db:Status-Want} ${Version}' tor")
        assert package.startswith("hold ") and package.endswith("+newer")
    assert roll(rolling, roll_upgrade=True).changes == []


@pytest.mark.long
def test_every_host_is_rebooted(rolling):
    """But the one that asks."""
    started = {name: rolling.hosts[name].sh("systemctl show -P UserspaceTimestamp") for name in APPS}
    with rolling.asked("news", "archive"):
        run = roll(rolling, "--limit", f"all:!{VISITORS}", roll_reboot=True)
    assert sorted(order(run)) == [*APPS]
    assert [
        name for name in APPS if rolling.hosts[name].sh("systemctl show -P UserspaceTimestamp") == started[name]
    ] == []
    assert roll(rolling).changes == []


@pytest.mark.long
def test_a_download_is_waited_for(rolling):
    """Through the replica that publishes, whose host is not the first one."""
    carried_by_the_last(rolling)
    before = invocations(rolling)
    declare(rolling, no_exec=False)
    visitor = rolling.hosts[VISITORS]
    with visitor.long_download(rolling.operator.address("news"), [rolling.hosts[name] for name in APPS]):
        process, record = rolling.operator.start("deploy", extra={"verify_requests": 1})
        wait_for(
            lambda: drained(record, "app3") or process.poll() is not None,
            "visitors of the one that carries it are waited for",
            600,
        )
        visitor.download_goes_on()
        assert invocations(rolling)["app3", "newsw1"] == before["app3", "newsw1"]
    output, _none = process.communicate()
    assert process.returncode == 0, output[-4000:]
    assert invocations(rolling)["app3", "newsw1"] != before["app3", "newsw1"]


@pytest.mark.long
def test_it_stops_when_a_service_gets_worse_and_goes_on(rolling):
    """Where the first host's web server has gone, nobody noticed so far: another replica publishes."""
    carried_by_the_last(rolling)
    before, last = invocations(rolling), late(rolling)
    first = next(name for name in APPS if name not in {*last, "app3"})
    rolling.hosts[first].sh("mv /run/pages/beta.sock /run/pages/away.sock")
    declare(rolling, no_exec=True)
    stopped = roll(rolling, playbook="deploy", fails=True, roll_timeout=40)
    assert order(stopped) == [first]
    assert f"Stopped at {first}" in stopped.messages
    assert "service 'news': not any more: all requests are answered" in stopped.messages
    assert f"Not finished: {first}." in stopped.messages
    left = stopped.messages.partition("Not begun: ")[2].partition(".")[0]
    assert sorted(left.split(", ")) == sorted({*APPS} - {first})
    rolling.hosts[first].sh("mv /run/pages/away.sock /run/pages/beta.sock")
    done = invocations(rolling)
    again = roll(rolling)
    assert first not in order(again)
    assert len(order(again)) == 2
    after = invocations(rolling)
    assert {key: after[key] for key in after if key[0] == first} == {key: done[key] for key in done if key[0] == first}
    assert [key for key in before if before[key] == after[key]] == []


@pytest.mark.long
def test_one_that_does_not_come_back_stops_it(rolling):
    carried_by_the_last(rolling)
    before, last = invocations(rolling), late(rolling)
    first = next(name for name in APPS if name not in {*last, "app3"})
    host = rolling.hosts[first]
    host.write("/etc/systemd/system/tor@newsw1.service.d/broken.conf", "[Service]\nExecStartPre=/bin/false\n")
    host.sh("systemctl daemon-reload")
    declare(rolling, no_exec=False)
    stopped = roll(rolling, playbook="deploy", fails=True)
    host.sh("rm -r /etc/systemd/system/tor@newsw1.service.d; systemctl daemon-reload; systemctl reset-failed")
    assert "daemon 'newsw1'" in stopped.messages and f"Stopped at {first}" in stopped.messages
    now = invocations(rolling)
    assert [key for key in before if key[0] != first and before[key] != now.get(key)] == []
    roll(rolling)
    after = invocations(rolling)
    assert after.keys() == before.keys() and [key for key in before if before[key] == after[key]] == []
