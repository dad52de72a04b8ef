# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was changed by hand: verify names it and fails, status names it, deploy mends it. Tests follow one another."""

from __future__ import annotations

import json
import re

import pytest
from onion_fleet import service, wait_for

ALPHA = service("alpha", keeper=True)
ARCHIVE = {
    "name": "archive",
    "layout": "softmap",
    "publishers": ["web1"],
    "backends": "web",
    "ports": [{"port": 80, "target": "127.0.0.1:8080"}],
}
CONFIG, DATA, UNITS = "/etc/tor/instances", "/var/lib/tor-instances", "/etc/systemd/system"
PUBLISHER, PROGRAM = "/etc/onionfleet/publisher", "/usr/local/lib/onionfleet/publisher/onionfleet_publisher"
QUICK = {"verify_wait": 0, "verify_requests": 1, "verify_timeout": 10}
STRANGER = """python3 - <<'END'
import json
path = '/etc/onionfleet/publisher/config.yaml'
config = json.load(open(path))
config['services'][0]['instances'].append({'name': 'web9/archiveb1', 'drained': True,
    'address': '2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion'})
json.dump(config, open(path, 'w'), indent=1)
END
systemctl reload onionfleet-publisher"""

# host, what somebody does, the kind and the words by which it is found
MENDED = {
    "torrc": (
        "web1",
        f"echo 'MaxMemInQueues 300 MB' >> {CONFIG}/alphaw1/torrc",
        "file",
        "alphaw1/torrc has been changed",
    ),
    "service file": (
        "web2",
        f"sed -i s/8080/8081/ {CONFIG}/alphaw1/services/alpha.conf",
        "file",
        "services/alpha.conf has been changed",
    ),
    "loaded by hand": (
        "web2",
        "systemctl reload tor@alphaw1; sleep 1",
        "action",
        "daemon 'alphaw1': .*HiddenServicePort differs.*reload",
    ),
    "missing file": ("web1", f"rm {DATA}/archiveb1/archive-backend/ob_config", "file", "ob_config is missing"),
    "mode": ("web1", f"chmod 644 {CONFIG}/archiveb1/torrc", "file", "archiveb1/torrc has mode 0644, .*not mode 0640"),
    "owner": (
        "web2",
        f"chown root {CONFIG}/archiveb1/services; chgrp root {CONFIG}/archiveb1/services",
        "file",
        "services/ has mode 0750, 0:0",
    ),
    "mode of a key": (
        "web2",
        f"chmod 644 {DATA}/alphaw1/alpha/hs_ed25519_secret_key",
        "key",
        "alpha/hs_ed25519_secret_key has mode 0644",
    ),
    "mode of a backend's key": (
        "web2",
        f"chmod 640 {DATA}/archiveb1/archive-backend/hs_ed25519_secret_key",
        "key",
        "has mode 0640",
    ),
    "missing key": (
        "web1",
        f"rm {PUBLISHER}/keys/archive/hs_ed25519_public_key",
        "key",
        "archive/hs_ed25519_public_key is missing",
    ),
    "not at boot": ("web2", "systemctl disable -q tor@alphaw1", "unit", "tor@alphaw1.service is disabled, not enabled"),
    "stopped": (
        "web1",
        "systemctl stop tor@archiveb1",
        "action",
        "daemon 'archiveb1': is not running; deploy would start it",
    ),
    "publisher's unit": (
        "web1",
        f"sed -i s/ProtectHome=true/ProtectHome=no/ {UNITS}/onionfleet-publisher.service",
        "unit",
        "publisher.service has been",
    ),
    "publisher not at boot": (
        "web1",
        "systemctl disable -q onionfleet-publisher",
        "unit",
        "onionfleet-publisher.service: does not start at boot",
    ),
    "publisher's program": ("web1", f"echo '# hand-made' >> {PROGRAM}/health.py", "file", "health.py has been changed"),
    "publisher's backends": ("web1", STRANGER, "file", "publisher/config.yaml has been changed"),
    "a backend nobody planned": ("web1", "true", "backend", "knows backend 'web9/archiveb1', which is not in the plan"),
    "keeper's unit": (
        "web2",
        f"echo '# hand-made' >> {UNITS}/onionfleet-keeper.service",
        "unit",
        "onionfleet-keeper.service has been changed",
    ),
    "keeper's configuration": (
        "web2",
        "chmod 644 /etc/onionfleet/keeper/config.json",
        "file",
        "keeper/config.json has mode 0644",
    ),
}


