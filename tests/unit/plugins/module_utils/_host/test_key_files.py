# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import key_files


def test_modes_and_replacement(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "folder" / "file"
    key_files.write_private(str(path), b"one")
    key_files.write_private(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_run_left_goes_with_the_next(tmp_path: pathlib.Path) -> None:
    for name in (".file.0123abcd", ".file.0123abce", ".other.0123abcd", ".file.x"):
        (tmp_path / name).write_bytes(b"secret")
        os.utime(tmp_path / name, (0, 0))
    os.utime(tmp_path / ".file.0123abce")  # of a run that goes on
    key_files.write_private(str(tmp_path / "file"), b"one")
    assert sorted(os.listdir(tmp_path)) == [".file.0123abce", ".file.x", ".other.0123abcd", "file"]


def test_the_folder_is_synced_after_the_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, sync = [], os.fsync

    def spy(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        sync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    key_files.write_private(str(tmp_path / "file"), b"one")
    assert len(synced) == 2 and synced[-1] == str(tmp_path)


def test_a_refusal_leaves_nothing_behind(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OnionfleetError, match="cannot be written"):
        key_files.write_private(str(tmp_path / "file"), b"one")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_no_link_of_others_leads_elsewhere(tmp_path: pathlib.Path) -> None:
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    ours.mkdir(mode=0o755)
    foreign.mkdir()
    foreign.chmod(0o777)
    (foreign / "www").symlink_to(ours)
    (foreign / "file").symlink_to(ours / "file")
    with pytest.raises(OnionfleetError, match="www.*Not a directory"):
        key_files.write_private(str(foreign / "www" / "file"), b"one")
    with pytest.raises(OnionfleetError, match="www: cannot be changed: Too many"):
        key_files.change_mode(str(foreign / "www"), 0o700)
    (ours / "file").write_text("ours")
    with pytest.raises(OnionfleetError, match="file: cannot be changed"):
        key_files.change_mode(str(foreign / "file"), 0o600)
    assert [path.name for path in ours.iterdir()] == ["file"]
    assert (ours.stat().st_mode & 0o777, (ours / "file").stat().st_mode & 0o777) == (0o755, 0o644)


def test_modes_change(tmp_path: pathlib.Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o755)
    (tmp_path / "file").touch(mode=0o644)
    for name, mode in (("folder", 0o700), ("file", 0o600)):
        key_files.change_mode(str(tmp_path / name), mode)
        assert (tmp_path / name).stat().st_mode & 0o777 == mode
