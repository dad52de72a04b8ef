# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that ran before: taken over with their address. docs/adoption.md tells the same to operators."""

from __future__ import annotations

import pytest
from onion_fleet import service, wait_for

INSTALL = "apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends tor 2>&1"

LEGACY = "/var/lib/tor-instances/legacy"


@pytest.fixture(scope="module")
def before(fresh):
    """A hand-made instance on web1, a service of the plain tor on web2, and a probe client to visit them with."""
    web1, web2 = fresh.hosts
    lines = "".join(f"{each['option']} {each['value']}\n" for each in fresh.operator.network["onion_network_options"])
    for host in fresh.hosts:
        host.sh(f"{INSTALL}; systemctl stop tor@default")
    web1.sh("tor-instance-create legacy 2>&1")
    web1.write("/etc/tor/instances/legacy/torrc", f"SocksPort 0\nHeartbeatPeriod 3 hours\n{lines}"
               f"HiddenServiceDir {LEGACY}/www\nHiddenServicePort 80 127.0.0.1:8080\nHiddenServiceMaxStreams 40\n"
               f"HiddenServiceDir {LEGACY}/blog\nHiddenServicePort 80 127.0.0.1:8080\n")
    web1.sh("systemctl enable --now tor@legacy 2>&1")
    web2.write(
        "/etc/tor/torrc",
        f"SocksPort 0\n{lines}HiddenServiceDir /var/lib/tor/shop\nHiddenServicePort 80 127.0.0.1:8080\n",
    )
    web2.sh("systemctl start tor@default")
    fresh.operator.declare(service("other", replicas=["web2"]), onion_probe_hosts=["web2"])
    fresh.operator.run("keys")
    fresh.operator.deploy()
    fresh.addresses = {
        "site": wait_for(lambda: web1.sh(f"cat {LEGACY}/www/hostname", check=False), "an address"),
        "shop": wait_for(lambda: web2.sh("cat /var/lib/tor/shop/hostname", check=False), "an address"),
    }
    return fresh


# --- docs/adoption.md, "Its tor is an instance of its own"

OTHER = service("other", replicas=["web2"])
SITE = service("site", replicas=["web1"], daemon="legacy", directory="www", adopt=True)
BLOG = service("blog", replicas=["web1"], daemon="legacy", adopt=True)
IMPORTS = {
    name: {"host": "web1", "path": f"{LEGACY}/{directory}"} for name, directory in (("site", "www"), ("blog", "blog"))
}


def declare(operator, *services, **variables):
    operator.declare(OTHER, *services, onion_probe_hosts=["web2"], **variables)


def test_without_the_import_a_new_key_is_refused(before):
    store = before.operator.folder / "another_store"
    declare(before.operator, SITE, onion_keys_dir=str(store))
    before.operator.run("keys")
    run = before.operator.deploy(fails=True)
    assert f"{LEGACY}/www holds the key of another" in run.messages


def test_what_the_declaration_lacks_is_told_before_anything_changes(before):
    operator, web1 = before.operator, before.hosts[0]
    untouched = web1.snapshot("/etc/tor", LEGACY + "/www")
    declare(operator, SITE, onion_import={"site": IMPORTS["site"]})
    keys = operator.run("keys")
    assert before.addresses["site"] in keys.output
    assert operator.address("site") == before.addresses["site"]
    assert (
        f"{LEGACY}/blog, which the declaration does not name"
        in operator.deploy("--check", "--diff", fails=True).messages
    )
    declare(operator, SITE, BLOG, onion_import=IMPORTS)
    operator.run("keys")
    checked = " ".join(operator.deploy("--check", "--diff").output.split())
    assert "does not carry: HeartbeatPeriod 3 hours" in checked
    assert "does not carry: HiddenServiceMaxStreams 40 (www)" in checked
    assert f"-HiddenServiceDir {LEGACY}/www -HiddenServicePort 80" in checked
    assert web1.snapshot("/etc/tor", LEGACY + "/www") == untouched


def test_an_instance_is_taken_over_without_a_restart(before):
    operator, (web1, web2) = before.operator, before.hosts
    unit = "systemctl show -P MainPID -P InvocationID tor@legacy"
    running = web1.sh(unit)
    options = {"onion_daemons": [{"name": "legacy", "options": {"heartbeat_period": "3 hours"}}]}
    declare(operator, {**SITE, "max_streams": 40}, BLOG, onion_import=IMPORTS, **options)
    operator.run("keys")
    with web2.long_download(before.addresses["site"], before.hosts):
        checked = operator.deploy("--check", "--diff")
        run = operator.deploy()
    assert "does not carry" not in checked.output + run.output
    assert (checked.actions, checked.files) == (run.actions, run.files)
    assert run.actions["web1"] == [("legacy", "reload")]
    assert web1.sh(unit) == running
    assert web1.sh("head -1 /etc/tor/instances/legacy/torrc") == "# Managed by onionfleet.balance"
    assert "HiddenServicePort 80" in web1.sh("cat /etc/tor/instances/legacy/torrc.before-onionfleet")
    assert operator.deploy().changes == []
    assert web2.visit(before.addresses["site"], isolation="after") == "hello from web1"
    # more replicas
    declare(operator, {**SITE, "max_streams": 40, "replicas": "web"}, BLOG, **options)
    assert operator.deploy().actions == {"web1": [], "web2": [("legacy", "start")]}
    assert web2.sh(f"cat {LEGACY}/www/hostname") == before.addresses["site"]
    assert web1.sh(unit) == running


def test_it_is_refused_without_the_word(before):
    web1 = before.hosts[0]
    web1.sh("tor-instance-create other2 2>&1")
    before.operator.declare(OTHER, service("more", replicas=["web1"], daemon="other2"))
    before.operator.run("keys")
    run = before.operator.deploy(fails=True)
    assert "set 'adopt: true'" in run.messages


# --- "It runs in the plain tor"


def test_the_key_of_the_plain_tor_moves_to_new_daemons_while_it_runs_on(before):
    operator, web2 = before.operator, before.hosts[1]
    unit = "systemctl show -P MainPID -P InvocationID tor@default"
    running = web2.sh(unit)
    declare(operator, service("shop"), onion_import={"shop": {"host": "web2", "path": "/var/lib/tor/shop"}})
    operator.run("keys")
    operator.deploy(verified=True)
    assert operator.address("shop") == before.addresses["shop"]
    assert web2.sh(unit) == running
    assert web2.sh("systemctl is-active tor@default") == "active"
    for host in before.hosts:
        assert host.sh("cat /var/lib/tor-instances/shopw1/shop/hostname") == before.addresses["shop"]
        assert "shopw1" in host.daemons()
    # when the new ones answer, the old one's service goes, and a start of a new one ends what is left of it
    web2.sh("sed -i /HiddenService/d /etc/tor/torrc; systemctl reload tor@default")
    before.hosts[0].sh("systemctl restart tor@shopw1")
    # the daemon of the tests before goes on, and nobody declares it any more
    operator.run("verify", extra={"verify_undeclared": False})
