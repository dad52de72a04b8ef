# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as some are: a tight umask, another language and no python3-apt on ``odd1``; become by su on ``su1``.

The tests follow one another on one fleet.
"""

from __future__ import annotations

import types

import pytest
from conftest import Fleet
from onion_fleet import service

PASSWORD = "a password of root"
PASSED = ("/etc/tor/instances", "/var/lib/tor-instances", "/etc/onionfleet", "/usr/local/lib/onionfleet")
NEWSROOM = service("newsroom", replicas=["odd1"])
# its backends get no secret, so that su will do
ARCHIVE = {"name": "archive", "layout": "softmap", "publishers": ["odd1"], "backends": ["su1", "odd1"],
           "ports": [{"port": 80, "target": "127.0.0.1:8080"}]}
# German messages of the C library are not in the image, which leaves translations out
LANGUAGE = """
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends \
-o 'DPkg::Options::=--path-include=/usr/share/locale/*' locales libc-l10n
echo 'de_DE.UTF-8 UTF-8' > /etc/locale.gen
locale-gen
update-locale LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8
rm -rf /var/lib/apt/lists/*
"""
MINIMAL = "DEBIAN_FRONTEND=noninteractive apt-get -qy purge python3-apt"
UMASK = (
    "sed -i '/^UMASK/d' /etc/login.defs; echo 'UMASK 027' >> /etc/login.defs; "
    "grep -q pam_umask /etc/pam.d/common-session"
)
SU = f"""
useradd -m -s /bin/sh plain
cp -rL /root/.ssh /home/plain/
chown -R plain /home/plain/.ssh
echo 'root:{PASSWORD}' | chpasswd
"""


def declare(operator, *services):
    operator.declare(*services, onion_probe_hosts=["odd1"], onion_publisher={"probe_interval": 5, "probe_timeout": 8})


def modes(host):
    return host.sh(f"stat -c %a {' '.join(PASSED)}").split()


@pytest.fixture(scope="module")
def odd(tmp_path_factory, network):
    """Two hosts that were made odd, and an operator who has keys."""
    made = Fleet(tmp_path_factory.mktemp("operator"), network, names=("su1", "odd1"))
    # pylint takes the Fleet of another conftest for this one
    made.su1, made.odd1 = made.hosts  # pylint: disable=unpacking-non-sequence
    made.su1.sh("set -e\n" + SU)
    made.odd1.sh("set -e\n" + LANGUAGE + MINIMAL + "\n" + UMASK)
    made.operator.host_vars["su1"] = {
        "ansible_user": "plain",
        "ansible_become_method": "su",
        "ansible_become_password": PASSWORD,
    }
    made.operator.write_inventory()
    declare(made.operator, NEWSROOM, ARCHIVE)
    made.operator.run("keys")
    yield made
    made.remove()


@pytest.fixture(scope="module")
def first(odd):
    """A check run, the deployment, and another one."""
    run = types.SimpleNamespace(odd=odd, before=odd.odd1.snapshot())
    run.checked = odd.operator.deploy("--check", "--diff")
    run.after_check = odd.odd1.snapshot()
    run.deployed = odd.operator.deploy(verified=True)
    run.again = odd.operator.deploy()
    return run


def test_the_hosts_are_odd_when_somebody_logs_in(odd):
    look = odd.operator.folder / "look.yml"
    look.write_text("""
- hosts: odd1
  gather_facts: false
  tasks:
    - ansible.builtin.raw: umask; echo $LANG; python3 -c 'import apt' || echo no python3-apt
    - ansible.builtin.raw: python3 -c 'import locale, os; locale.setlocale(locale.LC_ALL, ""); print(os.strerror(28))'
- hosts: su1
  gather_facts: false
  tasks:
    - ansible.builtin.raw: echo $PATH; id -un
      become: true
""")
    output = odd.operator.run(str(look), "-v").output
    look.unlink()
    assert "0027" in output
    assert "de_DE.UTF-8" in output
    assert "no python3-apt" in output
    assert "kein Speicherplatz" in output
    assert "/usr/bin:/bin" in output and "/usr/sbin" not in output


def test_a_check_run_needs_no_python3_apt_and_changes_nothing(first):
    assert first.checked.files["odd1"]
    assert first.after_check == first.before


def test_all_services_answer_through_tor(first):
    assert "All services answer." in first.deployed.output
    for name in ("newsroom", "archive"):
        assert first.odd.odd1.visit(first.odd.operator.address(name)).startswith("hello from ")


def test_the_second_run_changed_nothing(first):
    assert first.again.changes == []


def test_daemons_of_every_user_get_to_their_files(first):
    assert modes(first.odd.odd1) == ["755"] * len(PASSED)
    assert {"newsroomw1", "onionpublisher", "onionprobe"} <= {*first.odd.odd1.daemons()}
    assert first.odd.odd1.sh("systemctl is-active onionfleet-publisher") == "active"
    assert set(first.odd.su1.daemons()) == {"archiveb1"}


def test_what_is_too_tight_or_lost_is_told_and_mended(first):
    """Folders as an earlier release made them, a replica's and a backend's host name, and a web server."""
    odd, operator = first.odd, first.odd.operator
    own = "/var/lib/tor-instances/newsroomw1/newsroom/hostname"
    backend = odd.su1.sh("ls /var/lib/tor-instances/archiveb1/*/hostname")
    odd.odd1.sh(f"chmod 750 {' '.join(PASSED)}; rm {own}")
    odd.su1.sh(f"rm {backend}; systemctl stop pages")
    told = operator.run("status").output
    assert f"{own} is missing; deploy mends it" in told
    assert f"{backend} is missing; deploy mends it" in told
    assert "/etc/tor/instances/ has mode 0750" in told
    run = operator.deploy()
    assert "nothing listens on 127.0.0.1:8080 (yet)" in run.output
    assert modes(odd.odd1) == ["755"] * len(PASSED)
    assert odd.odd1.sh(f"cat {own}") == operator.address("newsroom")
    assert odd.su1.sh(f"cat {backend}").endswith(".onion")
    told = operator.run("status").output
    assert "daemon 'archiveb1' of host 'su1': nothing listens on 127.0.0.1:8080" in told
    odd.su1.sh("systemctl start pages")