@pytest.fixture(scope="module")
def running(fresh):
    fresh.operator.declare(ALPHA, ARCHIVE)
    fresh.operator.run("keys")
    fresh.deployed = fresh.operator.run("deploy", extra={**QUICK, "verify_wait": 60, "verify_strict": False})
    return fresh


def host(running, name):
    return next(each for each in running.hosts if each.name == name)


def report(running, *arguments, playbook="status", **extra):
    path = running.operator.folder / "report.json"
    path.unlink(missing_ok=True)
    run = running.operator.run(
        playbook, *arguments, extra={**QUICK, "verify_report_file": str(path), **extra}, fails=None
    )
    return run, json.loads(path.read_text())


def test_a_deployments_own_verification_finds_nothing_that_it_did(running):
    assert "Every host that was looked at is as the plan says (2)." in running.deployed.output
    run, found = report(running)
    assert found["drift"] == []
    assert changes(run) == []


def test_status_as_json_and_as_a_picture(running):
    picture = running.operator.folder / "fleet.md"
    run, found = report(running, onion_status_format="json", verify_picture_file=str(picture))
    shown = run.output[run.output.index("\n{\n") :]
    assert json.JSONDecoder().raw_decode(shown.lstrip())[0]["services"] == found["services"]
    assert "PUBLISHES NOW" in picture.read_text() and "web2" in picture.read_text()


def changes(run):
    return [change[:2] for change in run.changes if not change[1].endswith("Write the report")]


@pytest.fixture(scope="module")
def damaged(running):
    before = {each.name: each.snapshot() for each in running.hosts}
    for name, command, _kind, _what in MENDED.values():
        host(running, name).sh(command)
    marked = {each.name: each.snapshot() for each in running.hosts}
    run, found = report(running, "--diff", playbook="verify")
    for each in running.hosts:
        after = each.snapshot("/etc", "/usr/local")
        assert after["files"] == {
            path: entry for path, entry in marked[each.name]["files"].items() if path in after["files"]
        }
    assert before != marked
    running.run, running.found = run, found
    return running


@pytest.mark.parametrize("damage", MENDED)
def test_a_verification_names_it(damaged, damage):
    name, _command, kind, what = MENDED[damage]
    told = [
        row
        for row in damaged.found["drift"]
        if (row["host"], row["kind"]) == (name, kind) and re.search(what, row["what"])
    ]
    assert told and told[0]["wrong"], damaged.found["drift"]
    assert f"host '{name}': {told[0]['what']}" in damaged.found["troubles"]


def test_a_verification_names_nothing_else_fails_and_shows_no_content(damaged):
    expected = [(name, kind, what) for name, _command, kind, what in MENDED.values()]
    strange = [
        row
        for row in damaged.found["drift"]
        if not any(
            row["host"] == name and row["kind"] == kind and re.search(what, row["what"])
            for name, kind, what in expected
        )
    ]
    # a changed file is one thing, that tor or the publisher has to load another
    assert {row["kind"] for row in strange} <= {"action"}, strange
    assert damaged.run.code == 2
    assert changes(damaged.run) == []
    for text in ("MaxMemInQueues 300", "hand-made"):
        assert text not in damaged.run.output


def test_a_limited_verification_names_what_is_on_its_hosts(damaged):
    _run, found = report(damaged, "--limit", "web2")
    assert {row["host"] for row in found["drift"]} == {"web2"}


def test_a_redacted_report_says_where_nobody_can_tell(damaged):
    run, found = report(damaged, playbook="verify", verify_redacted=True)
    assert run.code == 2
    assert not re.search("web[12]|/etc|alphaw1", run.messages)
    assert {row["what"] for row in found["drift"]} == {"is not as the plan says (not shown)"}
    assert not re.search("web[12]|/etc|alphaw1", json.dumps(found["drift"]) + json.dumps(found["troubles"]))


def test_a_deployment_mends_it(damaged):
    damaged.operator.run("deploy", extra={"verify_requests": 1})
    run, found = report(damaged, playbook="verify", verify_wait=120)
    assert (found["drift"], run.code) == ([], 0)
    assert damaged.operator.deploy().changes == []


