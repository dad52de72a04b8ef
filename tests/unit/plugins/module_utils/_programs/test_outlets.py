# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import logging
import pathlib
import socket
import stat

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import outlets


def test_a_file_is_replaced_as_a_whole(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.prom"
    outlets.replace(path, "old\n")
    before = path.open()
    outlets.replace(path, "new\n")
    assert (before.read(), path.read_text()) == ("old\n", "new\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def full(*_arguments: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fchmod", full)
    with pytest.raises(OSError, match="no space"):
        outlets.replace(path, "newer\n")
    assert [one.name for one in tmp_path.iterdir()] == ["metrics.prom"]


def test_systemd_is_told_where_it_asks(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    outlets.notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        outlets.notify("READY=1")
        assert systemd.recv(100) == b"READY=1"
    outlets.notify("STOPPING=1")


def test_exposition() -> None:
    families = {"b": ("counter", "Second"), "a": ("gauge", "First"), "unused": ("gauge", "None")}
    samples = [("a", {}, True), ("b", {"name": 'x"y\\z\n'}, 1.23456), ("b", {"name": "one", "kind": "two"}, 3)]
    assert outlets.exposition("p_", families, samples).splitlines() == [
        "# HELP p_b Second", "# TYPE p_b counter", 'p_b{name="x\\"y\\\\z\\n"} 1.235', 'p_b{name="one",kind="two"} 3',
        "# HELP p_a First", "# TYPE p_a gauge", "p_a 1",
    ]


def test_lines_have_the_journals_priorities(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    logger = logging.Logger("test")
    outlets.log_to([logger])
    logger.warning("one\ntwo")
    logger.info("three")
    logger.debug("four")
    logger.error("five")
    assert capsys.readouterr().err.splitlines() == ["<4>one", "<4>two", "<6>three", "<7>four", "<3>five"]
