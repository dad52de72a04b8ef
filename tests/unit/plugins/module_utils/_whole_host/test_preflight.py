# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pwd
import socket
import types

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.module_utils._whole_host import preflight

KEY = key_file.generate()


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host in a folder, sound in every respect; its daemons run as the user of the tests."""
    for name in ("DATA_ROOT", "INSTANCES_ROOT", "PUBLISHER_ROOT"):
        monkeypatch.setattr(locations, name, str(tmp_path / name))
    monkeypatch.setattr(preflight, "DATA_ROOT", locations.DATA_ROOT)
    monkeypatch.setattr(preflight, "barriers", lambda paths, uid, gids: [""] * len(paths))
    me = pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(preflight, "ROOTS", (str(tmp_path),))
    monkeypatch.setattr(preflight, "daemon_user", lambda daemon: me)
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 0)
    tor = {"--version": "Tor version 0.4.9.11.\nmore", "--list-modules": "relay: yes\npow: yes\n"}
    monkeypatch.setattr(preflight, "_output", lambda command, option: tor[option])
    return types.SimpleNamespace(path=tmp_path, tor=tor, data=tmp_path / "DATA_ROOT", etc=tmp_path / "INSTANCES_ROOT")


def daemons(**service):
    full = {"name": "newsroom", "state": "present", "directory": "newsroom", "address": KEY.address, **service}
    return [{"name": "newsroomw1", "state": "present", "adopt": False, "services": [full]}]


def test_a_sound_host_lacks_only_the_key(host):
    report = preflight.inspect(daemons(), None, "0.4.9.11")
    assert (report.faults, report.hints, report.missing_keys) == ([], [], ["newsroom"])
    assert report.tor == "0.4.9.11"


def test_a_key_in_place_is_not_missing(host):
    folder = host.data / "newsroomw1" / "newsroom"
    folder.mkdir(parents=True)
    (folder / "hs_ed25519_secret_key").write_bytes(KEY.to_tor_file())
    (folder / "hs_ed25519_public_key").write_bytes(b"== ed25519v1-public: type0 ==\0\0\0" + KEY.public_key)
    report = preflight.inspect(daemons(), None, "0.4.9.11")
    assert (report.faults, report.missing_keys) == ([], [])


def test_the_key_of_another_address_is_a_fault(host):
    folder = host.data / "newsroomw1" / "newsroom"
    folder.mkdir(parents=True)
    (folder / "hs_ed25519_secret_key").write_bytes(key_file.generate().to_tor_file())
    report = preflight.inspect(daemons(), None, "0.4.9.11")
    assert len(report.faults) == 1 and "holds the key of another address" in report.faults[0]


def test_the_lost_key_of_a_backend_is_mentioned_and_holds_nothing_up(host):
    folder = host.data / "newsroomw1" / "newsroom"
    folder.mkdir(parents=True)
    (folder / "hostname").write_bytes(KEY.service_files()["hostname"])
    report = preflight.inspect(daemons(address=None), None, "0.4.9.11")
    assert (report.faults, report.missing_keys) == ([], [])
    (hint,) = report.hints
    assert hint.startswith(f"service 'newsroom': key: {folder}/hs_ed25519_secret_key: is gone")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["authorized_clients: 2 clients are authorized here, and none in the declaration"]),
        ({"authorized_clients": [{"name": "anna", "public_key": "A"}]}, []),
        ({"lower_protection": True, "single_hop": True}, []),
        ({"single_hop": "True"}, ["authorized_clients: ", "single_hop: the service is anonymous here"]),
        ({"single_hop": False}, ["authorized_clients: "]),
    ],
)
def test_what_protects_a_service_is_not_taken_away_without_a_word(host, fields, expected):
    folder = host.data / "newsroomw1" / "newsroom"
    (folder / "authorized_clients").mkdir(parents=True)
    (folder / "hostname").write_text(f"{KEY.address}\n")
    for file in ("authorized_clients/anna.auth", "authorized_clients/berta.auth", "authorized_clients/readme"):
        (folder / file).touch()
    faults = preflight.inspect(daemons(**fields), None, "0.4.9.11").faults
    assert len(faults) == len(expected)
    assert all(fault.startswith(f"service 'newsroom': {words}") for fault, words in zip(faults, expected))
    assert all("say 'lower_protection: true'" in fault for fault in faults)


def test_a_service_that_is_not_anonymous_or_not_there_may_be_single_hop(host):
    assert preflight.inspect(daemons(single_hop=True), None, "0.4.9.11").faults == []
    folder = host.data / "newsroomw1" / "newsroom"
    folder.mkdir(parents=True)
    (folder / "hostname").write_text(f"{KEY.address}\n")
    torrc = host.etc / "newsroomw1" / "torrc"
    torrc.parent.mkdir(parents=True)
    torrc.write_text("# Managed by onionfleet.balance\nHiddenServiceSingleHopMode 1\n")
    assert preflight.inspect(daemons(single_hop=True), None, "0.4.9.11").faults == []
    torrc.write_text("# Managed by onionfleet.balance\nHiddenServiceSingleHopMode 0\n")
    assert len(preflight.inspect(daemons(single_hop=True), None, "0.4.9.11").faults) == 1


def test_no_privilege_is_the_only_thing_said(host, monkeypatch):
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
    report = preflight.inspect(daemons(), None, "0.4.9.11")
    assert report.faults == ["privileges: the tasks do not run as root; set 'become: true' for this host"]


def test_an_old_tor_is_a_fault(host):
    host.tor["--version"] = "Tor version 0.4.8.10.\n"
    assert (
        "version 0.4.8.10 is installed, 0.4.9.11 is needed" in preflight.inspect(daemons(), None, "0.4.9.11").faults[0]
    )


def test_proof_of_work_needs_a_tor_that_has_it(host):
    host.tor["--list-modules"] = "relay: yes\npow: no\n"
    faults = preflight.inspect(daemons(pow={"enabled": True}), None, "0.4.9.11").faults
    assert len(faults) == 1 and faults[0].startswith("service 'newsroom': pow:")
    assert preflight.inspect(daemons(pow={"enabled": False}), None, "0.4.9.11").faults == []


def test_a_full_disk_is_a_fault(host, monkeypatch):
    full = types.SimpleNamespace(f_bavail=2, f_frsize=4096, f_files=1000, f_favail=3)
    monkeypatch.setattr(preflight.os, "statvfs", lambda path: full)
    faults = preflight.inspect(daemons(), None, "0.4.9.11").faults
    assert [fault.split(";")[0] for fault in faults] == [
        f"disk: 0 MiB are free for {host.path}, 32 are needed",
        f"disk: 3 inodes are free for {host.path}, 256 are needed",
    ]


def test_directories_of_the_system_that_daemons_cannot_pass_are_faults(host, monkeypatch):
    asked = []

    def barriers(paths, uid, gids):
        asked.append((paths, uid, gids))
        return [str(host.path), str(host.path), paths[-1]]

    monkeypatch.setattr(preflight, "barriers", barriers)
    monkeypatch.setattr(preflight, "PASSED", (*(str(host.path / name) for name in ("a", "b")), "/etc/onionfleet"))
    faults = preflight.inspect(daemons(), None, "0.4.9.11").faults
    assert faults == [
        f"directory: {host.path} does not let the users of daemons through;"
        f" give it mode 0755, or at least 'chmod o+x {host.path}'"
    ]
    assert asked == [([f"{host.path}/.", f"{host.path}/.", "/etc/."], None, [])]


def test_a_directory_of_another_owner_is_a_fault(host, monkeypatch):
    (host.data / "newsroomw1").mkdir(parents=True)
    monkeypatch.setattr(preflight, "daemon_user", lambda daemon: "_tor-" + daemon)
    faults = preflight.inspect(daemons(), None, "0.4.9.11").faults
    assert len(faults) == 1 and "not to _tor-newsroomw1" in faults[0]


def test_a_torrc_of_someone_else_is_taken_over_only_when_told(host):
    (host.etc / "newsroomw1").mkdir(parents=True)
    torrc = host.etc / "newsroomw1" / "torrc"
    torrc.write_text("SocksPort 9050\n")
    assert "was written by someone else" in preflight.inspect(daemons(), None, "0.4.9.11").faults[0]
    adopting = daemons()
    adopting[0]["adopt"] = True
    assert preflight.inspect(adopting, None, "0.4.9.11").faults == []
    torrc.write_text(f"{locations.MARKER}\n")
    assert preflight.inspect(daemons(), None, "0.4.9.11").faults == []


def test_sockets_that_tor_cannot_reach(host):
    ports = [{"port": 80, "target": "unix:/tmp/x.sock"}, {"port": 81, "targets": ["unix:/run/nothing-here.sock"]}]
    report = preflight.inspect(daemons(ports=ports), None, "0.4.9.11")
    assert len(report.faults) == 1 and "service 'newsroom': ports: 80: the socket /tmp/x.sock" in report.faults[0]
    assert any("/run/nothing-here.sock is not there (yet)" in warning for warning in report.hints)


def test_targets_that_nobody_listens_on_yet_are_mentioned(host, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = f"127.0.0.1:{listener.getsockname()[1]}"
        with socket.create_server(("127.0.0.1", 0)) as gone:
            free = f"127.0.0.1:{gone.getsockname()[1]}"
        ports = [{"port": 80, "target": here}, {"port": 81, "targets": [here, free]}]
        report = preflight.inspect([*daemons(ports=ports), *daemons(ports=ports)], None, "0.4.9.11")
    assert report.faults == []
    assert report.hints == [
        f"service 'newsroom': ports: 81: nothing listens on {free} (yet); visitors get errors meanwhile"
    ]
    absent = daemons(ports=ports, state="absent")
    assert preflight.inspect(absent, None, "0.4.9.11").hints == []


# --- publishers


def publisher(*names, **fields):
    return {"services": [{"name": name, "address": KEY.address, **fields} for name in names], "settings": {}}


def installed(host, name, key=KEY, **files):
    """Somebody puts a key there; returns its folder."""
    folder = host.path / "PUBLISHER_ROOT/keys" / name
    folder.mkdir(parents=True)
    for file, content in {**key.service_files(), **files}.items():
        (folder / file).write_bytes(content)
    return folder


def found(published, given=()):
    return preflight.inspect(list(given), published, "0.4.9.11")


def test_keys_that_a_publisher_lacks(host):
    installed(host, "archive")
    report = found(publisher("archive", "library"))
    assert (report.faults, report.hints, report.missing_keys) == ([], [], ["library"])


def test_half_a_key_is_missing(host):
    (installed(host, "archive") / "hs_ed25519_public_key").unlink()
    assert found(publisher("archive")).missing_keys == ["archive"]


def test_foreign_and_broken_keys_of_a_publisher_are_faults_and_told_together(host):
    foreign = installed(host, "foreign", key_file.generate())
    broken = installed(host, "broken", hs_ed25519_secret_key=KEY.to_tor_file()[:-1])
    report = found(publisher("foreign", "broken", "missing"))
    assert report.missing_keys == ["missing"]
    first, second = report.faults
    assert first.startswith(f"service 'foreign': key: {foreign} holds the key of another address; move it away")
    assert second.startswith(f"service 'broken': key: {broken} is broken: ")
    assert second.endswith("; move the folder away to have it made anew")
    assert "truncated" in second


def test_a_key_that_a_host_needs_twice_is_missing_once(host):
    assert found(publisher("newsroom"), daemons()).missing_keys == ["newsroom"]


def test_a_service_without_address_yet_lacks_nothing(host):
    report = found(publisher("archive", address=None))
    assert (report.faults, report.missing_keys) == ([], [])


def test_a_publisher_without_services_is_sound(host):
    assert found({"services": [], "settings": {}}).faults == []


@pytest.mark.parametrize(
    ("output", "version"),
    [("Tor version 0.4.9.11.\n", "0.4.9.11"), ("Tor version 0.4.9.2-alpha.", "0.4.9.2"), ("", None)],
)
def test_reading_the_version(output, version):
    assert preflight.tor_version(output) == version


def test_comparing_versions():
    assert preflight.is_older("0.4.9.9", "0.4.9.11")
    assert not preflight.is_older("0.4.10.1", "0.4.9.11")
    assert not preflight.is_older("0.4.9.11", "0.4.9.11")
