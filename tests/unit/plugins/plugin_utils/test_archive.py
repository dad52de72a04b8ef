# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""_archive and _new_file: a backup is whole or is none, and restoring replaces nothing."""

from __future__ import annotations

import base64
import errno
import json
import os
import pathlib

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret, is_encrypted
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.plugin_utils import _archive, _new_file, _store
from ansible_collections.onionfleet.balance.plugins.plugin_utils._vault import Vault

NAMES = ("newsroom", "archive")
PATHS = ("hosts.yml", "group_vars", "host_vars", "ansible.cfg")


def vault(password="password"):
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(password.encode()))] if password else [])
    return Vault(loader)


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    """An operator's folder with two keys and a declaration."""
    folder = tmp_path / "operator"
    for name, text in (("hosts.yml", "all: {}\n"), ("group_vars/all/onion.yml", "onion_services: []\n"), ("vault-password", "password\n"),
                       ("group_vars/.swp", "junk"), ("inventory.sh", "#!/bin/sh\n")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "hosts.yml").chmod(0o640)
    _store.complete(str(folder / ".onion_keys"), [_store.Wanted(name) for name in NAMES], vault(), check=False)
    return folder


def gather(folder, paths=PATHS, password="password"):
    return _archive.gather(str(folder / ".onion_keys"), str(folder), paths, vault(password), {"made": "today", "keys_dir": ".onion_keys"})


def written(folder, tmp_path):
    path = str(tmp_path / "a.backup")
    _archive.write(path, gather(folder), vault())
    return path


def restore(archive, folder, *, files=True, check=False, password="password"):
    return _archive.restore(archive, str(folder / ".onion_keys"), str(folder), vault(password), files=files, check=check)


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_in_it(folder):
    archive = gather(folder)
    assert sorted(archive.keys) == sorted(NAMES)
    assert sorted(archive.files) == ["group_vars/all/onion.yml", "hosts.yml"]
    assert archive.files["hosts.yml"].mode == 0o640


def test_from_an_empty_folder_to_the_same_keys(folder, tmp_path):
    archive = _archive.read(written(folder, tmp_path), vault())
    empty = tmp_path / "empty"
    empty.mkdir()
    foreseen = restore(archive, empty, check=True)
    assert tree(empty) == {}
    assert restore(archive, empty) == foreseen
    made = {str(pathlib.Path(path).relative_to(empty)) for path in foreseen}
    assert made == set(tree(empty)) == {"hosts.yml", "group_vars/all/onion.yml"} | {
        f".onion_keys/{name}.{ending}" for name in NAMES for ending in ("secret", "yml")}
    for name in NAMES:
        assert _store.read_secret(str(empty / ".onion_keys"), name, vault()) == archive.keys[name]
        assert os.stat(empty / f".onion_keys/{name}.secret").st_mode & 0o777 == 0o600
    assert os.stat(empty / "hosts.yml").st_mode & 0o777 == 0o640
    assert restore(archive, empty) == []


