# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A softmap through everything that happens to it: two publishers, three backend hosts with two workers each.

The tests follow one another on one fleet.
"""

from __future__ import annotations

import json

import pytest
import yaml
from conftest import Fleet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from onion_fleet import Hunt, fleet, needles, wait_for
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3

PUBLISHERS = ("pub1", "pub2")
APPS = ("app1", "app2", "app3")
# fast enough for a test; docs/benchmark.md has figures with the defaults
PROBES = {"probe_interval": 5, "probe_timeout": 8}
ASK = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(5); "
    "s.connect('/run/onionfleet-publisher/status.sock'); print(''.join(iter(lambda: s.recv(65536).decode(), '')))"
)


def softmap(name, **fields):
    return {
        "name": name,
        "layout": "softmap",
        "publishers": [*PUBLISHERS],
        "backends": [*APPS],
        "workers": 2,
        "ports": [{"port": 80, "target": "unix:/run/pages/beta.sock"}],
        "probe": {"capture": "hello from ([a-z0-9]+ to _tor-[a-z0-9]+)"},
        **fields,
    }


ARCHIVE = softmap("archive")


class Softmap(Fleet):
    """The fleet, and what its publishers and the directories say."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.keys = {}  # of introduction points that publishers listed, by backend

    def host(self, name):
        return next(host for host in self.hosts if host.name == name)

    def declare(self, *services, **variables):
        settings = {"onion_publisher": PROBES, "onion_probe_hosts": [APPS[0]], **variables}
        self.operator.declare(*services, **settings)

    def status(self, publisher):
        """What a publisher says; empty while it does not."""
        answer = self.host(publisher).sh(f'python3 -c "{ASK}"', check=False)
        return json.loads(answer) if answer.startswith("{") else {}

    def tor(self, publisher):
        """Whether its tor is connected, and has a consensus."""
        told = self.status(publisher).get("tor", {})
        return told.get("connected"), told.get("consensus")

    def states(self, publisher, service="archive"):
        services = {each["name"]: each for each in self.status(publisher).get("services", [])}
        return {each["name"]: each["state"] for each in services.get(service, {}).get("instances", [])}

    def report(self, *arguments, name="archive", **extra):
        """What verification finds now."""
        path = self.operator.folder / "report.json"
        path.unlink(missing_ok=True)
        extra = {"verify_report_file": str(path), "verify_fresh": "circuit", "verify_timeout": 30, **extra}
        self.operator.run("status", *arguments, extra=extra)
        return next(each for each in json.loads(path.read_text())["services"] if each["name"] == name)

    def listed(self):
        """Backends of archive that HSDirs list, by the keys of their introduction points, of which publishers tell."""
        for publisher in PUBLISHERS:
            for service in self.status(publisher).get("services", []):
                for each in service["instances"]:
                    self.keys.setdefault(each["name"], set()).update(each["listed_keys"])
        look = self.operator.folder / "look.yml"
        address = {"addresses": [self.operator.address("archive")]}
        look.write_text(yaml.safe_dump([{"hosts": APPS[0], "gather_facts": False, "tasks": [
            {"name": "Look", "onionfleet.balance.onion_descriptor_info": address}]}]))
        (found,) = self.operator.run(str(look)).results("Look")[0]["services"]
        held = {key for hsdir in found["hsdirs"] for key in hsdir["introduction_keys"] or []}
        return sorted(name for name, keys in self.keys.items() if keys & held)


@pytest.fixture(scope="module")
def running(tmp_path_factory, network):
    made = Softmap(tmp_path_factory.mktemp("operator"), network, [*PUBLISHERS, *APPS])
    made.declare(ARCHIVE)
    made.operator.run("keys")
    made.checked = made.operator.deploy("--check", "--diff")
    made.deployed = made.operator.deploy("--diff", verified=True)
    yield made
    made.remove()


WORKERS = tuple(sorted(f"{host}/archiveb{worker}" for host in APPS for worker in (1, 2)))


