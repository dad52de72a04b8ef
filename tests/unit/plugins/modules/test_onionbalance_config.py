# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A publisher's host in a directory: onionbalance_config with what it uses, _publisher_files among it."""

from __future__ import annotations

import base64
import errno
import hashlib
import itertools
import json
import os
import pathlib
import stat
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.modules import onionbalance_config, onionbalance_info

KEY, OTHER, BACKEND, SECOND = (key_file.generate() for _each in range(4))
SECRET = base64.b64encode(KEY.to_tor_file()).decode()
KEY_FILES = {"hs_ed25519_secret_key", "hs_ed25519_public_key", "hostname"}


def service(**fields: t.Any) -> dict[str, t.Any]:
    instances = [
        {"name": "app1/archiveb1", "address": BACKEND.address},
        {"name": "app2/archiveb1", "address": SECOND.address},
    ]
    return {"name": "archive", "address": KEY.address, "port": 80, "instances": instances, **fields}


def library(**fields: t.Any) -> dict[str, t.Any]:
    return service(**{"name": "library", "address": OTHER.address, **fields})


class Host:
    """``user``: whether the publisher's user is there."""

    def __init__(self, root: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.root, self.capfd, self.user = root, capfd, True
        self.warnings: list[str] = []
        self.said = ""

    etc = property(lambda self: self.root / "etc/publisher")
    config = property(lambda self: self.etc / "config.yaml")
    key = property(lambda self: self.etc / "keys/archive")

    def run(self, *services: t.Any, check: bool = False, **parameters: t.Any) -> dict[str, t.Any]:
        arguments = {"services": list(services), **parameters, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            onionbalance_config.main()
        captured = self.capfd.readouterr()
        warnings, self.warnings = self.warnings, []
        self.said = captured.out + captured.err + "\n".join(warnings)
        return {**json.loads(captured.out), "warnings": warnings}

    def info(self) -> dict[str, t.Any]:
        with patch_module_args({"timeout": 1}), pytest.raises(SystemExit):
            onionbalance_info.main()
        return json.loads(self.capfd.readouterr().out)

    def tree(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    def install(self, key: key_file.SecretKey) -> None:
        """Somebody puts a key there."""
        self.key.mkdir(parents=True)
        for name, content in key.service_files().items():
            (self.key / name).write_bytes(content)


@pytest.fixture(name="host")
def fixture_host(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], publisher: t.Any
) -> Host:
    (tmp_path / "host").mkdir()
    host = Host(tmp_path / "host", capfd)
    for module, name, value in [
        (locations, "PUBLISHER_ROOT", str(host.etc)),
        (locations, "PUBLISHER_CONFIG", str(host.config)),
        (locations, "PUBLISHER_PROGRAM", str(tmp_path / "program")),
        (locations, "PUBLISHER_UNIT", str(tmp_path / "unit")),
        (onionbalance_config.AnsibleModule, "warn", lambda _module, text: host.warnings.append(text)),
        (disk, "_LOCK", str(tmp_path / "lock")),
        (os, "geteuid", lambda: 0),
        (disk, "user_id", lambda _name: os.getuid() if host.user else None),
        (disk, "group_id", lambda _name: os.getgid() if host.user else None),
    ]:
        monkeypatch.setattr(module, name, value)
    return host


def digest(host: Host) -> str:
    return hashlib.sha256(host.config.read_bytes()).hexdigest()


# --- what is written


def test_check_run_check_run(host: Host) -> None:
    host.user = False
    foreseen = host.run(service(), check=True)
    assert host.tree() == {}
    host.user = True
    first = host.run(service(), secrets={"archive": SECRET})
    assert first.get("changed"), first
    assert [foreseen[key] for key in ("changed", "diff", "action")] == [
        first[key] for key in ("changed", "diff", "action")
    ]
    written = {f"etc/publisher/keys/archive/{name}" for name in KEY_FILES} | {"etc/publisher/config.yaml"}
    assert set(host.tree()) == written
    shown = {part["after_header"] for part in first["diff"]}
    assert {path for path in shown if not path.endswith("/")} == {str(host.root / path) for path in written}
    for check in (True, False):
        again = host.run(service(), check=check)
        assert (again["changed"], again["diff"], again["action"]) == (False, [], "start")
    assert (host.key / "hs_ed25519_secret_key").read_bytes() == KEY.to_tor_file()
    modes = {
        path: stat.S_IMODE((host.etc / path).stat().st_mode)
        for path in ("", "keys", "keys/archive", "keys/archive/hs_ed25519_secret_key", "config.yaml")
    }
    assert list(modes.values()) == [0o750, 0o700, 0o700, 0o600, 0o640]


def test_folders_above_let_the_publishers_user_through(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "PUBLISHER_PROGRAM", str(host.root / "lib/program"))
    before = os.umask(0o077)
    try:
        host.run(service(), secrets={"archive": SECRET})
    finally:
        os.umask(before)
    above = [host.etc.parent, host.root / "lib"]
    assert above[0].stat().st_mode & 0o777 == 0o755
    for path in above:
        path.mkdir(exist_ok=True)
        path.chmod(0o750)
    done = host.run(service())
    assert [part["after_header"] for part in done["diff"]] == [f"{path}/" for path in above]
    assert [path.stat().st_mode & 0o777 for path in above] == [0o755, 0o755]
    assert not host.run(service())["changed"]


def test_a_key_file_with_another_mode_is_mended(host: Host) -> None:
    host.run(service(), secrets={"archive": SECRET})
    secret = host.key / "hs_ed25519_secret_key"
    secret.chmod(0o644)
    for check in (True, False):
        (part,) = host.run(service(), check=check)["diff"]
        assert part["after_header"] == str(secret) and part["before"].startswith("mode 0644")
    assert (stat.S_IMODE(secret.stat().st_mode), secret.read_bytes()) == (0o600, KEY.to_tor_file())
    assert not host.run(service())["changed"]


def test_owners(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    owners = {}
    for path in ("", "keys", "keys/archive", "keys/archive/hostname", "config.yaml"):
        owners[str(host.etc / path).rstrip("/")] = None
    monkeypatch.setattr(disk, "differs", lambda node: owners.update({node.path: (node.owner, node.group)}) and False)
    host.run(service(), secrets={"archive": SECRET})
    ours = ("_onionpublisher", "_onionpublisher")
    root = ("root", "_onionpublisher")
    assert [owners[path] for path in list(owners)[:5]] == [root, ours, ours, ours, root]


def test_a_change_of_one_backend_touches_the_configuration_only(host: Host) -> None:
    host.run(service(), secrets={"archive": SECRET})
    instances = [{**service()["instances"][0], "drained": True}]
    changed = host.run(service(instances=instances))
    assert [part["after_header"] for part in changed["diff"]] == [str(host.config)]
    assert json.loads(host.config.read_text())["services"][0]["instances"] == instances


def test_a_check_run_needs_neither_addresses_nor_secrets(host: Host) -> None:
    unknown = [{"name": "app1/archiveb1"}]
    foreseen = host.run(service(instances=unknown), library(address=None), check=True)
    assert foreseen["changed"]
    assert foreseen["action"] == "start"
    assert foreseen["warnings"] == ["service 'archive': backend 'app1/archiveb1' has no address yet; it is left out"]
    assert str(host.key / "hostname") in {part["after_header"] for part in foreseen["diff"]}
    assert host.run(library(address=None), check=True)["action"] == "start"
    assert host.tree() == {}
    assert "service 'library': address: is empty" in host.run(library(address=None))["msg"]


def test_backends_without_an_address_are_left_out_with_a_warning(host: Host) -> None:
    instances = [*service()["instances"], {"name": "app3/archiveb1"}]
    result = host.run(service(instances=instances), secrets={"archive": SECRET})
    assert result["warnings"] == ["service 'archive': backend 'app3/archiveb1' has no address yet; it is left out"]
    assert len(json.loads(host.config.read_text())["services"][0]["instances"]) == 2
    before = host.tree()
    nobody = host.run(service(instances=[{"name": "app1/archiveb1"}]))
    assert nobody["faults"] == [
        "service 'archive': instances: no backend has an address yet; deploy its backends, then its publishers"
    ]
    assert host.tree() == before


def test_keys_of_services_that_are_published_no_more_are_kept_and_told(host: Host) -> None:
    host.run(
        service(), library(), secrets={"archive": SECRET, "library": base64.b64encode(OTHER.to_tor_file()).decode()}
    )
    result = host.run(library())
    assert result["kept_keys"] == [str(host.key)]
    assert (host.key / "hs_ed25519_secret_key").read_bytes() == KEY.to_tor_file()
    assert len(host.run()["kept_keys"]) == 2


# --- faults


def test_all_faults_at_once(host: Host) -> None:
    host.user = False
    faults = host.run(
        service(),
        service(name="Bad"),
        library(port=0),
        service(name="wrong", address=SECOND.address, instances=[]),
        settings={"introduction_points": 21},
        secrets={"library": SECRET, "wrong": "?"},
    )["faults"]
    assert [fault.partition(";")[0] for fault in faults] == [
        "service 'Bad': name: is the text 'Bad'",
        "service 'library': port: is 0",
        "service 'wrong': instances: no backend has an address yet",
        "service 'Bad': address: is that of another entry, too",
        "settings.introduction_points: is 21",
        "user _onionpublisher: is missing on this host",
        "group _onionpublisher: is missing on this host",
        f"service 'archive': key: its key is missing in {host.key}, and no secret was given",
        "service 'wrong': key: the secret key is in no known format",
    ]
    assert all("; " in fault for fault in faults)
    assert host.tree() == {}


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (None, "no secret was given; run the keys playbook"),
        ("", "no secret was given; run the keys playbook"),
        (base64.b64encode(OTHER.to_tor_file()).decode(), f"is that of {OTHER.address}, not of {KEY.address}"),
        (SECRET[:60], "has 45 bytes, tor writes 96"),
        (base64.b64encode(b"y" * 64).decode(), "not clamped"),
        ("rubbish!", "in no known format; use"),
        (["list"], "in no known format; use"),
    ],
    ids=["missing", "empty", "another", "truncated", "damaged", "rubbish", "list"],
)
def test_faults_of_a_secret(host: Host, secret: t.Any, words: str) -> None:
    (fault,) = host.run(service(), secrets={"archive": secret} if secret is not None else {})["faults"]
    assert fault.startswith("service 'archive': key: ")
    assert words in fault
    assert host.tree() == {}
    assert not secret or str(secret)[40:] not in host.said or len(str(secret)) < 50


@pytest.mark.parametrize("check", [True, False])
def test_a_key_on_the_disk_is_never_overwritten(host: Host, check: bool) -> None:
    host.install(OTHER)
    before = host.tree()
    (fault,) = host.run(service(), secrets={"archive": SECRET}, check=check)["faults"]
    assert fault.startswith(f"service 'archive': key: {host.key}: holds the key of another address than {KEY.address};")
    assert "move the directory away" in fault
    (host.key / "hs_ed25519_secret_key").write_bytes(b"== ed25519v1-secret: type0 ==\0\0\0torn")
    before = host.tree()
    (fault,) = host.run(service(), secrets={"archive": SECRET}, check=check)["faults"]
    assert fault.startswith(f"service 'archive': key: {host.key}: broken: ")
    assert host.tree() == before


def test_a_key_that_is_there_needs_no_secret(host: Host) -> None:
    host.install(KEY)
    assert host.run(service())["changed"]
    assert set(host.tree()) >= {"etc/publisher/config.yaml"}


def test_half_a_key_is_completed(host: Host) -> None:
    host.install(KEY)
    (host.key / "hs_ed25519_public_key").unlink()
    assert "no secret was given" in host.run(service())["msg"]
    assert host.run(service(), secrets={"archive": SECRET})["changed"]
    assert not host.run(service())["changed"]


def test_a_link_in_the_place_of_a_key_is_not_followed(host: Host) -> None:
    elsewhere = host.root / "elsewhere"
    elsewhere.mkdir()
    (host.etc / "keys").mkdir(parents=True)
    host.key.symlink_to(elsewhere)
    assert "msg" in host.run(service(), secrets={"archive": SECRET})
    assert list(elsewhere.iterdir()) == []
    assert not host.config.exists()


def test_root_is_needed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert host.run(service())["faults"] == [
        "writing a publisher's configuration and keys needs root; set become: true"
    ]


def test_two_runs_at_once_are_refused(host: Host) -> None:
    with disk.alone():
        assert "another run is changing this host" in host.run(service(), secrets={"archive": SECRET})["msg"]
    assert host.tree() == {}


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        base64.b64encode(KEY.expanded).decode(),
        "ED25519-V3:" + base64.b64encode(KEY.expanded).decode(),
        KEY.to_tor_file().decode("latin-1"),
    ],
    ids=["file", "blob", "ADD_ONION", "bytes"],
)
def test_no_secret_is_told(host: Host, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for fields in ({}, {"address": OTHER.address}, {"port": 0}):
        host.run(service(**fields), secrets={"archive": secret})
        said.append(host.said)
    monkeypatch.setattr(
        os,
        "rename",
        lambda *_paths, **_options: (_nothing for _nothing in ()).throw(OSError(errno.ENOSPC, "full", "x")),
    )
    host.run(service(settings={}), secrets={"archive": secret})
    said.append(host.said)
    told = "".join(said)
    forms = [
        KEY.expanded.hex(),
        base64.b64encode(KEY.expanded).decode(),
        SECRET,
        json.dumps(KEY.expanded.decode("latin-1")),
    ]
    for form in forms:
        assert not [form[at : at + 16] for at in range(40, len(form) - 20) if form[at : at + 16] in told]


# --- trouble on the way


def _failing(real: t.Callable[..., t.Any], calls: list[t.Any], step: int) -> t.Callable[..., t.Any]:
    """A call that fails the step-th time."""

    def fails(*arguments: t.Any, **options: t.Any) -> t.Any:
        calls.append(arguments)
        if len(calls) == step:
            raise OSError(errno.ENOSPC, "No space left on device", "x")
        return real(*arguments, **options)

    return fails


@pytest.mark.parametrize("broken", ["rename", "fsync", "link", "mkdir", "fchown"])
def test_a_half_written_transaction_rolls_back(host: Host, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    host.run(service(), secrets={"archive": SECRET})
    before, real = host.tree(), getattr(os, broken)
    secrets = {"library": base64.b64encode(OTHER.to_tor_file()).decode()}
    for step in itertools.count(1):
        calls: list[t.Any] = []

        monkeypatch.setattr(os, broken, _failing(real, calls, step))
        result = host.run(service(), library(), secrets=secrets)
        monkeypatch.setattr(os, broken, real)
        if len(calls) < step:
            break
        assert result["failed"], step
        assert "No space left on device; the previous configuration is back in place" in result["msg"]
        after = host.tree()
        # a new key that has reached its place stays
        after.pop("etc/publisher/keys/library/hs_ed25519_secret_key", None)
        assert after == before, step
    assert step > 1
    assert set(host.tree()) == {*before, *(f"etc/publisher/keys/library/{name}" for name in KEY_FILES)}
    assert not host.run(service(), library())["changed"]


def test_what_a_killed_run_left_goes(host: Host) -> None:
    for name in ("config.yaml", "keys/archive/hs_ed25519_secret_key"):
        path = host.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / f".{path.name}.new").write_bytes(KEY.to_tor_file()[:50])
    host.run(service(), secrets={"archive": SECRET})
    assert not [path for path in host.tree() if "/." in path]


def test_a_torn_configuration_is_told_and_rewritten(host: Host) -> None:
    host.run(service(), secrets={"archive": SECRET})
    whole = host.config.read_bytes()
    # without its last byte, a newline, it is whole still
    for end in (*range(0, len(whole) - 1, 7), len(whole) - 2):
        host.config.write_bytes(whole[:end])
        told = host.info()
        assert "config.yaml: is torn or not ours" in told["error"], end
        assert told["configured"] == []
        result = host.run(service())
        assert [part["after_header"] for part in result["diff"]] == [str(host.config)]
        assert host.config.read_bytes() == whole
    assert host.info()["configured"][0]["instances"][1] == {
        "name": "app2/archiveb1",
        "address": SECOND.address,
        "drained": False,
    }


def test_something_else_in_the_place_of_the_configuration(host: Host) -> None:
    host.config.mkdir(parents=True)
    assert "is no regular file" in host.info()["error"]
    assert "config.yaml" in host.run(service(), secrets={"archive": SECRET})["msg"]


# --- what the publisher needs


@pytest.fixture(name="deployed")
def fixture_deployed(host: Host) -> Host:
    host.run(service(), secrets={"archive": SECRET})
    return host


def test_nothing_where_it_loaded_what_is_on_the_disk(deployed: Host, publisher: t.Any) -> None:
    publisher.says(loaded=digest(deployed))
    assert deployed.run(service())["action"] == "none"
    assert deployed.run(service(), check=True)["action"] == "none"


def test_reload_where_it_loaded_another_configuration(deployed: Host, publisher: t.Any) -> None:
    publisher.says(loaded=digest(deployed))
    changed = service(instances=service()["instances"][:1])
    assert deployed.run(changed, check=True)["action"] == "reload"
    assert deployed.run(changed)["action"] == "reload"
    killed_in_between = deployed.run(changed)
    assert (killed_in_between["changed"], killed_in_between["action"]) == (False, "reload")
    publisher.says(loaded=None)
    assert deployed.run(changed)["action"] == "reload", "it has loaded none"


@pytest.mark.parametrize("newer", ["unit", "program/inner/launcher.py"])
def test_restart_where_the_program_is_newer(deployed: Host, publisher: t.Any, newer: str) -> None:
    path = deployed.root.parent / newer
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("new")
    publisher.says(loaded=digest(deployed), started=path.stat().st_ctime - 1)
    assert deployed.run(service())["action"] == "restart"
    publisher.says(loaded=digest(deployed), started=path.stat().st_ctime + 1)
    assert deployed.run(service())["action"] == "none"


def test_start_where_nobody_listens(deployed: Host, publisher: t.Any) -> None:
    assert deployed.run(service())["action"] == "start"
    publisher.says()
    publisher.dies()
    assert deployed.run(service())["action"] == "start"


@pytest.mark.parametrize(
    "answer", [b"", b"garbage", b"[" * 100_000, b'{"services": []}', b'{"services": [], "started": "x"}']
)
def test_restart_where_it_is_out_of_its_mind(deployed: Host, publisher: t.Any, answer: bytes) -> None:
    publisher.answers(answer)
    assert deployed.run(service())["action"] == "restart"


def test_restart_where_it_hangs(deployed: Host, publisher: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read = onionbalance_config.read_status
    monkeypatch.setattr(onionbalance_config, "read_status", lambda path, _timeout: read(path, 0.1))
    publisher.answers(b"", hang=True)
    assert deployed.run(service())["action"] == "restart"


def test_stop_where_nothing_is_left_to_publish(deployed: Host, publisher: t.Any) -> None:
    publisher.says(loaded=digest(deployed))
    result = deployed.run()
    assert (result["changed"], result["action"], result["kept_keys"]) == (True, "stop", [str(deployed.key)])
    assert not deployed.run()["changed"]


# --- what is done


@pytest.fixture(name="told")
def fixture_told(deployed: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the publisher's unit was brought to."""
    found: list[str] = []

    def bring(unit: str, act: str, *, check: bool) -> list[str]:
        assert unit == locations.PUBLISHER_UNIT
        found.append(act + " foreseen" * check)
        return [] if act == "start" else [act]

    monkeypatch.setattr(onionbalance_config, "bring", bring)
    return found


@pytest.mark.parametrize(
    ("due", "acts"),
    [
        ("none", [None, "start", "start"]),
        ("start", [None, "start", "start"]),
        ("reload", ["reload", "reload", "reload"]),
        ("restart", ["reload", "start", "restart"]),
        ("stop", [None, "stop", "stop"]),
    ],
)
def test_as_much_is_done_as_was_asked_for(
    deployed: Host, told: list[str], monkeypatch: pytest.MonkeyPatch, due: str, acts: list[str | None]
) -> None:
    monkeypatch.setattr(onionbalance_config, "action", lambda *_arguments: due)
    deployed.run(service())
    assert told == []
    for state, act in zip(("reloaded", "started", "restarted"), acts):
        told.clear()
        foreseen, done = (deployed.run(service(), state=state, check=check) for check in (True, False))
        assert told == ([] if act is None else [f"{act} foreseen", act])
        assert foreseen["action"] == done["action"] == due
        assert foreseen["changed"] == done["changed"] == (act not in (None, "start"))
