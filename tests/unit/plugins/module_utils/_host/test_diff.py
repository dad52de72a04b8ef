# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import os
import pwd

from ansible_collections.onionfleet.balance.plugins.module_utils._host.diff import node_diff
from ansible_collections.onionfleet.balance.plugins.module_utils._host.disk import Node

ME, MINE = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name


def shown(path, content=None, label="", **options):
    found = node_diff(Node(str(path), 0o640, ME, MINE, content, label), **options)
    assert found["before_header"] == found["after_header"]
    return found["before_header"].rpartition("/")[2], found["before"], found["after"]


def test_content(tmp_path):
    path = tmp_path / "file"
    assert shown(path, b"new\n") == ("file", "", "new\n")
    path.write_text("old\n")
    assert shown(path, b"new\n") == ("file", "old\n", "new\n")


def test_mode_and_owner_where_the_content_stays(tmp_path):
    path = tmp_path / "file"
    path.write_text("same\n")
    path.chmod(0o600)
    assert shown(path, b"same\n") == ("file", f"mode 0600, {os.getuid()}:{os.getgid()}\n", f"mode 0640, {ME}:{MINE}\n")
    assert node_diff(Node(str(tmp_path), 0o700, ME, MINE))["before_header"] == f"{tmp_path}/"
    assert node_diff(Node(f"{tmp_path}/none", 0o700, ME, MINE))["before"] == ""


def test_of_a_key_its_label_only(tmp_path):
    path = tmp_path / "key"
    assert shown(path, b"secret", "the key of a\n") == ("key", "", "the key of a\n")
    path.write_text("another secret")
    _name, before, after = shown(path, b"secret", "the key of a\n")
    assert "secret" not in before + after


def test_what_is_hidden_leaves_a_trace(tmp_path):
    path = tmp_path / "file"
    path.write_text("password one\n")

    def hide(text):
        return text.replace("one", "…").replace("two", "…")

    assert shown(path, b"password two\n", hide=hide) == (
        "file",
        "password …\n",
        "password …\n# (a hidden value differs)\n",
    )
    assert shown(path, b"password two\nmore\n", hide=hide)[2] == "password …\nmore\n"