def headers(run, task):
    return {entry["host"]: [part["after_header"] for part in entry["result"]["diff"]] for entry in run.record
            if entry.get("task", "").endswith(task) and entry.get("result", {}).get("diff")}


def test_check_mode_named_what_followed(running):
    assert running.checked.files == running.deployed.files
    task = "Write what it publishes, and run the publishers, one after another"
    written = [headers(run, task) for run in (running.checked, running.deployed)]
    secret, told = (
        "/etc/onionfleet/publisher/keys/archive/hs_ed25519_secret_key",
        "/etc/onionfleet/publisher/config.yaml",
    )
    assert [sorted(each) for each in written] == [[*PUBLISHERS], [*PUBLISHERS]]
    assert all(secret in files and told in files for each in written for files in each.values())


def test_every_worker_is_listed_and_has_answered(running):
    found = running.report(verify_requests=60)
    assert found["answer"]["answered"] == 60
    assert sorted(found["answer"]["answered_by"]) == sorted(
        f"{host} to _tor-archiveb{worker}" for host in APPS for worker in (1, 2)
    )
    assert found["troubles"] == []
    assert running.listed() == [*WORKERS]


def test_its_publishers_are_recognised(running):
    def recognised():
        # each publisher uploads, and the later one's descriptor stays: they may share the HSDirs
        found = running.report()
        return sum(each["hsdirs"] for each in found["publishers"]) == found["hsdirs"]["responsible"]

    wait_for(recognised, "all HSDirs hold what one of the publishers made", 120)


def test_a_second_run_changes_nothing(running):
    assert running.operator.deploy().changes == []


def test_the_services_key_is_on_no_backends_disk(running):
    operator = running.operator
    sought = needles(operator.secret("archive"), (operator.folder / "vault").read_text())
    for name in (*APPS, PUBLISHERS[0]):
        hunt = Hunt(running.host(name), sought, watch=["/run"], disks=["/"], spared=[])
        places = hunt.found()
        keys = [place for place in places if "/etc/onionfleet/publisher/keys/archive/hs_ed25519_secret_key" in place]
        assert (name in PUBLISHERS) == bool(keys), "the hunt itself must find the key where it is"
        assert places == keys


def down(running, name, publishers=PUBLISHERS):
    return lambda: all(running.states(publisher).get(name) == "down" for publisher in publishers)


def up(running, names=WORKERS, publishers=PUBLISHERS):
    wanted = dict.fromkeys(names, "up")
    return lambda: all(running.states(publisher) == wanted for publisher in publishers)


def test_a_killed_backend_leaves_the_descriptor_and_comes_back(running):
    app1 = running.host("app1")
    app1.sh("systemctl mask --runtime tor@archiveb2 && systemctl kill -s KILL tor@archiveb2")
    wait_for(down(running, "app1/archiveb2"), "both publishers miss it", 90)
    others = [name for name in WORKERS if name != "app1/archiveb2"]
    wait_for(lambda: running.listed() == others, "it has left the directories", 90)
    app1.sh("systemctl unmask --runtime tor@archiveb2 && systemctl start tor@archiveb2")
    wait_for(up(running), "both publishers meet it again", 120)
    wait_for(lambda: running.listed() == [*WORKERS], "it is back on the directories", 90)


def test_a_cut_host_leaves_the_descriptor_and_comes_back(running):
    fleet("cut", "app3")
    try:
        wait_for(down(running, "app3/archiveb1"), "both publishers miss its first worker", 120)
        wait_for(down(running, "app3/archiveb2"), "and its second", 60)
        others = [name for name in WORKERS if not name.startswith("app3")]
        wait_for(lambda: running.listed() == others, "it has left the directories", 90)
    finally:
        fleet("heal", "app3")
    wait_for(up(running), "both publishers meet it again", 240)
    wait_for(lambda: running.listed() == [*WORKERS], "it is back on the directories", 90)