def test_keys_alone(folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert len(restore(gather(folder), empty, files=False)) == 4
    assert {pathlib.Path(name).parts[0] for name in tree(empty)} == {".onion_keys"}


def test_nothing_in_the_place_of_another_key_or_file_and_every_fault_at_once(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    _store.complete(str(other / ".onion_keys"), [_store.Wanted("newsroom"), _store.Wanted("archive")], vault(), check=False)
    (other / "hosts.yml").write_text("another\n")
    before = tree(other)
    with pytest.raises(OnionfleetError) as error:
        restore(gather(folder), other)
    assert len(error.value.faults) == 3
    assert sum("a key is never replaced here" in fault for fault in error.value.faults) == 2
    assert tree(other) == before


def test_a_missing_secret_comes_back_beside_its_address(folder):
    archive = gather(folder)
    (folder / ".onion_keys/archive.secret").unlink()
    assert restore(archive, folder) == [str(folder / ".onion_keys/archive.secret")]
    assert gather(folder).keys == archive.keys


def test_it_is_encrypted_private_and_never_overwrites(folder, tmp_path):
    path = pathlib.Path(written(folder, tmp_path))
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    assert is_encrypted(content) and b"onion" not in content.split(b"\n", 1)[1]
    with pytest.raises(OnionfleetError, match="never overwritten"):
        written(folder, tmp_path)
    assert path.read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == ["a.backup", "operator"]


def test_without_the_password_there_is_none(folder, tmp_path):
    for password in ("", "wrong"):
        with pytest.raises(OnionfleetError) as error:
            gather(folder, password=password)
        assert len(error.value.faults) == 2
    with pytest.raises(OnionfleetError, match="cannot be decrypted"):
        _archive.read(written(folder, tmp_path), vault("wrong"))


def test_a_key_that_is_not_that_of_its_address_makes_no_backup(folder):
    keys = folder / ".onion_keys"
    (keys / "archive.secret").write_bytes((keys / "newsroom.secret").read_bytes())
    with pytest.raises(OnionfleetError, match=r"archive\.secret is the key of .* archive\.yml says"):
        gather(folder)


def test_an_empty_store_and_a_huge_file_are_faults(folder, tmp_path):
    with pytest.raises(OnionfleetError, match="holds no key"):
        _archive.gather(str(tmp_path / "none"), str(folder), (), vault(), {})
    (folder / "group_vars/dump.yml").write_bytes(b"x" * (_archive.LARGEST + 1))
    with pytest.raises(OnionfleetError, match=r"dump\.yml: is larger than"):
        gather(folder)


def test_a_store_inside_of_what_is_kept_is_there_once(folder):
    os.rename(folder / ".onion_keys", folder / "group_vars/keys")
    archive = _archive.gather(str(folder / "group_vars/keys"), str(folder), PATHS, vault(), {})
    assert sorted(archive.files) == ["group_vars/all/onion.yml", "hosts.yml"]


def test_keys_of_another_store_are_named(folder):
    (folder / ".onion_keys/archive.secret").unlink()
    assert gather(folder).manifest["kept_elsewhere"] == ["archive"]


DAMAGES = {
    "not json": lambda document: b"{",
    "another document": lambda document: b"[]",
    "a later format": lambda document: json.dumps({**document, "onionfleet_backup": 9}).encode(),
    "another content": lambda document: _changed(document, "files", "hosts.yml", {"mode": "0600", "content": "eA=="}),
    "another key": lambda document: _changed(document, "keys", "archive", document["keys"]["newsroom"]),
    "a missing file": lambda document: json.dumps({**document, "files": {}}).encode(),
    "a way out": lambda document: _changed(document, "files", "../x", document["files"]["hosts.yml"]),
    "an absolute path": lambda document: _changed(document, "files", "/etc/x", document["files"]["hosts.yml"]),
}


def _changed(document, kind, name, value):
    document[kind][name] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_refused(folder, tmp_path, damage):
    text = DAMAGES[damage](json.loads(gather(folder).to_json()))
    path = tmp_path / "damaged"
    path.write_bytes(vault().encrypt(text))
    with pytest.raises(OnionfleetError, match=str(path)):
        _archive.read(str(path), vault())


def test_a_way_out_of_the_folder_is_refused_even_with_its_checksum(folder):
    archive = _archive.Archive({}, {"../x": _archive.File(0o600, b"x")}, {})
    with pytest.raises(OnionfleetError, match="leads out of the folder"):
        _archive.Archive.from_json(archive.to_json())


def test_a_key_can_be_taken_out_by_hand(folder):
    document = json.loads(gather(folder).to_json())
    assert base64.b64decode(document["keys"]["archive"]).startswith(b"== ed25519v1-secret: type0 ==")


@pytest.mark.parametrize("stick", [False, True])
def test_new_file_is_whole_or_none(tmp_path, monkeypatch, stick):
    if stick:  # FAT has neither links nor modes
        def refuses(*_arguments):
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuses)
        monkeypatch.setattr(os, "fchmod", refuses)
    _new_file.create(str(tmp_path / "a"), b"one", 0o640)
    assert stick or (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    with pytest.raises(FileExistsError):
        _new_file.create(str(tmp_path / "a"), b"two", 0o600)
    assert (tmp_path / "a").read_bytes() == b"one" and os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("mask", [0, 0o077])
def test_folders_that_are_made_are_nobody_elses_to_write_in(folder, tmp_path, mask):
    before = os.umask(mask)
    try:
        path = tmp_path / "stick/backups/a.backup"
        _archive.write(str(path), gather(folder), vault())
        _archive.restore(gather(folder), str(tmp_path / "new/inventory/.onion_keys"), str(tmp_path / "new"), vault(), files=True, check=False)
    finally:
        os.umask(before)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in
             ("stick", "stick/backups", "new", "new/inventory", "new/group_vars/all", "new/inventory/.onion_keys")}
    assert modes.pop("new/inventory/.onion_keys") == 0o700
    assert set(modes.values()) == {0o755 & ~mask}
