# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""program: module, and what its action makes of files on the controller."""

from __future__ import annotations

import base64
import json
import os

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.action import program as action
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk
from ansible_collections.onionfleet.balance.plugins.modules import program


@pytest.fixture(name="install")
def fixture_install(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(disk, "_LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(disk, "user_id", lambda _name: os.getuid())
    monkeypatch.setattr(disk, "group_id", lambda _name: os.getgid())

    def run(check=False, **files):
        sent = {name.replace("__", "/"): base64.b64encode(text.encode()).decode() for name, text in files.items()}
        arguments = {"path": str(tmp_path / "lib/keeper"), "files": sent, "_ansible_check_mode": check}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            program.main()
        return json.loads(capfd.readouterr().out)

    return run


def test_check_write_and_again(install, tmp_path):
    before = os.umask(0o077)
    try:
        assert install(check=True, main="a", parts__one="b")["changed"]
        assert not (tmp_path / "lib").exists()
        first = install(main="a", parts__one="b")
    finally:
        os.umask(before)
    assert first["changed"] and first["diff"][0]["after"] == "written: ., parts, main, parts/one\n"
    assert (tmp_path / "lib/keeper/parts/one").read_text() == "b"
    modes = {
        path: os.stat(tmp_path / "lib/keeper" / path).st_mode & 0o777 for path in (".", "parts", "main", "parts/one")
    }
    assert modes == {".": 0o755, "parts": 0o755, "main": 0o644, "parts/one": 0o644}
    assert not install(main="a", parts__one="b")["changed"]


def test_only_what_differs_is_written(install, tmp_path):
    install(main="a", other="b")
    (tmp_path / "lib/keeper/other").chmod(0o600)
    assert install(main="a", other="b")["diff"][0]["after"] == "written: other\n"
    many = {f"file{number}": "x" for number in range(7)}
    assert install(**many)["diff"][0]["after"].endswith(" and 2 more\n")


@pytest.mark.parametrize("name", ["..__up", "a__..__..__up", "__etc__passwd"])
def test_nothing_is_written_elsewhere(install, name):
    assert "is not in the folder" in install(**{name: "x"})["msg"]


def test_a_folder_stands_for_all_files_in_it_but_bytecode(tmp_path):
    for name in ("a.py", "b/c.py", "b/__pycache__/c.cpython-313.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [name for name, _path in action.found(".", tmp_path)] == ["a.py", "b/c.py"]
    assert [name for name, _path in action.found("lib", tmp_path)] == ["lib/a.py", "lib/b/c.py"]
    assert action.found("d.py", tmp_path / "a.py") == [("d.py", tmp_path / "a.py")]
