# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our programs and units on a host, compared with what the roles of this collection install.

Module Overview:

    installed_drift   what is on the disk of a host -> what of it the roles would not have written so
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import pathlib
import typing as t

import yaml

Data = t.Dict[str, t.Any]
Found = t.Iterator[t.Tuple[str, str]]

COLLECTION = pathlib.Path(__file__).resolve().parents[3]
_ROLES = {"publisher": "softmap_publisher", "keeper": "keeper"}
UNITS = "/etc/systemd/system"
_WANTS = f"{UNITS}/multi-user.target.wants"


@dataclasses.dataclass(frozen=True)
class File:
    """A regular file of root's; ``sha1`` None: the program itself looks at its content when it starts."""

    sha1: str | None
    mode: str = "0644"


def installed_drift(planned: Data, installed: Data, units: t.Mapping[str, str]) -> Found:
    """What differs on a host, each a kind and words.

    :param planned: the host's slice of the plan.
    :param installed: the result of ansible.builtin.find, with checksums (SHA-1).
    :param units: the text of each of our units.
    """
    if "files" not in installed:
        return
    there = {entry["path"]: entry for entry in installed["files"]}
    for name, wanted, own in (
        ("publisher", bool((planned["publisher"] or {}).get("services")), _publisher_files),
        ("keeper", planned["keeper"] is not None, functools.partial(_keeper_files, planned["keeper"])),
    ):
        unit = f"onionfleet-{name}.service"
        enabled = f"{_WANTS}/{unit}" in there
        if enabled != wanted:
            now, then = ("starts", "does not") if enabled else ("does not start", "does")
            yield "unit", f"{unit}: {now} at boot; in the plan it {then}: deploy mends it"
        if wanted:
            files = own()
            yield from _file_drift({**files, f"{UNITS}/{unit}": File(_sha1(units[unit].encode()))}, there)
            program = _program(name)
            strange = sorted(path for path in there if path.startswith(program + "/") and path not in files
                             and not any(known.startswith(path + "/") for known in files))
            yield from (("file", f"{path} is not of this collection; remove it") for path in strange)


def _file_drift(files: t.Mapping[str, File], there: t.Mapping[str, Data]) -> Found:
    for path, wanted in files.items():
        kind = "unit" if path.startswith(UNITS) else "file"
        entry = there.get(path)
        if entry is None:
            yield kind, f"{path} is missing; deploy mends it"
        elif not entry["isreg"]:
            yield kind, f"{path} is no regular file; move it away"
        elif wanted.sha1 not in (None, entry.get("checksum")):
            yield kind, f"{path} has been changed; deploy mends it"
        elif (entry["mode"], entry["uid"], entry["gid"]) != (wanted.mode, 0, 0):
            now = f"{entry['mode']}, {entry['uid']}:{entry['gid']}"
            yield kind, f"{path} has mode {now}, not {wanted.mode}, root:root; deploy mends it"


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()  # as ansible.builtin.find counts


def _below(folder: pathlib.Path, destination: str) -> t.Dict[str, File]:
    return {
        f"{destination}/{path.relative_to(folder)}": File(_sha1(path.read_bytes()))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


@functools.lru_cache(maxsize=None)
def _installer(name: str) -> Data:
    """Variables of the role that installs a program, without the role's name in front."""
    role = _ROLES[name]
    variables = yaml.safe_load((COLLECTION / "roles" / role / "vars/main.yml").read_text())
    return {variable.removeprefix(f"{role}_"): value for variable, value in variables.items()}


def _program(name: str) -> str:
    return str(_installer(name)["program"])


@functools.lru_cache(maxsize=None)
def _publisher_files() -> t.Dict[str, File]:
    wheel = f"{_program('publisher')}/{_installer('publisher')['wheel_name']}"
    return {**_program_files("publisher"), wheel: File(None)}


@functools.lru_cache(maxsize=None)
def _program_files(name: str) -> t.Dict[str, File]:
    """A program's own files, and those that it shares with the modules."""
    folder, utils = _program(name), "plugins/module_utils"
    shared = f"{folder}/ansible_collections/onionfleet/balance/{utils}"
    return {
        **_below(COLLECTION / "roles" / _ROLES[name] / "files" / name, folder),
        **{
            f"{shared}/{util}.py": File(_sha1((COLLECTION / utils / f"{util}.py").read_bytes()))
            for util in _installer(name)["utils"]
        },
    }


def _keeper_files(keeper: Data) -> t.Dict[str, File]:
    config = json.dumps(keeper, indent=4, separators=(",", ": ")) + "\n"  # as to_nice_json writes it
    return {**_program_files("keeper"), "/etc/onionfleet/keeper/config.json": File(_sha1(config.encode()), "0600")}
