# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils import _write
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError


def test_modes_and_replacement(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "folder" / "file"
    _write.write_private(str(path), b"one")
    _write.write_private(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_refusal_leaves_nothing_behind(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OnionfleetError, match="cannot be written"):
        _write.write_private(str(tmp_path / "file"), b"one")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
