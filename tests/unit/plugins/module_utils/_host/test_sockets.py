# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import socket
import subprocess

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._host import sockets

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")


@pytest.mark.parametrize(
    "path", ["/tmp/x.sock", "/var/tmp/a/x", "/home/me/x", "/root/x", "/run/user/1/x", "/run/../tmp/x"]
)
def test_places_that_the_unit_hides(path: str) -> None:
    (fault,) = sockets.socket_faults(path, 1, [1])
    assert "hides from tor" in fault


def test_places_that_it_does_not() -> None:
    assert sockets.socket_faults("/run/absent.sock", 1, [1]) == sockets.sandbox_faults("/srv/tmp/x") == []


@root_only
def test_permissions_of_socket_and_parents(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_PRIVATE", {})
    top = pathlib.Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    path = top / "a" / "x.sock"
    path.parent.mkdir()
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(str(path))
        assert sockets.barriers([str(path)], 12345, [12345]) == [str(top)]
        assert "directory" in sockets.socket_faults(str(path), None, [])[0]
        top.chmod(0o711)
        path.parent.chmod(0o711)
        path.chmod(0o660)
        os.chown(path, 0, 12345)
        assert "does not let the daemon connect" in sockets.socket_faults(str(path), 12345, [1])[0]
        assert sockets.socket_faults(str(path), 12345, [12345]) == []
    finally:
        server.close()
        path.unlink()
        path.parent.rmdir()
        top.rmdir()
