# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first deployment of a fleet: predicted by check mode, repeatable, tight, and without a trace of the keys."""

from __future__ import annotations

import os
import pathlib
import types

import conftest
import pytest
from onion_fleet import Client, Hunt, fleet, needles

PROXY_PASSWORD = f"proxy-password-{os.urandom(12).hex()}"
CLIENT = Client()
SERVICES = [
    {
        **each,
        **({"authorized_clients": [{"name": "desk", "public_key": CLIENT.public}]} if each["name"] == "gamma" else {}),
    }
    for each in conftest.SERVICES
]
DECLARED = {"onion_option_secrets": {"HTTPSProxyAuthenticator": f"user:{PROXY_PASSWORD}"}}
DAEMONS = {"web1": ["alphaw1", "betaw1", "onionprobe", "small"], "web2": ["alphaw1", "betaw1", "small"]}


@pytest.fixture(scope="module")
def first(fresh, tmp_path_factory):
    """Keys, a check run, the deployment, another one, and one that fails, all as talkative as can be, under a hunt."""
    operator, caches = fresh.operator, tmp_path_factory.mktemp("caches")
    operator.settings.unlink()  # Ansible's defaults, so without pipelining
    operator.declare(*SERVICES, **DECLARED)
    made = operator.run("keys", "-vvv", "--diff")
    sought = sorted(
        {
            needle
            for each in SERVICES
            for needle in needles(operator.secret(each["name"]), (operator.folder / "vault").read_text())
        }
        | {*CLIENT.needles}
    )
    DECLARED["onion_client_credentials"] = {operator.address("gamma"): CLIENT.private}
    operator.declare(*SERVICES, **DECLARED)
    hunts = _hunts(fresh, sought, operator.folder, caches)
    talkative = {
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(caches / "facts"),
        "ANSIBLE_LOG_PATH": str(caches / "log"),
        "TMPDIR": str(caches),
    }
    run = types.SimpleNamespace(made=made, sought=sought, operator=operator, hosts=fresh.hosts)
    run.checked = operator.deploy("-vvv", "--diff", "--check", **talkative)
    run.before = [host.snapshot() for host in fresh.hosts]
    run.deployed = operator.deploy("-vvv", "--diff", verified=True, **talkative)
    run.again = operator.deploy("-vvv", "--diff", **talkative)
    _break(fresh)
    run.failed = operator.deploy("-vvv", "--diff", fails=True, **talkative)
    operator.declare(*SERVICES, **DECLARED)
    run.found = {name: hunt.found() for name, hunt in hunts.items()}
    run.looked_at = {name: hunt.looked_at for name, hunt in hunts.items()}
    return run


def _hunts(made, sought, folder, caches):
    temporary = [os.path.expanduser("~/.ansible/tmp"), "/dev/shm", str(folder), str(caches)]
    here = Hunt(
        None,
        sought,
        watch=temporary,
        disks=temporary,
        spared=[str(folder / "vault"), str(folder / "group_vars" / "all.yml")],
    )
    there = {
        host.name: Hunt(
            host,
            sought,
            watch=["/tmp", "/var/tmp", "/dev/shm", "/root", "/run"],
            disks=["/"],
            spared=["/var/lib/tor-instances"],
        )
        for host in made.hosts
    }
    return {"controller": here, **there}


def _break(made):
    """A new service whose key travels to the host, and a configuration that tor refuses."""
    wrong = {
        "name": "epsilon",
        "layout": "hardmap",
        "replicas": "web",
        "ports": [{"port": 80, "target": "127.0.0.1:8080"}],
        "extra": [{"option": "HiddenServiceNonsense", "value": "1"}],
    }
    made.operator.declare(*SERVICES, wrong, **DECLARED)
    made.operator.run("keys", "-vvv")


def test_check_mode_named_the_files_and_actions_that_followed(first):
    assert first.checked.files == first.deployed.files
    assert first.checked.actions == first.deployed.actions
    assert {
        host: sorted(name for name, _action in actions) for host, actions in first.deployed.actions.items()
    } == DAEMONS


def test_check_mode_changed_nothing(first):
    for snapshot in first.before:
        assert "/etc/tor/instances" not in snapshot["files"]
        assert not [line for line in snapshot["packages"] if line.startswith("tor ")]
        assert not [name for name in snapshot["users"] if name.startswith("_tor")]


def test_all_services_answered_through_tor(first):
    assert "All services answer." in first.deployed.output


def test_the_second_run_changed_nothing(first):
    assert first.again.changes == []


def test_the_failing_run_said_why_and_changed_no_daemon(first):
    assert "HiddenServiceNonsense" in first.failed.output
    assert not any(host.daemons().get("epsilonw1") for host in first.hosts)
    # users, and keys that were brought, are no harm; a configuration would be
    assert not any("/etc/tor/instances/epsilonw1/torrc" in host.snapshot()["files"] for host in first.hosts)


def test_no_secret_in_what_the_runs_said(first):
    texts = [
        run.output + str(run.record) for run in (first.made, first.checked, first.deployed, first.again, first.failed)
    ]
    assert not [needle for text in texts for needle in first.sought if needle in text.encode()]


