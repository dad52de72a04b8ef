# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import stat

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import safe_open


def test_errors_name_the_whole_path_and_handles_are_closed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a").mkdir()
    before = os.listdir("/proc/self/fd")
    with pytest.raises(FileNotFoundError) as error, safe_open.opened(str(tmp_path / "a")) as folder:
        os.unlink("b", dir_fd=folder)
    assert error.value.filename == str(tmp_path / "a/b")
    with pytest.raises(FileNotFoundError) as error, safe_open.opened(str(tmp_path / "c/d")):
        pass
    assert error.value.filename == str(tmp_path / "c/d")
    with pytest.raises(OnionfleetError, match="a: is no regular file"):
        safe_open.open_file(str(tmp_path / "a"), os.O_RDONLY)
    assert os.listdir("/proc/self/fd") == before


def test_what_is_missing_is_made_where_it_is_wanted(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with safe_open.opened("a/b", make=0o750) as folder:
        assert os.path.samestat(os.fstat(folder), os.stat(tmp_path / "a/b"))
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("mask", [0o077, 0o022, 0])
def test_what_is_made_has_its_mode_whatever_the_umask(tmp_path: pathlib.Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with safe_open.opened(str(tmp_path / "a/b"), make=0o755):
            pass
    finally:
        assert os.umask(before) == mask
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", tmp_path / "a/b")] == [0o755, 0o755]


@pytest.mark.parametrize(("mode", "followed"), [(0o755, True), (0o775, False), (0o1777, False)])
def test_whose_links_are_followed(tmp_path: pathlib.Path, mode: int, followed: bool) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(mode)
    with safe_open.opened(str(tmp_path / "folder")) as folder:
        assert safe_open.no_links(folder) == (0 if followed else os.O_NOFOLLOW)


def test_links_of_another_user_are_not_followed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, real = os.getuid() + 1, os.fstat

    def of_another(handle: int) -> os.stat_result:
        return os.stat_result([*real(handle)[:4], owner, *real(handle)[5:]])

    with safe_open.opened(str(tmp_path)) as folder:
        monkeypatch.setattr(os, "fstat", of_another)
        assert safe_open.no_links(folder) == os.O_NOFOLLOW