def test_the_lost_key_of_a_backend_is_told_before_its_tor_is_restarted(first):
    odd, operator = first.odd, first.odd.operator
    key = odd.su1.sh("ls /var/lib/tor-instances/archiveb1/*/hs_ed25519_secret_key")
    before = odd.su1.daemons()
    odd.su1.sh(f"mv {key} /root/kept")
    try:
        run = operator.deploy(fails=True)
        assert f"{key}: is gone" in run.messages
        assert "onionfleet.balance.renew" in run.messages
        assert odd.su1.daemons() == before
    finally:
        odd.su1.sh(f"mv /root/kept {key}")


def test_keys_do_not_travel_where_su_is_the_way_to_become_root(first):
    odd, operator = first.odd, first.odd.operator
    before = [host.daemons() for host in odd.hosts]
    declare(operator, {**NEWSROOM, "replicas": ["odd1", "su1"]}, ARCHIVE)
    run = operator.deploy(fails=True)
    declare(operator, NEWSROOM, ARCHIVE)
    assert (
        "host 'su1': secrets would be written into a temporary file on the host; become: 'su' cannot pipeline"
        in run.messages
    )
    assert "ansible_become_method: sudo" in run.messages
    assert [host.daemons() for host in odd.hosts] == before
    assert "newsroomw1" not in odd.su1.sh("ls /var/lib/tor-instances /etc/tor/instances; cut -d: -f1 /etc/passwd")


@pytest.mark.parametrize(
    ("spoil", "mend", "fault"),
    [
        pytest.param(
            "mount -t tmpfs -o size=64k none /tmp",
            "umount /tmp",
            "disk: it is so full that nothing runs on this host; make room",
            id="a full disk, in any language",
        ),
        pytest.param(
            "chmod 750 /var/lib",
            "chmod 755 /var/lib",
            "directory: /var/lib does not let the users of daemons through",
            id="a directory of the system that is too tight",
        ),
    ],
)
def test_what_is_in_the_way_is_a_fault(first, spoil, mend, fault):
    odd, operator = first.odd, first.odd.operator
    odd.odd1.sh(spoil)
    try:
        run = operator.deploy(fails=True)
    finally:
        odd.odd1.sh(mend)
    assert f"host 'odd1': {fault}" in run.messages