def test_the_password_of_a_proxy_is_in_its_torrc_and_not_in_what_runs_say(first):
    texts = [run.output + str(run.record) for run in (first.checked, first.deployed, first.again, first.failed)]
    assert not [text for text in texts if PROXY_PASSWORD in text]
    for host in first.hosts:
        assert sorted(host.sh(f"grep -rl {PROXY_PASSWORD} /etc").split()) == [
            f"/etc/tor/instances/{name}/torrc" for name in DAEMONS[host.name]
        ]
        assert host.sh(f"journalctl --no-pager --all --output=cat | grep -c {PROXY_PASSWORD}", check=False) == "0"


def test_no_secret_in_processes_files_or_logs(first):
    assert first.found == {"controller": [], "web1": [], "web2": []}, first.looked_at


def test_the_hunt_finds_what_is_there(first):
    """A key as plain Ansible would send it: in arguments, temporary files, logs and output."""
    secret = first.operator.secret("alpha")
    host, play = first.hosts[0], first.operator.folder / "careless.yml"
    text = secret.hex()
    play.write_text(
        "[{hosts: web1, gather_facts: false, tasks: [{name: Careless, ansible.builtin.shell: 'sleep 1; : %s'},"
        " {ansible.builtin.copy: {content: '%s', dest: /var/tmp/careless}}]}]" % (text, text)
    )
    hunts = _hunts(
        types.SimpleNamespace(hosts=[host]), first.sought, first.operator.folder, pathlib.Path("/nonexistent")
    )
    run = first.operator.run(str(play), "-vvv", ANSIBLE_PIPELINING="0")
    found = {name: hunt.found() for name, hunt in hunts.items()}
    host.sh("rm /var/tmp/careless; journalctl --rotate --vacuum-time=1s -q")
    play.unlink()
    assert text[:64] in run.output
    assert "process cmdline" in found["controller"]
    assert any("/.ansible/tmp/" in place for place in found["controller"])
    assert {"process cmdline", "/var/tmp/careless"} <= set(found["web1"])
    assert "journal" in found["web1"]
    assert any("/.ansible/tmp/" in place for place in found["web1"])


def test_keys_and_configuration_are_for_their_daemons_only(first):
    for host in first.hosts:
        files = host.snapshot("/etc/tor/instances", "/var/lib/tor-instances", "/var/lib/onionfleet")["files"]
        for daemon in DAEMONS[host.name]:
            user = f"_tor-{daemon}"
            modes = {path: (entry["mode"], entry["owner"]) for path, entry in files.items()}
            assert modes[f"/var/lib/tor-instances/{daemon}"] == ("0o42700", user)
            assert modes[f"/etc/tor/instances/{daemon}"] == ("0o40750", "root")
            assert modes[f"/etc/tor/instances/{daemon}/torrc"] == ("0o100640", "root")
            assert modes[f"/var/lib/onionfleet/loaded/{daemon}.json"] == ("0o100600", "root")
        keys = [path for path in files if path.endswith("/hs_ed25519_secret_key")]
        assert len(keys) == {"web1": 4, "web2": 3}[host.name]
        for path in keys:
            folder = os.path.dirname(path)
            user = "_tor-" + folder.split("/")[4]
            assert (files[folder]["mode"], files[folder]["owner"]) == ("0o40700", user)
            assert {
                (files[f"{folder}/{name}"]["mode"], files[f"{folder}/{name}"]["owner"])
                for name in ("hs_ed25519_secret_key", "hs_ed25519_public_key", "hostname")
            } == {("0o100600", user)}


def test_daemons_run_as_their_own_users_in_systemds_sandbox(first):
    for host in first.hosts:
        fleet("sandbox", host.name, *[f"tor@{daemon}" for daemon in DAEMONS[host.name]])
        for daemon, state in host.daemons().items():
            status = dict(
                line.split(":\t", 1)
                for line in host.sh(f"cat /proc/{state['pid']}/status").splitlines()
                if ":\t" in line
            )
            user = host.sh(f"id -u _tor-{daemon}")
            assert set(status["Uid"].split()) == {user}
            assert status["NoNewPrivs"] == "1"
            bound = int(status["CapBnd"], 16)
            assert bound & ~sum(1 << bit for bit in (1, 2, 6, 7, 10)) == 0, f"{bound:x}"


def test_no_socks_port_is_open_but_the_probes_own(first):
    for host in first.hosts:
        listeners = host.sh("ss -Hlntup; ss -Hlxp").splitlines()
        tors = [line for line in listeners if '"tor"' in line]
        assert not [line for line in tors if line.startswith(("tcp", "udp"))]
        assert {line.split()[4].split("/")[-1] for line in tors} <= {"control", "probe.sock"}
        socks = [line.split()[4] for line in tors if "probe.sock" in line]
        assert socks == (["/run/tor-instances/onionprobe/probe.sock"] if host.name == "web1" else [])
        assert len(tors) == len(DAEMONS[host.name]) + len(socks)
        assert {host.sh(f"stat -c %a:%U:%G {path}") for path in socks} <= {"660:_tor-onionprobe:_tor-onionprobe"}


def test_what_the_package_would_start_is_masked(first):
    for host in first.hosts:
        assert host.sh("systemctl is-enabled tor.service tor@default.service", check=False).split() == [
            "masked",
            "masked",
        ]
        assert host.sh("systemctl is-active tor@default.service", check=False) == "inactive"
        assert "tor hold" in " ".join(host.snapshot("/var/lib/onionfleet")["packages"])
