# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill: from a backup, an empty controller and empty hosts to the same addresses, answering through Tor."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from conftest import Fleet
from onion_fleet import Hunt, needles, service

ALPHA = service("alpha")
ARCHIVE = {"name": "archive", "layout": "softmap", "publishers": ["web1"], "backends": "web",
           "ports": [{"port": 80, "target": "127.0.0.1:8080"}]}
SERVICES = ("alpha", "archive")


@pytest.fixture(scope="module")
def running(fresh):
    fresh.operator.declare(ALPHA, ARCHIVE)
    fresh.operator.run("keys")
    fresh.operator.deploy(verified=True)
    return fresh


@pytest.fixture(scope="module")
def backup(running):
    """The backup, and what it must lead to again."""
    operator = running.operator
    path = operator.folder / "onions.backup"
    running.addresses = {name: operator.address(name) for name in SERVICES}
    running.secrets = {name: operator.secret(name) for name in SERVICES}
    vault = operator.folder / "vault"
    running.sought = {needle for secret in running.secrets.values() for needle in needles(secret, vault.read_text())}
    hunt = Hunt(
        None, sorted(running.sought), watch=["/tmp", "/dev/shm"], disks=[str(operator.folder)], spared=[str(vault)]
    )
    running.run = operator.run("backup", "-vvv", "--diff", extra={"onion_backup_file": str(path)})
    running.places = hunt.found()
    return running, path


def test_no_key_is_anywhere_in_clear(backup):
    running, path = backup
    assert running.places == []
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert [needle for needle in running.sought if needle.decode("latin-1") in running.run.output] == []


def test_it_tells_what_is_in_it_and_is_never_overwritten(backup):
    running, path = backup
    for name, address in running.addresses.items():
        assert f"{name} {address}" in running.run.output
    assert "group_vars/all.yml" in running.run.output and "Not in it: the vault password" in running.run.output
    before = path.read_bytes()
    assert (
        "never overwritten"
        in running.operator.run("backup", extra={"onion_backup_file": str(path)}, fails=True).messages
    )
    assert path.read_bytes() == before


def test_a_backup_beside_what_it_holds_restores_nothing(backup):
    running, path = backup
    assert running.operator.run("restore", extra={"onion_backup_file": str(path)}).changes == []


def test_a_check_finds_a_damaged_backup(backup):
    running, path = backup
    torn = running.operator.folder / "torn.backup"
    torn.write_bytes(path.read_bytes()[:-200])
    assert (
        "torn.backup: "
        in running.operator.run("restore", "--check", extra={"onion_backup_file": str(torn)}, fails=True).messages
    )


def test_the_drill(backup, tmp_path, network):
    """New hosts with new addresses, a new folder with nothing but the password, out of the operator's safe."""
    running, path = backup
    running.operator.close()
    for host in running.hosts:
        host.remove()
    shutil.move(path, tmp_path / "onions.backup")
    password = (running.operator.folder / "vault").read_text()
    shutil.rmtree(running.operator.folder)
    made = Fleet(tmp_path / "unused", network)
    made.operator.folder = tmp_path / "new"
    made.operator.folder.mkdir()
    (made.operator.folder / "vault").write_text(password)
    told = _restore(made.operator, "--check")
    assert sorted(os.listdir(made.operator.folder)) == ["vault"]
    _restore(made.operator)
    assert all(path in told for path in ("hosts.yml", "group_vars/all.yml", ".onion_keys/alpha.secret"))
    # the new servers' place in the inventory is all that is written by hand
    made.operator.write_inventory()
    made.operator.deploy(verified=True)
    try:
        for name, address in running.addresses.items():
            assert made.operator.address(name) == address
            assert made.operator.secret(name) == running.secrets[name]
            assert made.hosts[0].visit(address), name
        # the backends are new ones
        key = "/var/lib/tor-instances/archiveb1/archive-backend/hostname"
        assert len({host.sh(f"cat {key}") for host in made.hosts} | set(running.addresses.values())) == 4
    finally:
        made.remove()


def _restore(operator, *arguments):
    """As an operator does who has nothing: no inventory, no settings."""
    done = subprocess.run(
        [
            "ansible-playbook",
            "onionfleet.balance.restore",
            "--vault-password-file",
            "vault",
            "-e",
            "onion_backup_file=../onions.backup",
            *arguments,
        ],
        cwd=operator.folder,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
