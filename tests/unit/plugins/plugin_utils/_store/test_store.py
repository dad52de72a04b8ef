# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import multiprocessing
import os
import pathlib
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret, is_encrypted
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import store as stores
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.store import Wanted
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.vault import Vault

KEY, OTHER = key_file.generate(), key_file.generate()


def vault(password: bytes | None = b"password", vault_id: str | None = None) -> Vault:
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(password)), ("ops", VaultSecret(b"ops"))] if password else [])
    return Vault(loader, vault_id)


@pytest.fixture(name="store")
def fixture_store(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / ".onion_keys"


def complete(store: pathlib.Path, *wanted: t.Any, check: bool = False, using: Vault | None = None) -> dict[str, str]:
    services = [Wanted(one) if isinstance(one, str) else one for one in wanted]
    return {entry.name: entry.address for entry in stores.complete(str(store), services, using or vault(), check=check)}


def given(name: str, key: key_file.SecretKey, **fields: t.Any) -> Wanted:
    return Wanted(name, given=lambda: key, **fields)


def faults(*arguments: t.Any, **options: t.Any) -> list[str]:
    with pytest.raises(OnionfleetError) as caught:
        complete(*arguments, **options)
    return caught.value.faults


def files(store: pathlib.Path) -> list[str]:
    return sorted(file.name for file in store.glob("*"))


def test_makes_a_pair_of_files_once(store: pathlib.Path) -> None:
    addresses = complete(store, "newsroom", "archive")
    assert files(store) == ["archive.secret", "archive.yml", "newsroom.secret", "newsroom.yml"]
    assert is_encrypted((store / "newsroom.secret").read_bytes())
    assert stores.public_entries(str(store), ["newsroom", "archive", "missing", "../x"]) == (addresses, [])
    assert stores.read_secret(str(store), "archive", vault()).address == addresses["archive"]
    assert complete(store, "newsroom", "archive", using=vault(None)) == addresses


def test_check_mode_makes_nothing(store: pathlib.Path) -> None:
    (entry,) = stores.complete(str(store), [Wanted("newsroom")], vault(), check=True)
    assert entry.generated and entry.create == ("secret", "yml") and not store.exists()


def test_the_vault_id_is_used(store: pathlib.Path) -> None:
    complete(store, "newsroom", using=vault(vault_id="ops"))
    assert (store / "newsroom.secret").read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;ops\n")
    assert faults(store, "archive", using=vault(vault_id="nobody"))[0].startswith("vault_id 'nobody'")


@pytest.mark.parametrize("check", [True, False])
def test_a_missing_vault_password_is_one_fault(store: pathlib.Path, check: bool) -> None:
    assert len(faults(store, "newsroom", "archive", using=vault(None), check=check)) == 1
    assert not store.exists()


def test_imports_never_replace(store: pathlib.Path) -> None:
    assert complete(store, given("newsroom", KEY)) == {"newsroom": KEY.address}
    before = (store / "newsroom.secret").read_bytes()
    complete(store, given("newsroom", KEY))
    assert faults(store, given("newsroom", OTHER)) == [
        f"service 'newsroom': key: the store has {KEY.address}, the key to import says {OTHER.address}; a key is never "
        f"replaced here: if {KEY.address} was never published, move newsroom.secret and newsroom.yml away and run again"
    ]
    assert (store / "newsroom.secret").read_bytes() == before
    for name in ("newsroom.secret", "newsroom.yml"):
        (store / name).rename(store.parent / name)
    assert complete(store, given("newsroom", OTHER)) == {"newsroom": OTHER.address}


def test_a_key_and_the_field_address_that_differ(store: pathlib.Path) -> None:
    told = Wanted("newsroom", address=OTHER.address)
    assert faults(store, dataclasses.replace(told, given=lambda: KEY)) == [
        f"service 'newsroom': key: the key to import says {KEY.address}, the field address says {OTHER.address}; "
        "mend the field, or import the key that it means"
    ]
    assert not store.exists()
    complete(store, given("newsroom", KEY))
    (fault,) = faults(store, told)
    assert f"the store has {KEY.address}, the field address says {OTHER.address}; a key is never replaced" in fault


def test_a_key_is_made_only_with_the_passwords_that_open_the_others(store: pathlib.Path) -> None:
    complete(store, "newsroom", "archive")
    before = files(store)
    found = faults(store, "newsroom", "blog", using=vault(b"wrong"))
    assert len(found) == 2
    assert found[0].startswith(
        "service 'archive': key: archive.secret: cannot be decrypted with the vault passwords given; "
    )
    assert files(store) == before
    assert faults(store, "newsroom", "blog", using=vault(b"wrong"), check=True) == found
    complete(store, "newsroom", "archive", using=vault(b"wrong"))
    complete(store, "blog", using=vault(vault_id="ops"))
    assert "blog.secret" in files(store)


def test_a_run_killed_between_two_files_is_finished(store: pathlib.Path) -> None:
    addresses = complete(store, "newsroom")
    (store / "newsroom.yml").unlink()
    assert "keys playbook" in stores.public_entries(str(store), ["newsroom"])[1][0]
    assert "no vault password" in faults(store, "newsroom", using=vault(None))[0]
    assert "cannot be decrypted" in faults(store, "newsroom", using=vault(b"wrong"))[0]
    assert "never replaced" in faults(store, given("newsroom", OTHER))[0]
    assert complete(store, "newsroom") == addresses and files(store) == ["newsroom.secret", "newsroom.yml"]


def test_a_lost_secret_is_not_made_anew(store: pathlib.Path) -> None:
    complete(store, given("newsroom", KEY))
    (store / "newsroom.secret").unlink()
    assert "import the key" in faults(store, "newsroom")[0]
    complete(store, given("newsroom", KEY))
    assert stores.read_secret(str(store), "newsroom", vault()) == KEY


def test_a_secret_kept_elsewhere_is_read_once(store: pathlib.Path) -> None:
    assert complete(store, given("newsroom", KEY, kept_elsewhere=True), using=vault(None)) == {"newsroom": KEY.address}
    assert files(store) == ["newsroom.yml"]

    def unreachable() -> key_file.SecretKey:
        raise AssertionError

    complete(store, Wanted("newsroom", given=unreachable, kept_elsewhere=True))


def test_a_declared_address_needs_its_key(store: pathlib.Path) -> None:
    assert KEY.address in faults(store, Wanted("newsroom", address=KEY.address))[0]
    assert "field address" in faults(store, given("newsroom", KEY, address=OTHER.address))[0]
    assert not store.exists()


def test_all_faults_of_all_services_at_once(store: pathlib.Path) -> None:
    complete(store, given("newsroom", KEY), given("archive", OTHER))
    public = (store / "newsroom.yml").read_text()
    (store / "newsroom.yml").write_text(public.replace(KEY.address, OTHER.address))
    (store / "archive.yml").write_text("address: [")
    (store / "blog.yml").write_text(public)
    (store / "wiki.yml").write_text(public)
    (store / "wiki.secret").write_bytes((store / "newsroom.secret").read_bytes())
    (store / "plain.secret").write_bytes(KEY.to_tor_file())
    before = files(store)
    found = faults(store, "newsroom", "archive", "blog", "wiki", "plain", given("copy", KEY), "new")
    for name, why in {
        "newsroom": "does not belong to the public key",
        "archive": "does not hold address and public_key",
        "blog": "is missing",
        "plain": "is not encrypted",
        "wiki' and 'copy": "have the same key",
    }.items():
        assert [fault for fault in found if f"'{name}'" in fault and why in fault], (name, found)
    assert files(store) == before
    assert "'blog' and 'wiki'" in stores.public_entries(str(store), ["blog", "wiki"])[1][-1]


@pytest.mark.parametrize("name", ["../newsroom", "News", "", "-a", "a" * 33, "news\n"])
def test_names_that_are_no_file_names(store: pathlib.Path, name: str) -> None:
    assert "name: a-z" in faults(store, name)[0]
    assert not store.exists()


def test_another_machine_was_faster(store: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = stores._decide

    def slow(*arguments: t.Any) -> t.Any:
        entries = decide(*arguments)
        store.mkdir()
        (store / "newsroom.secret").write_bytes(b"theirs")
        return entries

    monkeypatch.setattr(stores, "_decide", slow)
    assert "another run" in faults(store, "newsroom")[0]
    assert files(store) == ["newsroom.secret"] and (store / "newsroom.secret").read_bytes() == b"theirs"


@pytest.mark.parametrize("ending", ["yml", "secret"])
@pytest.mark.parametrize("link", [True, False])
def test_what_is_no_file_in_the_place_of_one(
    store: pathlib.Path, tmp_path: pathlib.Path, ending: str, link: bool
) -> None:
    complete(store, "newsroom")
    path = store / f"newsroom.{ending}"
    path.rename(tmp_path / "kept")
    if link:
        path.symlink_to("nowhere")
    else:
        path.mkdir()
    why = "is a symbolic link to nowhere, which is not there" if link else "is no file"
    assert f"service 'newsroom': key: newsroom.{ending} {why}" in faults(store, "newsroom", "archive")[0]
    if ending == "yml":
        assert why in stores.public_entries(str(store), ["newsroom"])[1][0]
    else:
        with pytest.raises(OnionfleetError, match=f"newsroom.secret {why}"):
            stores.read_secret(str(store), "newsroom", vault())
    assert not (store / "archive.secret").exists()


def test_a_link_to_nothing_in_the_place_of_the_store(store: pathlib.Path) -> None:
    store.symlink_to("nowhere")
    assert "is no folder, or a symbolic link to none" in faults(store, "newsroom")[0]


def test_what_was_made_before_the_disk_refused_is_told(store: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create = stores.new_file.create

    def full(path: str, content: bytes, mode: int) -> None:
        if path.endswith("archive.yml"):
            raise OSError(28, "No space left on device")
        create(path, content, mode)

    monkeypatch.setattr(stores.new_file, "create", full)
    with pytest.raises(stores.new_file.Unfinished, match="No space left") as caught:
        complete(store, "newsroom", "archive", "blog")
    for name in ("newsroom.secret", "newsroom.yml", "archive.secret"):
        assert str(store / name) in caught.value.faults[-1]
    monkeypatch.undo()
    complete(store, "newsroom", "archive", "blog")
    assert len(files(store)) == 6


def test_a_full_disk_leaves_nothing_behind(store: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left" in faults(store, "newsroom")[0]
    assert list(store.iterdir()) == []


def test_parallel_runs_make_one_key(store: pathlib.Path) -> None:
    names = [f"service{number}" for number in range(5)]
    with concurrent.futures.ProcessPoolExecutor(6, mp_context=multiprocessing.get_context("fork")) as pool:
        runs = list(pool.map(functools.partial(complete, store), *([name] * 6 for name in names)))
    assert all(run == runs[0] for run in runs)
    assert runs[0] == {name: stores.read_secret(str(store), name, vault()).address for name in names}
