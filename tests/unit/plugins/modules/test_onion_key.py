# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import pathlib
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.modules import onion_key

KEY, OTHER = key_file.generate(), key_file.generate()
BLOB = "ED25519-V3:" + base64.b64encode(KEY.expanded).decode()


@pytest.fixture(name="run")
def fixture_run(capfd: pytest.CaptureFixture[str]) -> t.Callable[..., dict[str, t.Any]]:
    def run(check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            onion_key.main()
        output = capfd.readouterr().out
        for key in (KEY, OTHER):
            for secret in (key.expanded, key.expanded[:32], key.to_tor_file()):
                assert base64.b64encode(secret).decode()[:40] not in output
        return dict(json.loads(output))

    return run


Run = t.Callable[..., t.Dict[str, t.Any]]


def write(path: pathlib.Path, key: key_file.SecretKey) -> str:
    path.mkdir()
    for name, content in key.service_files().items():
        (path / name).write_bytes(content)
    return str(path)


def test_generates_once(run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "service"
    foreseen = run(check=True, path=str(path))
    assert foreseen["changed"] and foreseen["address"] == foreseen["public_key"] == "<new>" and not path.exists()
    made = run(path=str(path))
    assert made["changed"] and key_file.directory_state(str(path), made["address"], key_file.read_file) == "match"
    assert {file.stat().st_mode & 0o777 for file in path.iterdir()} == {0o600}
    assert path.stat().st_mode & 0o777 == 0o700
    again = run(path=str(path))
    assert not again["changed"] and again["address"] == made["address"]


def test_tells_without_writing(run: Run) -> None:
    told = run(secret=BLOB, address=KEY.address)
    assert not told["changed"] and told["address"] == KEY.address
    assert base64.b64decode(told["public_key"]) == KEY.public_key


@pytest.mark.parametrize("check", [True, False])
def test_imports(run: Run, tmp_path: pathlib.Path, check: bool) -> None:
    told = run(check=check, path=str(tmp_path / "service"), source=write(tmp_path / "mined", KEY))
    assert told["changed"] and told["address"] == KEY.address
    found = key_file.directory_state(str(tmp_path / "service"), KEY.address, key_file.read_file)
    assert found == ("absent" if check else "match")


def test_never_replaces_unless_forced(run: Run, tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "service", OTHER)
    assert "holds the key of" in run(path=path, secret=BLOB)["msg"]
    assert key_file.directory_state(path, OTHER.address, key_file.read_file) == "match"
    assert run(path=path, secret=BLOB, force=True)["changed"]
    assert key_file.directory_state(path, KEY.address, key_file.read_file) == "match"


def test_a_damaged_key_is_replaced_only_when_forced(run: Run, tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "service", KEY)
    (tmp_path / "service" / key_file.SECRET_FILE).write_bytes(b"== ")
    assert run(path=path, secret=BLOB)["failed"]
    assert run(path=path, force=True)["failed"]
    assert run(path=path, secret=BLOB, force=True)["changed"]
    assert key_file.directory_state(path, KEY.address, key_file.read_file) == "match"


def test_completes_files_and_closes_modes(run: Run, tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "service", KEY)
    (tmp_path / "service" / key_file.HOSTNAME_FILE).unlink()
    assert run(check=True, path=path)["changed"]
    assert run(path=path)["changed"]
    assert not run(path=path)["changed"]


def test_an_expected_address_is_asked_for(run: Run, tmp_path: pathlib.Path) -> None:
    assert "none can be made" in run(path=str(tmp_path / "service"), address=KEY.address)["msg"]
    assert "is expected" in run(secret=BLOB, address=OTHER.address)["msg"]
    assert not (tmp_path / "service").exists()