def test_a_drained_host_leaves_while_it_goes_on_answering(running):
    before = [host.daemons() for host in running.hosts]
    processes = [running.host(name).sh("systemctl show -P MainPID onionfleet-publisher") for name in PUBLISHERS]
    running.declare(ARCHIVE, onion_drained=["app2"])
    running.operator.deploy()
    others = [name for name in WORKERS if not name.startswith("app2")]
    wait_for(lambda: running.listed() == others, "it has left the directories", 90)
    assert {running.states(PUBLISHERS[0])[f"app2/archiveb{worker}"] for worker in (1, 2)} == {"drained"}
    running.declare(ARCHIVE)
    running.operator.deploy()
    wait_for(lambda: running.listed() == [*WORKERS], "it is back on the directories", 90)
    assert [host.daemons() for host in running.hosts] == before
    assert [running.host(name).sh("systemctl show -P MainPID onionfleet-publisher") for name in PUBLISHERS] == processes


def test_a_publisher_outlives_its_tor(running):
    for name in PUBLISHERS:
        host = running.host(name)
        process = host.sh("systemctl show -P MainPID onionfleet-publisher")
        host.sh("systemctl restart tor@onionpublisher")
        wait_for(lambda name=name: running.tor(name) == (True, True), f"{name} has its tor", 60)
        wait_for(up(running, publishers=[name]), f"{name} sees all backends", 90)
        assert host.sh("systemctl show -P MainPID onionfleet-publisher") == process
    assert running.report()["answer"]["answered"] == 1


def test_a_publisher_waits_for_the_consensus_of_its_tor(running):
    host = running.host("pub2")
    host.sh(
        "systemctl stop onionfleet-publisher tor@onionpublisher; "
        "cd /var/lib/tor-instances/onionpublisher; rm -f cached-* state"
    )
    fleet("cut", "pub2")
    try:
        host.sh("systemctl start tor@onionpublisher onionfleet-publisher")
        process = host.sh("systemctl show -P MainPID onionfleet-publisher")
        wait_for(lambda: running.tor("pub2") == (True, False), "it waits", 60)
    finally:
        fleet("heal", "pub2")
    wait_for(up(running, publishers=["pub2"]), "it sees all backends", 180)
    assert host.sh("systemctl show -P MainPID onionfleet-publisher") == process


def test_the_other_publisher_goes_on_when_one_dies(running):
    fleet("kill", "pub1")
    try:
        wait_for(
            lambda: (
                running.report("--limit", "all:!pub1")["holder"]
                == {"host": "pub2", "daemon": "onionpublisher", "by": "signing key"}
            ),
            "the other one's descriptor is on the directories",
            300,
        )
        found = running.report("--limit", "all:!pub1")
        assert found["answer"]["answered"] == 1
        assert found["troubles"] == []
    finally:
        fleet("start", "pub1")
    wait_for(running.host("pub1")._answers, "ssh of pub1")
    wait_for(up(running), "both publishers see all backends", 180)


def test_a_torn_configuration_changes_nothing_and_is_mended(running):
    pub1 = running.host("pub1")
    before = running.status("pub1")["services"][0]["introduction_points"]
    pub1.sh("cd /etc/onionfleet/publisher && truncate --size=200 config.yaml && systemctl reload onionfleet-publisher")
    assert running.status("pub1")["services"][0]["introduction_points"] == before
    report = running.report()
    assert any("config.yaml: is torn" in trouble for trouble in report["troubles"])
    run = running.operator.deploy()
    assert [change[:2] for change in run.changes if "Write" in change[1]] == [("pub1", run.changes[0][1])]
    assert up(running)()
    assert running.operator.deploy().changes == []


def test_a_publisher_that_hangs_is_told(running):
    running.host("pub1").sh("systemctl kill -s STOP onionfleet-publisher")
    try:
        assert any(trouble.startswith("publisher 'pub1': ") for trouble in running.report()["troubles"])
    finally:
        running.host("pub1").sh("systemctl kill -s CONT onionfleet-publisher")
    assert running.report()["troubles"] == []


