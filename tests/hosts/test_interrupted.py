# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that die, at any task or in the middle of a module: the next run ends where an undisturbed one does."""

from __future__ import annotations

import pytest
from conftest import SERVICES
from onion_fleet import UNVERIFIED, kill, wait_for

DATA, CONFIG = "/var/lib/tor-instances", "/etc/tor/instances"
# while a role changes something, and when nothing but files tell what is still to do
SAMPLE = [("Install tor", 0.7), ("Start, reload and stop daemons", 0)]
STRIKES = [
    f"{DATA}/alphaw1/alpha/.hs_ed25519_secret_key.new",
    f"{CONFIG}/alphaw1/torrc",
    pytest.param(f"{CONFIG}/small/.torrc.new", marks=pytest.mark.long),
    pytest.param(f"{DATA}/betaw1/beta/hs_ed25519_secret_key", marks=pytest.mark.long),
]
TASKS = 99  # more than a deployment has; those beyond are no runs


@pytest.fixture(scope="module")
def undisturbed(fresh):
    """The state of the hosts after a run that nothing disturbed, and the fleet as it was before."""
    fresh.operator.declare(*SERVICES)
    fresh.operator.run("keys")
    _deploy(fresh)
    fresh.reference, fresh.tasks = _states(fresh), TASKS
    return fresh


def _deploy(made, **options):
    """What deploy does before it verifies."""
    play = made.operator.folder / "without-verify.yml"
    play.write_text("""[{import_playbook: onionfleet.balance.plan},
        {hosts: onionfleet_balance_fleet, gather_facts: false, become: true, roles: [onionfleet.balance.hardmap]}]""")
    return made.operator.run(str(play), **options)


def _states(made):
    return {host.name: _state(host.snapshot("/etc", DATA, "/var/lib/onionfleet")) for host in made.hosts}


def _state(snapshot):
    """What has to be equal: not times, numbers of users, or what tor writes for itself."""
    files = {
        path: {
            key: value
            for key, value in entry.items()
            if key != "mtime" and not (key == "sha256" and path.startswith("/var/lib/onionfleet"))
        }
        for path, entry in snapshot["files"].items()
        if not path.startswith(
            ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sub", "/etc/.pwd", "/etc/ld.so.cache")
        )
        and (not path.startswith(DATA) or path.count("/") < 5 or "hs_ed25519" in path or path.endswith("hostname"))
    }
    units = {
        name: (unit["ActiveState"], unit.get("UnitFileState"))
        for name, unit in snapshot["units"].items()
        if name.startswith("tor")
    }
    return {
        "files": files,
        "units": units,
        "users": snapshot["users"],
        "packages": [line for line in snapshot["packages"] if line.startswith("tor ")],
    }


def _reset(made, *, packages=False):
    """Undo a deployment; without packages, tor stays installed."""
    for host in made.hosts:
        host.sh(
            "systemctl stop 'tor@*'; systemctl disable -q tor@alphaw1 tor@betaw1 tor@small tor@onionprobe; "
            f"systemctl reset-failed;rm -rf {CONFIG} {DATA} /var/lib/onionfleet/loaded; "
            "getent passwd | grep -o '^_tor-[a-z0-9]*' | xargs -r -n1 deluser --quiet",
            check=False,
        )
        if packages:
            host.sh(
                "apt-mark unhold tor; DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq tor 2>&1;"
                "rm -rf /var/lib/onionfleet /etc/tor /etc/systemd/system/tor.service"
                " /etc/systemd/system/tor@default.service; systemctl daemon-reload"
            )


def _quiet(host):
    """No module of the dead run is at work any more."""
    return host.sh("pgrep -c python3", check=False) in ("0", "1")


def _converges(made):
    for host in made.hosts:
        wait_for(lambda host=host: _quiet(host), f"the last module on {host.name} ends")
    _deploy(made)
    assert _states(made) == made.reference
    assert _deploy(made).changes == []


@pytest.mark.parametrize(("task", "after"), SAMPLE)
def test_a_run_that_is_killed_at_a_task(undisturbed, task, after):
    _reset(undisturbed, packages=task == "Install tor")
    run = _deploy(undisturbed, fails=True, KILL_AT=task, KILL_AFTER=str(after))
    assert run.code == -9
    _converges(undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("number", range(1, TASKS + 1))
def test_a_run_that_is_killed_at_each_task(undisturbed, number):
    if number > undisturbed.tasks:
        pytest.skip("there are no more tasks")
    _reset(undisturbed, packages=True)
    run = undisturbed.operator.deploy(fails=None, KILL_AT=str(number))
    undisturbed.tasks = max(entry.get("started", 0) for entry in run.record) if run.code == 0 else TASKS
    _converges(undisturbed)


@pytest.mark.parametrize("path", STRIKES)
def test_a_module_that_is_killed_while_it_writes(undisturbed, path):
    # some of the files are there for a moment only, which a busy machine may miss
    assert any(_struck(undisturbed, path) for _try in range(5)), f"{path} was never seen"
    _converges(undisturbed)


def _struck(made, path):
    """Whether a deployment from the beginning was killed while the file was there."""
    _reset(made)
    host = made.hosts[0]
    strike = host.program("strike", path, host.sh("systemctl show -P MainPID pages"))
    assert strike.stdout.readline() == "ready\n"
    process, _record = made.operator.start("deploy", extra=UNVERIFIED)
    output, _errors = strike.communicate()
    kill(process)
    for host in made.hosts:
        wait_for(lambda host=host: _quiet(host), f"the last module on {host.name} ends")
    return output == "struck\n"
