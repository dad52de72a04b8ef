# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of hosts: found before the first change, told for the whole fleet at once, with nothing changed anywhere."""

from __future__ import annotations

import concurrent.futures
import contextlib
import shlex

import pytest
from onion_fleet import Host, service

STUB = """#!/bin/sh
case $1 in
--version) echo "Tor version %s.";;
--list-modules) echo "relay: yes"; echo "pow: %s";;
esac
"""


@pytest.fixture(scope="module")
def operator(fresh):
    fresh.operator.declare(service("alpha", pow={"enabled": True}), service("beta"))
    fresh.operator.run("keys")
    return fresh.operator


@contextlib.contextmanager
def prepared(host, prepare, undo):
    host.sh(prepare)
    try:
        yield
    finally:
        host.sh(undo)


def tor_stub(host, version="0.4.9.11", proof_of_work="yes"):
    stub = shlex.quote(STUB % (version, proof_of_work))
    return prepared(
        host, f"printf %s {stub} > /usr/local/bin/tor; chmod +x /usr/local/bin/tor", "rm /usr/local/bin/tor"
    )


def key_of_another(host, operator):
    """The key of beta, where alpha's belongs."""
    folder = "/var/lib/tor-instances/alphaw1"
    secret = operator.secret("beta").hex()
    return prepared(
        host,
        f"adduser --quiet --system --group --no-create-home --home {folder} --force-badname _tor-alphaw1;"
        f"install -d -m 2700 -o _tor-alphaw1 -g _tor-alphaw1 {folder}; "
        f"install -d -m 700 -o _tor-alphaw1 -g _tor-alphaw1 {folder}/alpha;"
        f"cd {folder}/alpha; python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(\"{secret}\"))'"
        " > hs_ed25519_secret_key;"
        "chown _tor-alphaw1: *; chmod 600 *",
        f"rm -r {folder}; deluser --quiet _tor-alphaw1",
    )


@contextlib.contextmanager
def variables(operator, host, **values):
    operator.host_vars[host.name] = values
    operator.write_inventory()
    try:
        yield
    finally:
        operator.host_vars[host.name] = {}
        operator.write_inventory()


def refused(operator, *expected, **options):
    """A deployment has to fail with all that is expected in one message, and leave every host as it was."""
    before = snapshots(operator)
    run = operator.deploy(fails=True, **options)
    assert snapshots(operator) == before
    for words in expected:
        assert words in run.messages, run.messages
    return run.messages


def snapshots(operator):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(Host.snapshot, operator.hosts.values()))


def test_proof_of_work_on_a_tor_without_it_and_a_tor_that_is_too_old(operator):
    with tor_stub(operator.hosts["web1"], proof_of_work="no"), tor_stub(operator.hosts["web2"], version="0.4.9.9"):
        text = refused(
            operator,
            "host 'web1': service 'alpha': pow: the installed tor is built without proof of work",
            "host 'web2': tor: version 0.4.9.9 is installed, 0.4.9.11 is needed",
        )
    assert "beta" not in text


def test_the_key_of_another_address_and_a_directory_of_another_owner(operator):
    with key_of_another(operator.hosts["web1"], operator), prepared(
        operator.hosts["web2"],
        "mkdir -p /var/lib/tor-instances/betaw1; chown daemon /var/lib/tor-instances/betaw1",
        "rm -r /var/lib/tor-instances",
    ):
        refused(
            operator,
            "host 'web1': service 'alpha': key: /var/lib/tor-instances/alphaw1/alpha holds the key of another",
            "host 'web2': directory: /var/lib/tor-instances/betaw1 belongs to daemon, not to _tor-betaw1",
        )


def small_disk(host, room):
    return prepared(
        host,
        f"mkdir -p /var/lib/tor-instances; mount -t tmpfs -o {room} none /var/lib/tor-instances",
        "umount /var/lib/tor-instances; rmdir /var/lib/tor-instances",
    )


def test_no_privilege_escalation_and_a_full_disk(operator):
    host = operator.hosts["web1"]
    with prepared(
        host,
        "useradd -m -s /bin/sh plain; cp -rL /root/.ssh /home/plain/; chown -R plain /home/plain/.ssh",
        "pkill -KILL -u plain; userdel -rf plain 2>&1",
    ), variables(operator, host, ansible_user="plain"), small_disk(operator.hosts["web2"], "size=8m"):
        refused(
            operator,
            "host 'web1': could not be looked at",
            "host 'web2': disk: 8 MiB are free for /var/lib/tor-instances",
        )


def test_a_skewed_clock_and_a_disk_without_inodes(operator):
    host = operator.hosts["web2"]
    late = '#!/bin/sh\nPYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/usr/local/late exec /usr/bin/python3 "$@"\n'
    shift = "import time\n_time = time.time\ntime.time = lambda: _time() + 3600\n"
    with prepared(
        host,
        f"mkdir /usr/local/late; printf %s {shlex.quote(shift)} > /usr/local/late/sitecustomize.py;"
        f"printf %s {shlex.quote(late)} > /usr/local/bin/late; chmod +x /usr/local/bin/late",
        "rm -r /usr/local/late /usr/local/bin/late",
    ), variables(operator, host, ansible_python_interpreter="/usr/local/bin/late"), small_disk(
        operator.hosts["web1"], "nr_inodes=100"
    ):
        # a busy machine adds a second
        refused(
            operator,
            "service 'alpha': clock: host 'web2' is 360",
            " s ahead of host 'web1'",
            "host 'web1': disk: ",
            "inodes",
        )


def test_a_missing_vault_password(operator):
    text = refused(operator, "alpha", "vault", vault=False)
    assert "password" in text or "secret" in text