def test_a_limited_run_drops_no_backend(running):
    config = running.host("pub1").sh("cat /etc/onionfleet/publisher/config.yaml")
    assert running.operator.deploy("--limit", "pub1").changes == []
    assert running.host("pub1").sh("cat /etc/onionfleet/publisher/config.yaml") == config


WHEEL = "/usr/local/lib/onionfleet/publisher/onionbalance-0.2.4-py2.py3-none-any.whl"


def frontend():
    """A key for stock Onionbalance, as PEM, and its address."""
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), HiddenServiceDescriptorV3.address_from_identity_key(key.public_key().public_bytes_raw())


def answer_for(host, frontends):
    """Have the backends of big on a host answer for further addresses."""
    lines = "".join(f"MasterOnionAddress {address}\\n" for address in frontends)
    host.sh(
        f"for d in /var/lib/tor-instances/bigb*; do printf '{lines}' >> $d/big-backend/ob_config; "
        "systemctl restart tor@${d##*/}; done"
    )


def start_stock(host, instances, frontends):
    """Stock Onionbalance beside our launcher: one service for each number of backends, {number: PEM}."""
    for number, pem in frontends.items():
        host.write(f"/etc/stock/{number}.pem", pem)
    services = [{"key": f"/etc/stock/{number}.pem", "instances": instances[:number]} for number in frontends]
    host.write("/etc/stock/config.yaml", json.dumps({"services": services}))
    host.sh(
        f"systemd-run --quiet --collect --unit stock -E PYTHONPATH={WHEEL} "
        "python3 -c 'from onionbalance.manager import main; main()' "
        "-c /etc/stock/config.yaml -s /run/tor-instances/onionpublisher/control --is-testnet -v info"
    )


def _all_answer(running, answered):
    """Ask thirty times; who answered is added."""
    answer = running.report(name="big", verify_requests=30)["answer"]
    answered.update(answer["answered_by"])
    return answer["answered"] == 30


@pytest.mark.long
def test_eleven_workers_answer_through_ours_and_not_through_stock_onionbalance(running):
    # no relay is listed twice, and this network is small: the backends take turns
    turns = {**PROBES, "rotation_interval": 60}
    running.declare(ARCHIVE, softmap("big", workers=4), onion_drained=["app3/bigb4"], onion_publisher=turns)
    running.operator.run("keys")
    running.operator.deploy(verified=True)
    answered = set()
    wait_for(lambda: _all_answer(running, answered) and len(answered) == 11, "each of the eleven has answered", 600)
    (ten, ten_address), (eleven, eleven_address) = frontend(), frontend()
    for name in APPS:
        answer_for(running.host(name), [ten_address, eleven_address])
    pub1, visitor = running.host("pub1"), running.host(APPS[0])
    config = json.loads(pub1.sh("cat /etc/onionfleet/publisher/config.yaml"))
    big = next(each for each in config["services"] if each["name"] == "big")
    instances = [{"address": each["address"]} for each in big["instances"] if not each["drained"]]
    assert len(instances) == 11
    workers = [each["name"] for each in big["instances"] if not each["drained"]]
    wait_for(lambda: all(running.states("pub1", "big").get(name) == "up" for name in workers), "they are up again", 300)
    start_stock(pub1, instances, {10: ten, 11: eleven})
    try:
        log = "journalctl --unit stock --output cat"
        wait_for(lambda: "descriptor (22 intro points)" in pub1.sh(log), "stock has published eleven", 600)
        wait_for(lambda: "hello" in visitor.visit(ten_address), "stock's service of ten answers", 300)
        assert [visitor.visit(eleven_address, isolation=f"eleven{number}") for number in range(5)] == [""] * 5
        assert "hello" in visitor.visit(ten_address, isolation="ten")
    finally:
        pub1.sh("systemctl stop stock", check=False)