def test_a_daemon_and_a_service_that_nobody_declares(running):
    web1 = host(running, "web1")
    web1.sh(
        f"cp -a {CONFIG}/alphaw1 {CONFIG}/ghost; sed s,/alpha$,/ghost, {CONFIG}/alphaw1/services/alpha.conf"
        f" > {CONFIG}/alphaw1/services/ghost.conf"
    )
    try:
        run, found = report(running, playbook="verify")
        told = [(row["kind"], row["what"].split(",")[0]) for row in found["drift"] if row["kind"] == "undeclared"]
        assert told == [("undeclared", "daemon 'alphaw1' serves 'ghost'"), ("undeclared", "daemon 'ghost' is there")]
        assert run.code == 2
        web1.sh(f"rm {CONFIG}/alphaw1/services/ghost.conf")
        # a deployment tells it, and does not fail over it
        run = running.operator.run("deploy", extra={"verify_requests": 1})
        assert "daemon 'ghost' is there, which nobody declares" in run.output
    finally:
        web1.sh(f"rm -rf {CONFIG}/ghost {CONFIG}/alphaw1/services/ghost.conf")


def test_another_key_is_told_and_never_overwritten(running):
    web2, path = host(running, "web2"), f"{DATA}/alphaw1/alpha/hs_ed25519_secret_key"
    web2.sh(f"cp -a {path} /root/key; cat {DATA}/archiveb1/archive-backend/hs_ed25519_secret_key > {path}")
    try:
        run, found = report(running, playbook="verify")
        assert [(row["host"], row["kind"]) for row in found["drift"]] == [("web2", "fault")]
        assert "belongs to another key than hs_ed25519_secret_key" in found["drift"][0]["what"]
        assert run.code == 2
    finally:
        web2.sh(f"cp -a /root/key {path}; shred -u /root/key")
    assert report(running)[1]["drift"] == []


def test_a_file_of_nobody_beside_the_publishers_program(running):
    web1 = host(running, "web1")
    web1.sh(f"touch {PROGRAM}/sitecustomize.py")
    _run, found = report(running)
    # a publisher that is older than what is beside its program is told as well
    assert f"{PROGRAM}/sitecustomize.py is not of this collection; remove it" in [row["what"] for row in found["drift"]]
    web1.sh(f"rm {PROGRAM}/sitecustomize.py")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        pytest.param("web2", f"{DATA}/alphaw1/alpha", id="hardmap"),
        pytest.param("web1", f"{PUBLISHER}/keys/archive", id="softmap", marks=pytest.mark.long),
    ],
)
def test_a_descriptor_that_none_of_its_hosts_made(running, name, key):
    """Somebody has the key, and published last. Where tor does not show the descriptor of this time period,
    introduction points are compared, and may be those of ours in so small a network. When he has gone, `publish`
    brings visitors back.
    """
    there = host(running, name)
    there.sh(f"""umask 077; mkdir -p /root/thief/stolen; cp {key}/hs_ed25519_* /root/thief/stolen/
        grep -v ^%include {CONFIG}/alphaw1/torrc > /root/thief/torrc
        printf '%s\\n' 'DataDirectory /root/thief' 'HiddenServiceDir /root/thief/stolen' \
            'HiddenServicePort 80 127.0.0.1:8080' >> /root/thief/torrc""")
    try:
        wait_for(lambda: _stolen(running, there), "the thief's descriptor is found", 600)
    finally:
        there.sh("systemctl stop thief; rm -rf /root/thief", check=False)
    # a verify_wait from here would also be waited before anybody publishes
    running.operator.run("publish", extra={"verify_requests": 1, "verify_timeout": 10})
    _run, found = report(running, verify_wait=30)
    assert found["unpublished"] == []
    assert not any("that none of its hosts made" in trouble for trouble in found["troubles"])


def _stolen(running, there):
    there.sh("systemctl stop thief", check=False)
    there.sh("systemd-run --quiet --collect --unit thief tor -f /root/thief/torrc")
    wait_for(lambda: "Bootstrapped 100%" in there.sh("journalctl -u thief -o cat"), "the thief has bootstrapped", 90)
    _run, found = report(running, verify_wait=30)
    return any("that none of its hosts made" in trouble for trouble in found["troubles"])
