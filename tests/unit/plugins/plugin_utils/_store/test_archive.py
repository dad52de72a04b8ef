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
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import archive as archives
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import new_file, store
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.vault import Vault

NAMES = ("newsroom", "archive")
MANIFEST = {"made": "today", "keys_dir": ".onion_keys", "ansible_core": "2.19", "collection": "0.1.0"}
PATHS = ("hosts.yml", "group_vars", "host_vars", "ansible.cfg")


def vault(password="password"):
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(password.encode()))] if password else [])
    return Vault(loader)


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    """An operator's folder with two keys and a declaration."""
    folder = tmp_path / "operator"
    for name, text in (
        ("hosts.yml", "all: {}\n"),
        ("group_vars/all/onion.yml", "onion_services: []\n"),
        ("vault-password", "password\n"),
        ("group_vars/.swp", "junk"),
        ("inventory.sh", "#!/bin/sh\n"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "hosts.yml").chmod(0o640)
    store.complete(str(folder / ".onion_keys"), [store.Wanted(name) for name in NAMES], vault(), check=False)
    return folder


def there(folder, paths):
    return [path for path in paths if (folder / path).exists()]


def gather(folder, paths=None, password="password"):
    paths = there(folder, PATHS) if paths is None else paths
    return archives.gather(str(folder / ".onion_keys"), str(folder), paths, vault(password), MANIFEST)


def written(folder, tmp_path):
    path = str(tmp_path / "a.backup")
    archives.write(path, gather(folder), vault())
    return path


def restore(archive, folder, *, files=True, check=False, password="password"):
    return archives.restore(
        archive, str(folder / ".onion_keys"), str(folder), vault(password), files=files, check=check
    )


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_in_it(folder):
    archive = gather(folder)
    assert sorted(archive.keys) == sorted(NAMES)
    assert sorted(archive.files) == ["group_vars/all/onion.yml", "hosts.yml"]
    assert archive.files["hosts.yml"].mode == 0o640


def test_from_an_empty_folder_to_the_same_keys(folder, tmp_path):
    archive = archives.read(written(folder, tmp_path), vault())
    empty = tmp_path / "empty"
    empty.mkdir()
    foreseen = restore(archive, empty, check=True)
    assert tree(empty) == {}
    assert restore(archive, empty) == foreseen
    made = {str(pathlib.Path(path).relative_to(empty)) for path in foreseen}
    assert (
        made
        == set(tree(empty))
        == {"hosts.yml", "group_vars/all/onion.yml"}
        | {f".onion_keys/{name}.{ending}" for name in NAMES for ending in ("secret", "yml")}
    )
    for name in NAMES:
        assert store.read_secret(str(empty / ".onion_keys"), name, vault()) == archive.keys[name]
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
    store.complete(
        str(other / ".onion_keys"), [store.Wanted("newsroom"), store.Wanted("archive")], vault(), check=False
    )
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
        archives.read(written(folder, tmp_path), vault("wrong"))


def test_a_key_that_is_not_that_of_its_address_makes_no_backup(folder):
    keys = folder / ".onion_keys"
    (keys / "archive.secret").write_bytes((keys / "newsroom.secret").read_bytes())
    with pytest.raises(OnionfleetError, match=r"archive\.secret is the key of .* archive\.yml says"):
        gather(folder)


def test_an_empty_store_and_a_huge_file_are_faults(folder, tmp_path):
    with pytest.raises(OnionfleetError, match="holds no key"):
        archives.gather(str(tmp_path / "none"), str(folder), (), vault(), {})
    (folder / "group_vars/dump.yml").write_bytes(b"x" * (archives.LARGEST + 1))
    with pytest.raises(OnionfleetError, match=r"dump\.yml: is larger than"):
        gather(folder)


def test_a_store_inside_of_what_is_kept_is_there_once(folder):
    os.rename(folder / ".onion_keys", folder / "group_vars/keys")
    archive = archives.gather(str(folder / "group_vars/keys"), str(folder), there(folder, PATHS), vault(), {})
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
        archives.read(str(path), vault())


def test_a_way_out_of_the_folder_is_refused_even_with_its_checksum(folder):
    archive = archives.Archive({}, {"../x": archives.File(0o600, b"x")}, {**MANIFEST, "kept_elsewhere": []})
    with pytest.raises(OnionfleetError, match="leads out of the folder"):
        archives.Archive.from_json(archive.to_json())


# --- whoever has the password may write one


def forged(folder, **parts):
    document = json.loads(gather(folder).to_json())
    for place, value in parts.items():
        kind, _dot, name = place.partition("__")
        if name:
            document[kind][name] = value
        else:
            document[kind] = value
    return json.dumps(document).encode()


FORGED = {
    "modes": lambda folder: forged(folder, files={"hosts.yml": {"mode": "7777", "content": "eA=="}}),
    "no mode": lambda folder: forged(folder, files={"hosts.yml": {"mode": "rwx", "content": "eA=="}}),
    "no file": lambda folder: forged(folder, files={"hosts.yml": "eA=="}),
    "a file of the store": lambda folder: forged(
        folder, files={".onion_keys/other.yml": {"mode": "0600", "content": "eA=="}}
    ),
    "another way of writing": lambda folder: forged(folder, files={"./hosts.yml": {"mode": "0600", "content": "eA=="}}),
    "a file as a folder": lambda folder: forged(
        folder, files={name: {"mode": "0600", "content": "eA=="} for name in ("a", "a/b")}
    ),
    "a zero": lambda folder: forged(folder, files={"a\0b": {"mode": "0600", "content": "eA=="}}),
    "half a character": lambda folder: forged(folder, files={"a\ud800b": {"mode": "0600", "content": "eA=="}}),
    "a terminal's": lambda folder: forged(folder, files={"a\x1b[2Jb": {"mode": "0600", "content": "eA=="}}),
    "no key": lambda folder: forged(folder, keys={"archive": 7}),
    "a torn key": lambda folder: forged(folder, keys={"archive": "eA=="}),
    "a strange name": lambda folder: forged(folder, keys={"../../x": "eA=="}),
    "keys as a list": lambda folder: forged(folder, keys=[]),
    "no sums": lambda folder: forged(folder, manifest__sha256=[]),
    "a sum": lambda folder: forged(folder, manifest__sha256={"a": {}}),
    "no addresses": lambda folder: forged(folder, manifest__addresses=None),
    "no store": lambda folder: forged(folder, manifest__keys_dir=["/etc"]),
    "elsewhere": lambda folder: forged(folder, manifest__kept_elsewhere=7),
    "made": lambda folder: forged(folder, manifest__made={}),
    "no manifest": lambda folder: forged(folder, manifest=None),
    "a long number": lambda folder: b'{"onionfleet_backup": ' + b"9" * 5000 + b"}",
    "deep": lambda folder: b"[" * 100_000,
    "a list of formats": lambda folder: forged(folder, onionfleet_backup=[["x"] * 1000]),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_one_is_refused_in_words(folder, tmp_path, forgery):
    path = tmp_path / "forged"
    path.write_bytes(vault().encrypt(FORGED[forgery](folder)))
    with pytest.raises(OnionfleetError, match=str(path)) as caught:
        archives.read(str(path), vault())
    assert len(str(caught.value)) < 1000


def test_a_torn_key_is_named(folder):
    with pytest.raises(OnionfleetError, match="key archive: the base64 holds"):
        archives.Archive.from_json(forged(folder, keys={"archive": "eA=="}))


# --- what is in the way


def test_a_name_that_no_disk_takes_restores_nothing(folder, tmp_path):
    archive, empty = gather(folder), tmp_path / "empty"
    empty.mkdir()
    forged_files = archives.Archive(archive.keys, {"x" * 300: archive.files["hosts.yml"]}, archive.manifest)
    with pytest.raises(OnionfleetError, match="File name too long"):
        restore(forged_files, empty)
    assert list(empty.iterdir()) == []


def test_a_name_that_is_not_seen_is_not_backed_up(folder):
    (folder / "group_vars/a\nb.yml").write_text("x")
    with pytest.raises(OnionfleetError, match=r"a\\nb\.yml': its name has"):
        gather(folder)


@pytest.mark.parametrize("place", ["hosts.yml", "group_vars"])
def test_a_link_to_nothing_in_the_place_of_a_file_restores_nothing(folder, tmp_path, place):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / place).symlink_to(tmp_path / "nowhere")
    with pytest.raises(OnionfleetError, match=f"{place} is a symbolic link to nothing"):
        restore(gather(folder), empty)
    assert [path.name for path in empty.iterdir()] == [place]


def test_what_was_made_before_the_disk_refused_is_told(folder, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    create = new_file.create

    def full(path, content, mode):
        if path.endswith("hosts.yml"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        create(path, content, mode)

    monkeypatch.setattr(new_file, "create", full)
    with pytest.raises(new_file.Unfinished, match="No space left") as caught:
        restore(gather(folder), empty)
    assert str(empty / ".onion_keys/archive.secret") in caught.value.faults[-1]
    monkeypatch.undo()
    assert [pathlib.Path(path).name for path in restore(gather(folder), empty)] == ["hosts.yml"]


def test_a_key_of_no_service_is_not_backed_up(folder):
    keys = folder / ".onion_keys"
    (keys / "Old Key.secret").write_bytes((keys / "newsroom.secret").read_bytes())
    with pytest.raises(OnionfleetError, match=r"Old Key\.secret: its name is that of no service"):
        gather(folder)


# --- files and folders


@pytest.mark.parametrize(("mask", "above"), [(0o000, 0o755), (0o027, 0o750), (0o077, 0o700)])
def test_modes_whatever_the_umask(folder, tmp_path, mask, above):
    before = os.umask(mask)
    try:
        target = tmp_path / "a/b"
        restore(gather(folder), target)
        archives.write(str(tmp_path / "c/d/a.backup"), gather(folder), vault())
    finally:
        os.umask(before)
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o7777 for path in tmp_path.rglob("*")}
    assert {modes[name] for name in ("a", "a/b", "a/b/group_vars", "a/b/group_vars/all", "c", "c/d")} == {above}
    assert modes["a/b/.onion_keys"] == 0o700
    assert modes["a/b/.onion_keys/archive.secret"] == modes["c/d/a.backup"] == 0o600
    assert modes["a/b/.onion_keys/archive.yml"] == 0o644 and modes["a/b/hosts.yml"] == 0o640


def test_what_a_killed_run_left_goes_with_the_next(tmp_path):
    names = ("a.onionfleet-new", ".a.onionfleet-new", ".b.onionfleet-new", ".c")
    for name in names:
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (0, 0))
    os.utime(tmp_path / ".b.onionfleet-new")  # as of a run on another machine
    new_file.clean(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == [".b.onionfleet-new", ".c", "a.onionfleet-new"]
    new_file.clean(str(tmp_path / "nowhere"))


def test_folders_are_synced_after_their_files(tmp_path, monkeypatch):
    synced, sync = [], os.fsync

    def spy(handle):
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        sync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    new_file.make_folder(str(tmp_path / "a/b"))
    new_file.create(str(tmp_path / "a/b/c"), b"one", 0o600)
    assert (
        synced[:2] == [str(tmp_path), str(tmp_path / "a")] and synced[-1] == str(tmp_path / "a/b") and len(synced) == 4
    )


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
    new_file.create(str(tmp_path / "a"), b"one", 0o640)
    assert stick or (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    with pytest.raises(FileExistsError):
        new_file.create(str(tmp_path / "a"), b"two", 0o600)
    assert (tmp_path / "a").read_bytes() == b"one" and os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("mask", [0, 0o077])
def test_folders_that_are_made_are_nobody_elses_to_write_in(folder, tmp_path, mask):
    before = os.umask(mask)
    try:
        path = tmp_path / "stick/backups/a.backup"
        archives.write(str(path), gather(folder), vault())
        archives.restore(
            gather(folder),
            str(tmp_path / "new/inventory/.onion_keys"),
            str(tmp_path / "new"),
            vault(),
            files=True,
            check=False,
        )
    finally:
        os.umask(before)
    modes = {
        name: (tmp_path / name).stat().st_mode & 0o777
        for name in (
            "stick",
            "stick/backups",
            "new",
            "new/inventory",
            "new/group_vars/all",
            "new/inventory/.onion_keys",
        )
    }
    assert modes.pop("new/inventory/.onion_keys") == 0o700
    assert set(modes.values()) == {0o755 & ~mask}


# --- What was named and cannot be kept


def test_each_named_path_that_cannot_be_kept_is_a_fault(folder, tmp_path):
    (tmp_path / "elsewhere.yml").write_text("x: y\n")
    (folder / "group_vars/gone.yml").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe")
    paths = ["missing.yml", "", "None", str(tmp_path / "elsewhere.yml"), "../elsewhere.yml", "group_vars", "pipe"]
    with pytest.raises(OnionfleetError) as caught:
        gather(folder, paths)
    for fault in (
        f"onion_backup_files: 'missing.yml': is not in {folder}",
        "onion_backup_files: entry 2 is empty; write a path in ",
        f"onion_backup_files: 'None': is not in {folder}",
        f"onion_backup_files: '{tmp_path}/elsewhere.yml': is outside of {folder}",
        f"onion_backup_files: '../elsewhere.yml': is outside of {folder}",
        f"{folder}/group_vars/gone.yml: is a symbolic link to nothing; remove it, or bring its target back",
        f"{folder}/pipe: is neither a file nor a folder",
    ):
        assert any(each.startswith(fault) for each in caught.value.faults), (fault, caught.value.faults)
    assert len(caught.value.faults) == 7


def test_a_path_may_be_written_in_any_way_that_stays_in_the_folder(folder):
    kept = gather(folder, [str(folder / "group_vars/all/onion.yml"), "./group_vars/", "group_vars/../hosts.yml"])
    assert {"group_vars/all/onion.yml", "hosts.yml"} <= set(kept.files)


def test_a_folder_that_is_linked_into_itself_is_kept_once(folder):
    before = set(gather(folder).files)
    (folder / "group_vars/loop").symlink_to(".")
    (folder / "group_vars/up").symlink_to("..")
    (folder / "host_vars").mkdir(exist_ok=True)
    (folder / "host_vars/same").symlink_to("../group_vars")
    kept = set(gather(folder).files)
    assert before <= kept and "group_vars/loop/all/onion.yml" not in kept and "host_vars/same/all/onion.yml" in kept
    assert not [path for path in kept if path.count("loop") + path.count("up") > 1]
