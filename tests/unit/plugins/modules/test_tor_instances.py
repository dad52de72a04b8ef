# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module with what it stands on in `_daemons`: changes, service_changes, apply, staging."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import stat
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import change, present, record, staging
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations, systemd, wipe
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlUnreachable
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import options as known_options
from ansible_collections.onionfleet.balance.plugins.modules import tor_instances

KEY, OTHER = key_file.generate(), key_file.generate()
SECRET = base64.b64encode(KEY.to_tor_file()).decode()
CLIENT = {"name": "anna", "public_key": "NBWMNHGXC3D5ADAVXWFNFGHJ6ZJRWX2DEFDZ4ODNZHZ7FSLQGRKQ"}


def shop(**fields: t.Any) -> dict[str, t.Any]:
    return {"name": "shop", "ports": [{"port": 80, "target": "127.0.0.1:8080"}], **fields}


def daemon(*services: dict[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
    return {"name": "shop1", "services": list(services), **fields}


class Host:
    """A host in a directory: its own roots, a tor that accepts all but "Bad", a systemd that remembers."""

    def __init__(self, root: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.root, self.capfd = root, capfd
        self.running: dict[str, systemd.Unit] = {}
        self.commands: list[tuple[str, ...]] = []
        self.asked: t.Any = None
        self.warnings: list[str] = []

    config = property(lambda self: self.root / "etc/shop1")
    service = property(lambda self: self.root / "data/shop1/shop")

    def units(self, names: t.Iterable[str]) -> dict[str, systemd.Unit]:
        return {name: self.running.get(name, systemd.Unit()) for name in names}

    def command(self, *command: str, timeout: float = 0) -> str:
        self.commands.append(command)
        if command[:2] == ("systemctl", "enable"):
            for unit in command[3:]:
                (self.root / "wants" / unit).symlink_to("/dev/null")
        return ""

    def connect(self, path: str, **_options: t.Any) -> t.Any:
        if self.asked is None:
            raise ControlUnreachable(path, "not here")
        return self.asked

    def run(self, *daemons: t.Any, check: bool = False, **parameters: t.Any) -> dict[str, t.Any]:
        arguments = {"daemons": list(daemons), **parameters, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            tor_instances.main()
        output = self.capfd.readouterr().out
        assert SECRET[50:90] not in output
        warnings, self.warnings = self.warnings, []
        return {**json.loads(output), "warnings": warnings}

    def make_key(self, folder: pathlib.Path) -> None:
        """As a tor does when it starts."""
        folder.mkdir(exist_ok=True)
        for name, content in OTHER.service_files().items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)

    def tree(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.root)): path.read_bytes()
                for path in self.root.rglob("*") if path.is_file() and "wants" not in path.parts}

    def mode(self, path: pathlib.Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(name="host")
def fixture_host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Host:
    host = Host(tmp_path, capfd)
    (tmp_path / "wants").mkdir()
    tor = tmp_path / "tor"
    tor.write_text('#!/bin/sh\ngrep -q Bad "$4" && echo "[warn] Unknown option Bad in $4" && exit 1\nexit 0\n')
    tor.chmod(0o755)
    defaults = tmp_path / "defaults"
    defaults.write_text("DataDirectory /var/lib/tor-instances/@@NAME@@\nUser _tor-@@NAME@@\n")
    for module, name, value in [
        (locations, "INSTANCES_ROOT", str(tmp_path / "etc")), (locations, "DATA_ROOT", str(tmp_path / "data")),
        (locations, "KEEPER_ROOT", str(tmp_path)), (locations, "KEEPER_STATUS", str(tmp_path / "status.sock")),
        (locations, "RECORDS_ROOT", str(tmp_path / "lib/loaded")), (systemd, "_WANTS", str(tmp_path / "wants") + "/"),
        (tor_instances.AnsibleModule, "warn", lambda _module, text: host.warnings.append(text)),
        (disk, "_LOCK", str(tmp_path / "lock")), (staging, "DEFAULTS", str(defaults)),
        (staging, "tor_program", lambda: str(tor)), (systemd, "units", host.units), (systemd, "run", host.command),
        (present, "ControlPort", host.connect), (disk, "user_id", lambda _name: os.getuid()),
        (disk, "group_id", lambda _name: os.getgid()), (os, "geteuid", lambda: 0),
    ]:
        monkeypatch.setattr(module, name, value)
    return host


@pytest.mark.parametrize("field", [*known_options.DAEMON, *known_options.SERVICE, *known_options.SERVICE_SPECIAL])
def test_every_option_is_documented(field: str) -> None:
    assert f"C({field})" in tor_instances.DOCUMENTATION


def test_check_run_check_run(host: Host) -> None:
    declared = daemon(shop(address=KEY.address, authorized_clients=[CLIENT]))
    before = host.tree()
    foreseen = host.run(declared, check=True)
    assert host.tree() == before
    assert not host.commands
    first = host.run(declared, secrets={"shop": SECRET})
    assert first["changed"]
    assert first["actions"][0]["action"] == "start"
    assert [foreseen[key] for key in ("changed", "diff", "actions")] == [
        first[key] for key in ("changed", "diff", "actions")
    ]
    again = host.run(declared)
    assert not again["changed"]
    assert again["diff"] == []
    assert again["actions"] == first["actions"]
    assert host.commands == [("systemctl", "enable", "--quiet", "tor@shop1.service")]
    secret = host.service / "hs_ed25519_secret_key"
    assert secret.read_bytes() == KEY.to_tor_file()
    assert host.mode(secret) == 0o600
    assert (host.mode(host.service), host.mode(host.config), host.mode(host.config / "torrc")) == (0o700, 0o750, 0o640)
    assert not [name for name in host.tree() if "/." in name]


def test_folders_above_daemons_let_their_users_through(host: Host) -> None:
    before = os.umask(0o077)
    try:
        host.run(daemon(shop(address=KEY.address)), secrets={"shop": SECRET})
    finally:
        os.umask(before)
    above = [host.root / "etc", host.root / "data"]
    assert [host.mode(path) for path in above] == [0o755, 0o755]
    above[0].chmod(0o711)  # somebody means it so
    declared = [daemon(shop(address=KEY.address)), {**daemon(), "name": "relay", "options": {"extra": []}}]
    host.run(*declared)
    assert host.mode(above[0]) == 0o711
    above[0].chmod(0o750)
    above[1].chmod(0o700)
    foreseen, done = host.run(*declared, check=True), host.run(*declared)
    assert [part["after_header"] for part in done["diff"]] == [f"{path}/" for path in above]
    assert foreseen["diff"] == done["diff"]
    assert [host.mode(path) for path in above] == [0o755, 0o755]
    assert not host.run(*declared)["changed"]


@pytest.mark.parametrize(
    ("readable", "name", "mode"),
    [
        (False, "hs_ed25519_secret_key", 0o600),
        (False, "hostname", 0o600),
        (True, "hostname", 0o640),
        (True, "hs_ed25519_secret_key", 0o600),
    ],
)
def test_a_key_file_with_another_mode_is_mended(host: Host, readable: bool, name: str, mode: int) -> None:
    # one service whose key is ours, one whose key its tor made
    declared = daemon(
        shop(address=KEY.address, directory_group_readable=readable),
        shop(name="own", directory_group_readable=readable),
    )
    host.run(declared, secrets={"shop": SECRET})
    (host.service.parent / "own").mkdir(exist_ok=True)
    for file, content in OTHER.service_files().items():
        (host.service.parent / "own" / file).write_bytes(content)
    host.run(declared)
    assert not host.run(declared)["changed"]
    for folder in (host.service, host.service.parent / "own"):
        (folder / name).chmod(0o666)
        foreseen = host.run(declared, check=True)
        assert [part["after_header"] for part in foreseen["diff"]] == [str(folder / name)]
        assert foreseen["diff"][0]["before"].startswith("mode 0666") and foreseen["diff"][0]["after"].startswith(
            f"mode {mode:04o}"
        )
        content = (folder / name).read_bytes()
        assert host.run(declared)["diff"] == foreseen["diff"]
        assert (host.mode(folder / name), (folder / name).read_bytes()) == (mode, content)


def test_lost_files_of_keys_are_mended_or_told(host: Host) -> None:
    """Of a replica and of a backend, whose key its tor made."""
    declared = daemon(shop(address=KEY.address), shop(name="own"))
    host.run(declared, secrets={"shop": SECRET})
    own = host.service.parent / "own"
    host.make_key(own)
    assert not host.run(declared)["changed"]
    for folder in (host.service, own):
        (folder / "hostname").unlink()
    assert [part["after_header"] for part in host.run(declared, check=True)["diff"]] == [
        str(folder / "hostname") for folder in (host.service, own)
    ]
    host.run(declared)
    assert [(folder / "hostname").read_text() for folder in (host.service, own)] == [
        f"{key.address}\n" for key in (KEY, OTHER)
    ]
    (own / "hs_ed25519_secret_key").unlink()
    before = host.tree()
    for check in (True, False):
        (fault,) = host.run(declared, check=check)["faults"]
        assert fault.startswith(f"service 'own': {own}/hs_ed25519_secret_key: is gone")
    assert host.tree() == before


def test_a_folder_that_is_gone_with_its_key_is_told_while_its_tor_runs(host: Host) -> None:
    declared = daemon(shop(name="own"))
    host.run(declared)
    own = host.service.parent / "own"
    unit = systemd.Unit(True, "first run", 1.0)
    record.write("shop1", unit, present.present("shop1").state)
    assert not host.run(declared).get("failed"), "it may not have been started yet"
    host.running["shop1"] = unit
    own.rmdir()
    for check in (True, False):
        (fault,) = host.run(declared, check=check)["faults"]
        assert fault.startswith(f"service 'own': {own}/hs_ed25519_secret_key: is gone")
    assert not own.exists()


def test_what_is_loaded_decides(host: Host) -> None:
    host.run(daemon(shop()))
    host.running["shop1"] = systemd.Unit(True, "run1", 4e9)
    assert host.run(daemon(shop()))["actions"] == [], "all files are older than the start"
    host.running["shop1"] = systemd.Unit(True, "run2", 1.0)
    assert host.run(daemon(shop()))["actions"][0]["action"] == "restart", "nobody can tell what it loaded"
    host.make_key(host.service)
    record.write("shop1", host.running["shop1"], present.present("shop1").state)
    assert host.run(daemon(shop()))["actions"] == []
    changed = host.run(daemon(shop(max_streams=3)))
    assert changed["actions"] == [
        {
            "name": "shop1",
            "action": "reload",
            "stagger": 0,
            "revisions": {},
            "reasons": ["service directory shop: HiddenServiceMaxStreams differs"],
        }
    ]
    assert host.run(daemon(shop(max_streams=3)))["actions"] == changed["actions"], "killed before it was loaded"
    conf = host.config / "services/shop.conf"
    record.write("shop1", host.running["shop1"], present.present("shop1").state)
    conf.write_text(conf.read_text().replace("Streams 3", "Streams 4"))
    edited = host.run(daemon(shop(max_streams=3)))
    assert edited["actions"] == changed["actions"], "somebody may have loaded what this run took back"
    assert host.run(daemon(shop(max_streams=3)))["actions"] == []
    host.running["shop1"] = systemd.Unit(True, "run3", 4e9)
    assert host.run(daemon(shop(max_streams=3)))["actions"] == [], "somebody restarted it"


class Control:
    """Of a tor that says what was configured, and "0" for what was not, but for one option."""

    def __init__(self, host: Host, publishes: str = "1") -> None:
        self.text = f"SocksPort 0\nHiddenServiceDir {host.service}\nHiddenServicePort 80 127.0.0.1:8080"
        self.publishes = publishes

    def __enter__(self) -> object:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def getinfo(self, key: str) -> str:
        return self.text if key == "config-text" else ""

    def getconf(self, key: str) -> list[tuple[str, str]]:
        return [(key, self.publishes if key == "PublishHidServDescriptors" else "0")]


def test_who_was_told_to_publish_nothing_is_reloaded_but_where_a_keeper_tells_it(host: Host) -> None:
    host.run(daemon(shop()))
    host.running["shop1"] = systemd.Unit(True, "run", 4e9)
    host.asked = Control(host, publishes="0")
    assert host.run(daemon(shop()))["actions"][0]["action"] == "reload"
    assert host.run(daemon(shop(), keeper=True))["actions"] == []
    (host.root / "config.json").write_text(json.dumps({"services": [{"daemons": [{"name": "shop1"}]}]}))
    assert host.run(daemon(shop()))["actions"][0]["action"] == "reload", "its keeper does not run"
    (host.root / "status.sock").touch()
    assert host.run(daemon(shop()))["actions"] == [], "its keeper is about to go, and releases it"
    (host.root / "config.json").unlink()
    host.run(daemon(shop(), options={"publish_descriptors": True}))
    host.running["shop1"] = systemd.Unit(True, "run1", 4e9)
    assert host.run(daemon(shop(), options={"publish_descriptors": True}))["actions"][0]["action"] == "reload"
    host.run(daemon(shop(), options={"publish_descriptors": False}))
    host.running["shop1"] = systemd.Unit(True, "run2", 4e9)
    assert host.run(daemon(shop(), options={"publish_descriptors": False}))["actions"] == []


def test_without_a_record_tor_is_asked(host: Host) -> None:
    host.run(daemon(shop(), options={"sandbox": False}))
    host.running["shop1"] = systemd.Unit(True, "run", 1.0)

    host.asked = Control(host)
    assert host.run(daemon(shop(), options={"sandbox": False}))["actions"] == []
    assert host.run(daemon(shop(), options={"sandbox": True}))["actions"][0]["action"] == "restart"


def test_clients_are_revoked_or_left_alone(host: Host) -> None:
    file = host.service / "authorized_clients/anna.auth"
    host.run(daemon(shop(authorized_clients=[CLIENT])))
    assert file.read_text().startswith("descriptor:x25519:")
    left = host.run(daemon(shop()))
    assert file.exists()
    assert not left["changed"]
    assert "left as they are" in left["warnings"][0]
    host.run(daemon(shop(authorized_clients=[{**CLIENT, "name": "berta"}])))
    assert [path.name for path in file.parent.iterdir()] == ["berta.auth"]
    assert host.run(daemon(shop(authorized_clients=[])))["changed"]
    assert not list(file.parent.iterdir())


def test_keys_are_neither_missed_nor_overwritten(host: Host) -> None:
    assert "no secret was given" in host.run(daemon(shop(address=KEY.address)))["msg"]
    assert "is that of" in host.run(daemon(shop(address=OTHER.address)), secrets={"shop": SECRET})["msg"]
    assert not (host.root / "etc").exists()
    host.run(daemon(shop(address=KEY.address)), secrets={"shop": SECRET})
    before = host.tree()
    assert "another address" in host.run(daemon(shop(address=OTHER.address)), secrets={"shop": SECRET})["msg"]
    (host.service / "hs_ed25519_public_key").write_bytes(b"junk")
    assert "broken" in host.run(daemon(shop(address=KEY.address)))["msg"]
    (host.service / "hs_ed25519_public_key").write_bytes(before["data/shop1/shop/hs_ed25519_public_key"])
    assert host.tree() == before


def test_absent_keeps_the_key_until_the_explicit_word(host: Host) -> None:
    host.run(daemon(shop(address=KEY.address)), secrets={"shop": SECRET})
    host.running["shop1"] = systemd.Unit(True, "run", 4e9)
    gone = host.run(daemon({"name": "shop", "state": "absent"}))
    assert gone["kept_keys"] == [str(host.service)]
    assert gone["actions"][0]["action"] == "stop"
    assert not host.config.exists()
    assert (host.service / "hs_ed25519_secret_key").exists()
    assert host.run(daemon({"name": "shop", "state": "absent", "delete_key": True}), check=True)["changed"]
    assert host.run(daemon({"name": "shop", "state": "absent", "delete_key": True}))["kept_keys"] == []
    assert not host.service.exists()
    host.running.clear()
    (host.root / "wants/tor@shop1.service").unlink()
    last = host.run(daemon({"name": "shop", "state": "absent", "delete_key": True}))
    assert not last["changed"]
    assert last["actions"] == []


def test_deleting_a_key_destroys_nothing_behind_a_link_of_tors_user(host: Host) -> None:
    data, ours = host.root / "data/shop1", host.root / "ours"
    data.mkdir(parents=True)
    data.chmod(0o777)
    ours.mkdir()
    (ours / "hs_ed25519_secret_key").write_text("another")
    (data / "shop").symlink_to(ours)
    wipe.remove(str(data / "shop"))
    assert not (data / "shop").exists()
    assert (ours / "hs_ed25519_secret_key").read_text() == "another"


def test_orphans_go_on(host: Host) -> None:
    host.run(daemon(shop(), shop(name="other")), {"name": "second", "services": [shop()]})
    before = host.tree()
    result = host.run(daemon(shop()))
    assert result["orphans"] == [{"daemon": "shop1", "service": "other"}, {"daemon": "second", "service": None}]
    assert not result["changed"]
    assert host.tree() == before
    host.run(daemon({"name": "shop", "state": "absent"}, state="absent"))
    assert (host.config / "torrc").exists()
    assert (host.config / "services/other.conf").exists()
    assert not (host.config / "services/shop.conf").exists()


def test_adoption(host: Host) -> None:
    host.config.mkdir(parents=True)
    torrc = (
        f"ContactInfo me\nHiddenServiceDir {host.service}/\n"
        "HiddenServicePort 80 127.0.0.1:8080\nHiddenServiceMaxStreams 5\n"
    )
    (host.config / "torrc").write_text(torrc)
    host.running["shop1"] = systemd.Unit(True, "run", 4e9)
    assert "set adopt: true" in host.run(daemon(shop()))["msg"]
    assert "does not name" in host.run(daemon(shop(directory="elsewhere"), adopt=True))["msg"]
    result = host.run(daemon(shop(), adopt=True))
    assert result["actions"][0]["action"] == "reload"
    assert [text.partition("carry: ")[2] for text in result["warnings"]] == [
        "ContactInfo me",
        "HiddenServiceMaxStreams 5 (shop)",
    ]
    assert (host.config / "torrc.before-onionfleet").read_text() == torrc
    assert not host.run(daemon(shop(), adopt=True))["changed"]


def test_adoption_tells_every_line_that_gets_lost(host: Host) -> None:
    """Also of an option that the declaration carries with another value, or once only."""
    host.config.mkdir(parents=True)
    (host.config / "torrc").write_text(
        f"SocksPort 9050\nsocksport 0\nHiddenServiceDir {host.service}\nHiddenServicePort 80  127.0.0.1:8080\n"
        "HiddenServicePort 443 127.0.0.1:8443\n"
    )
    result = host.run(daemon(shop(), adopt=True), check=True)
    assert [text.partition("carry: ")[2] for text in result["warnings"]] == [
        "SocksPort 9050",
        "HiddenServicePort 443 127.0.0.1:8443 (shop)",
    ]


def test_adopting_the_same_configuration_reloads_once_so_that_a_record_tells(host: Host) -> None:
    host.config.mkdir(parents=True)
    (host.config / "torrc").write_text(
        f"SocksPort 0\nHiddenServiceDir {host.service}\nHiddenServicePort 80 127.0.0.1:8080\n"
    )
    host.running["shop1"] = systemd.Unit(True, "run", 4e9)
    result = host.run(daemon(shop(), adopt=True))
    assert result["warnings"] == []
    assert [(due["action"], due["reasons"]) for due in result["actions"]] == [
        ("reload", ["other files say the same from now on"])
    ]
    host.make_key(host.service)
    record.write("shop1", host.running["shop1"], present.present("shop1").state)
    again = host.run(daemon(shop(), adopt=True))
    assert (again["changed"], again["actions"]) == (False, [])


def test_secret_options_are_written_and_not_shown(host: Host) -> None:
    first = host.run(daemon(shop()), option_secrets={"Socks5ProxyPassword": "hunter one"})
    torrc = host.config / "torrc"
    assert "Socks5ProxyPassword hunter one\n" in torrc.read_text()
    assert host.mode(torrc) == 0o640
    assert not host.run(daemon(shop()), option_secrets={"Socks5ProxyPassword": "hunter one"})["changed"]
    changed = host.run(daemon(shop()), option_secrets={"Socks5ProxyPassword": "hunter two"})
    removed = host.run(daemon(shop()))
    gone = host.run(daemon({"name": "shop", "state": "absent"}))
    refused = host.run(daemon(shop()), option_secrets={"Socks5ProxyPassword": "hunter\nORPort 1"})
    assert "option_secrets: Socks5ProxyPassword" in refused["msg"]
    assert "hunter" not in str((first, changed, removed, gone, refused))
    (part,) = changed["diff"]
    assert part["before"] != part["after"]
    assert "Socks5ProxyPassword (hidden)" in removed["diff"][0]["before"]


def test_adopting_shows_no_secret_option(host: Host) -> None:
    host.config.mkdir(parents=True)
    (host.config / "torrc").write_text(
        f"HashedControlPassword 16:hunter\nHiddenServiceDir {host.service}\nHiddenServicePort 80 127.0.0.1:8080\n"
    )
    result = host.run(daemon(shop(), adopt=True), check=True)
    assert "HashedControlPassword (hidden)" in result["warnings"][0]
    assert "hunter" not in str(result)


def test_what_tor_refuses_is_not_written(host: Host) -> None:
    host.run(daemon(shop()))
    before = host.tree()
    result = host.run(
        daemon(shop(), options={"extra": [{"option": "Bad", "value": 1}]}), {"name": "new1", "services": [shop()]}
    )
    assert result["faults"] == [
        f"daemon 'shop1': tor refuses its configuration: Unknown option Bad in {host.config}/torrc"
    ]
    assert host.tree() == before


def test_a_failing_disk_or_unit_brings_the_old_files_back(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.run(daemon(shop()))
    before = host.tree()
    (host.root / "wants/tor@shop1.service").unlink()

    def fails(*_command: str, timeout: float = 0) -> str:
        raise systemd.OnionfleetError("systemctl failed")

    monkeypatch.setattr(systemd, "run", fails)
    assert "systemctl failed" in host.run(daemon(shop(max_streams=5), shop(name="two")))["msg"]
    assert host.tree() == before


def test_without_tor(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "tor_program", lambda: None)
    assert "nobody could validate" in host.run(daemon(shop()), check=True)["warnings"][0]
    assert "tor is not installed" in host.run(daemon(shop()))["msg"]


def test_faults_come_together_and_root_is_needed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    result = host.run(daemon(shop(address=KEY.address), shop(name="b", ports=[{"port": 80, "target": "unix:/tmp/x"}])))
    assert len(result["faults"]) == 2
    absent = host.run(daemon(shop(ports=[{"port": 80, "target": "unix:/run/nobody/x"}])))
    assert "/run/nobody/x" in absent["warnings"][0]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "become" in host.run(daemon(shop()))["msg"]


def test_two_runs_at_once_are_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = []
    monkeypatch.setattr(wipe, "remove", lambda _path: messages.append(host.run(daemon(shop(name="two")))["msg"]))
    host.run(daemon(shop(address=KEY.address)), secrets={"shop": SECRET})
    host.run(daemon(shop(name="x"), {"name": "shop", "state": "absent", "delete_key": True}))
    assert messages == ["another run is changing this host's onion services; try again when it has ended"]


def test_a_new_user_is_made_as_debian_does(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change.Change, "new_user", property(lambda self: self.wanted))
    host.run(daemon(shop()))
    assert host.commands[0][0] == "adduser"
    assert host.commands[0][-1] == "_tor-shop1"


def test_the_copy_for_tor_has_no_real_directory(host: Host) -> None:
    config = {"/e/torrc": "%include /e/s/\nUser root\n", "/e/s/a.conf": f"HiddenServiceDir {host.service}\n"}
    copy = staging._Copy(str(host.root))
    text = copy.lines(
        [("%include", "/e/s/"), ("User", "x"), ("DataDirectory", "/d")], config, {f"{host.service}/ob_config": b"x"}
    )
    written = text + "".join(path.read_text() for path in host.root.glob("0/*.conf"))
    assert "User" not in written
    assert str(host.service) not in written
    assert " /d\n" not in written
    assert list(host.root.glob("*/ob_config"))
