# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup: the keys of the store and the files of the declaration as one document, encrypted by Ansible's vault.

The document is JSON, so that in need ``ansible-vault view`` and a text editor are enough to get a key out
of it. Secrets are in it as tor keeps them, not as the store encrypts them: one password opens it,
whatever became of the store's.

Module Overview:

    Archive      keys, files and a manifest
    gather       store and folder -> Archive, or all faults at once
    write        Archive -> a new file, read back before it counts
    read         file -> Archive, every checksum compared
    restore      Archive -> store and folder; what is there stays
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.shapes import (
    ACTING,
    Address,
    Many,
    Mapping,
    Text,
    Word,
    record,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import new_file
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import store as stores

if t.TYPE_CHECKING:
    from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.vault import Vault

FORMAT = 1
# a declaration is text; what is larger got there by mistake
LARGEST = 1024 * 1024
Data = t.Dict[str, t.Any]

_NAME, _TEXT = (
    Word(stores.NAME, "a service's name"),
    Word(f"[^{ACTING}]{{1,4200}}", "a text of 4200 characters at most, all of them visible"),
)
# whoever has the password may have written it
DOCUMENT = record(
    keys=Mapping(_NAME, _TEXT, most=100_000),
    files=Mapping(
        _TEXT,
        record(mode=Word("0[0-7]{3}", "a mode from 0000 to 0777"), content=Word("[A-Za-z0-9+/]*={0,2}", "base64")),
    ),
    manifest=record(
        made=Text(),
        ansible_core=Text(),
        collection=Text(),
        keys_dir=_TEXT,
        kept_elsewhere=Many(Text(), most=100_000),
        addresses=Mapping(_NAME, Address(), most=100_000),
        sha256=Mapping(_TEXT, Word("[0-9a-f]{64}", "a checksum"), most=110_000),
    ),
)


@dataclasses.dataclass(frozen=True)
class File:
    """A file of the declaration."""

    mode: int
    content: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Archive:
    """``keys`` by service, ``files`` by path relative to the folder, ``manifest``: when and with what it was made."""

    keys: t.Mapping[str, key_file.SecretKey]
    files: t.Mapping[str, File]
    manifest: t.Mapping[str, t.Any]

    def to_json(self) -> bytes:
        """The document, with a checksum for each entry."""
        keys = {name: base64.b64encode(secret.to_tor_file()).decode() for name, secret in self.keys.items()}
        files = {
            path: {"mode": f"{file.mode:04o}", "content": base64.b64encode(file.content).decode()}
            for path, file in self.files.items()
        }
        addresses = {name: secret.address for name, secret in self.keys.items()}
        document = {
            "onionfleet_backup": FORMAT,
            "manifest": {**self.manifest, "addresses": addresses, "sha256": _sums(self)},
        }
        return json.dumps({**document, "keys": keys, "files": files}, indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, text: bytes) -> Archive:
        """Read the document.

        :raises OnionfleetError: it is none, an entry is not what the manifest says, or would go outside of its folder.
        """
        try:
            document = json.loads(text)
            told = document["onionfleet_backup"]
            if told != FORMAT:
                raise OnionfleetError(f"is of format {str(told)[:20]!r}, which this version does not know; update it")
            document = DOCUMENT.read(document, "")
            files = {
                path: File(int(each["mode"], 8), base64.b64decode(each["content"], validate=True))
                for path, each in document["files"].items()
            }
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise OnionfleetError(f"is no backup of this collection, or torn ({type(exc).__name__}: {exc})") from None
        keys, faults = {}, []
        for name, secret in document["keys"].items():
            try:
                keys[name] = key_file.load_secret(secret.encode())
            except OnionfleetError as exc:
                faults += [f"key {name}: {fault}" for fault in exc.faults]
        manifest = document["manifest"]
        archive = cls(keys, files, manifest)
        faults += [] if faults else _differences(archive, manifest["sha256"], manifest["addresses"])
        faults += [
            f"file {path}: leads out of the folder, or into the place of another file"
            for path in files
            if not inside(path) or _inner(path, {*files, manifest["keys_dir"]})
        ]
        if faults:
            raise OnionfleetError(*faults)
        return archive


def _differences(archive: Archive, told: t.Mapping[str, str], addresses: t.Mapping[str, str]) -> list[str]:
    sums = _sums(archive)
    faults = [
        f"{name}: differs from what the manifest says"
        for name in sorted({*told, *sums})
        if told.get(name) != sums.get(name)
    ]
    return faults + [
        f"key {name}: is that of {key.address}, the manifest says {addresses.get(name)}"
        for name, key in archive.keys.items()
        if addresses.get(name) != key.address
    ]


def _sums(archive: Archive) -> t.Dict[str, str]:
    entries = {f"key {name}": secret.to_tor_file() for name, secret in archive.keys.items()}
    entries.update({f"file {path}": file.content for path, file in archive.files.items()})
    return {name: hashlib.sha256(content).hexdigest() for name, content in entries.items()}


def inside(path: str) -> bool:
    """Whether a path of a backup, written in the shortest way, stays in the folder."""
    parts = pathlib.PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and path == "/".join(parts)


def _inner(path: str, others: t.Collection[str]) -> bool:
    return any(str(above) in others for above in pathlib.PurePosixPath(path).parents)


def gather(
    keys_dir: str, folder: str, paths: t.Iterable[str], vault: Vault, manifest: t.Mapping[str, t.Any]
) -> Archive:
    """Everything that is in the store, and files of a folder.

    :param paths: files and directories in the folder, hidden ones in directories are passed over.
    :raises OnionfleetError: every key that is unreadable or not that of its address, every file that cannot be kept.
    """
    names = sorted(stores.secret_names(keys_dir))
    addresses, faults = stores.public_entries(keys_dir, names)
    faults += [
        f"{path}: its name is that of no service, so that nobody could restore it; move it away, or rename it"
        for path in sorted(pathlib.Path(keys_dir).glob("*.secret"))
        if path.stem not in names
    ]
    keys: t.Dict[str, key_file.SecretKey] = {}
    for name in names:
        try:
            keys[name] = stores.read_secret(keys_dir, name, vault)
            if name in addresses and keys[name].address != addresses[name]:
                raise OnionfleetError(
                    f"{name}.secret is the key of {keys[name].address}, {name}.yml says {addresses[name]}"
                )
        except OnionfleetError as exc:
            faults += [f"service '{name}': key: {fault}" for fault in exc.faults]
    files, file_faults = _files(pathlib.Path(folder), paths, pathlib.Path(keys_dir).resolve())
    if not keys and not faults:
        faults = [f"{keys_dir}: holds no key; there is nothing to back up"]
    if faults or file_faults:
        raise OnionfleetError(*faults, *file_faults)
    # of keys that are kept elsewhere, the store has the address only
    elsewhere = sorted(path.stem for path in pathlib.Path(keys_dir).glob("*.yml") if path.stem not in keys)
    return Archive(keys, files, {**manifest, "kept_elsewhere": elsewhere})


def _files(folder: pathlib.Path, paths: t.Iterable[str], store: pathlib.Path) -> tuple[t.Dict[str, File], list[str]]:
    files: t.Dict[str, File] = {}
    named, faults = _named(folder, paths)
    found = (inner for each in named for inner in _below(each, {above.resolve() for above in each.parents}, faults))
    for path in sorted({*found}):
        if store in path.resolve().parents:
            continue
        name = str(path.relative_to(folder))
        if not re.fullmatch(f"[^{ACTING}]+", name):
            faults.append(
                f"{str(path)!a}: its name has characters that are not seen; "
                "rename it, or leave it out with onion_backup_files"
            )
            continue
        if path.stat().st_size > LARGEST:
            faults.append(f"{path}: is larger than {LARGEST} bytes; leave it out with onion_backup_files")
            continue
        try:
            files[name] = File(path.stat().st_mode & 0o777, path.read_bytes())
        except OSError as exc:
            faults.append(f"{path}: cannot be read: {in_english(exc)}")
    return files, faults


def _named(folder: pathlib.Path, paths: t.Iterable[str]) -> tuple[list[pathlib.Path], list[str]]:
    named, faults = [], []
    for number, path in enumerate(paths, 1):
        name = os.path.relpath(os.path.join(folder, path), folder)
        if not path:
            faults.append(f"onion_backup_files: entry {number} is empty; write a path in {folder}, or remove it")
        elif name.split("/")[0] == "..":
            faults.append(
                f"onion_backup_files: {path!r}: is outside of {folder}, whose files a backup keeps; "
                "keep it by other means, or move it there"
            )
        elif not os.path.lexists(folder / name):
            faults.append(f"onion_backup_files: {path!r}: is not in {folder}; correct or remove it")
        else:
            named.append(folder / name)
    return named, faults


def _below(path: pathlib.Path, above: t.Set[pathlib.Path], faults: list[str]) -> t.Iterator[pathlib.Path]:
    """Files in and below a path; ``above`` are the real places of the directories that lead there.

    A link to one of these leads to what is kept already.
    """
    try:
        if path.is_file():
            yield path
        elif path.is_dir():
            place = path.resolve()
            for inner in sorted(path.iterdir()) if place not in above else ():
                if not inner.name.startswith(".") and inner.name != "__pycache__":
                    yield from _below(inner, {*above, place}, faults)
        elif path.is_symlink() and not path.exists():
            faults.append(f"{path}: is a symbolic link to nothing; remove it, or bring its target back")
        else:
            faults.append(f"{path}: is neither a file nor a folder; move it away, or leave it out (onion_backup_files)")
    except (OSError, RuntimeError) as exc:  # RuntimeError: links that lead in a circle, in older Pythons
        why = in_english(exc) if isinstance(exc, OSError) else "its links lead in a circle"
        faults.append(f"{path}: cannot be read: {why}")


def write(path: str, archive: Archive, vault: Vault) -> None:
    """Make a new file of mode 0600 with the archive, and read it back.

    :raises OnionfleetError: there is a file already, the disk refuses, or what was written cannot be read.
    """
    faults = vault.faults()
    if faults:
        raise OnionfleetError(*faults)
    content = vault.encrypt(archive.to_json())
    if Archive.from_json(vault.decrypt(content)).to_json() != archive.to_json():
        raise OnionfleetError(f"{path}: what would be written reads back as something else; nothing was written")
    _create(path, content, 0o600)


def _create(path: str, content: bytes, mode: int) -> None:
    try:
        folder = os.path.dirname(os.path.abspath(path))
        new_file.make_folder(folder)
        new_file.clean(folder)
        new_file.create(path, content, mode)
    except FileExistsError:
        raise OnionfleetError(f"{path}: is there already, and is never overwritten; name another file") from None
    except OSError as exc:
        raise OnionfleetError(f"{path}: cannot be made: {in_english(exc)}") from None


def read(path: str, vault: Vault) -> Archive:
    """The archive in a file. :raises OnionfleetError: there is none, no password opens it, or it is damaged."""
    try:
        content = pathlib.Path(path).read_bytes()
        return Archive.from_json(vault.decrypt(content))
    except OSError as exc:
        raise OnionfleetError(f"{path}: cannot be read: {in_english(exc)}") from None
    except OnionfleetError as exc:
        raise OnionfleetError(*(f"{path}: {fault}" for fault in exc.faults)) from None


def restore(archive: Archive, keys_dir: str, folder: str, vault: Vault, *, files: bool, check: bool) -> list[str]:
    """Bring back what is missing: all of it or, where anything else is in its place, nothing.

    :param files: whether to bring back the files of the declaration, too.
    :returns: the paths that were, or would be, made.
    :raises OnionfleetError: every key and every file in whose place another one is.
    :raises Unfinished: the disk refused after some files.
    """
    wanted = [stores.Wanted(name, given=functools.partial(archive.keys.__getitem__, name)) for name in archive.keys]
    missing, faults = _missing(archive.files if files else {}, pathlib.Path(folder))
    try:
        stores.complete(keys_dir, wanted, vault, check=True)
    except OnionfleetError as exc:
        faults += exc.faults
    if faults:
        raise OnionfleetError(*faults)
    if not check:
        _make_store(keys_dir)
    entries = stores.complete(keys_dir, wanted, vault, check=check)
    made = [os.path.join(keys_dir, f"{entry.name}.{ending}") for entry in entries for ending in entry.create]
    for path in missing:
        file = archive.files[str(path.relative_to(folder))]
        try:
            if not check:
                _create(str(path), file.content, file.mode)
        except OnionfleetError as exc:
            raise (new_file.Unfinished(exc, made) if made else exc) from None
        made.append(str(path))
    return made


def _make_store(keys_dir: str) -> None:
    try:
        new_file.make_folder(os.path.dirname(os.path.abspath(keys_dir)))
    except OSError as exc:
        raise OnionfleetError(f"{keys_dir}: the folder above it cannot be made: {in_english(exc)}") from None


def _missing(files: t.Mapping[str, File], folder: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
    missing: list[pathlib.Path] = []
    faults: list[str] = []
    for name, file in files.items():
        path = folder / name
        try:
            link = next((each for each in (path, *path.parents) if each.is_symlink() and not each.exists()), None)
            if link:
                faults.append(f"{path}: {link} is a symbolic link to nothing; remove it, or bring its target back")
            elif path.read_bytes() != file.content:
                faults.append(
                    f"{path}: is there and differs; move it away, or restore keys only (onion_restore_files: false)"
                )
        except FileNotFoundError:
            missing.append(path)
        except OSError as exc:
            faults.append(f"{path}: is in the way: {in_english(exc)}")
    return missing, faults
