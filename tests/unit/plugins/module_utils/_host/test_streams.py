# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the connections of this very process."""

from __future__ import annotations

import contextlib
import os
import socket

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._host import streams


def test_targets_as_tor_reads_them():
    found = streams.targets(
        [
            ("HiddenServiceDir", "/x"),
            ("HiddenServicePort", "80"),
            ("HiddenServicePort", "81 8081"),
            ("HiddenServicePort", "82 10.0.0.1:8082"),
            ("HiddenServicePort", "83 [::1]:8083"),
            ("HiddenServicePort", "84 10.0.0.4"),
            ("HiddenServiceMaxStreams", "7"),
        ]
    )
    assert found.inet == {("127.0.0.1", 80), ("127.0.0.1", 8081), ("10.0.0.1", 8082), ("::1", 8083), ("10.0.0.4", 84)}
    assert not found.unix
    assert streams.targets([("HiddenServicePort", '80 "unix:/run/a.sock"')]) == (frozenset(), True)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_connection_to_a_target_counts_until_it_is_closed(family, host):
    listener = socket.socket(family)
    try:
        listener.bind((host, 0))
    except OSError:
        pytest.skip("no such address here")
    listener.listen()
    where = streams.Targets(frozenset({(host, listener.getsockname()[1])}), False)
    with listener, socket.create_connection(listener.getsockname()[:2]):
        served, _peer = listener.accept()  # its remote end is no target
        with served:
            assert streams.count(os.getpid(), where) == 1
            assert streams.count(os.getpid(), streams.Targets(frozenset({(host, 1)}), False)) == 0
    assert streams.count(os.getpid(), where) == 0


def test_unix_sockets_count_at_the_end_that_connected(tmp_path):
    where = streams.Targets(frozenset(), True)
    before = streams.count(os.getpid(), where)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        client = stack.enter_context(socket.socket(socket.AF_UNIX))
        client.connect(str(tmp_path / "s"))
        stack.enter_context(listener.accept()[0])
        assert streams.count(os.getpid(), where) == before + 1
        assert streams.count(os.getpid(), streams.Targets(frozenset(), False)) == 0


def test_a_process_that_has_ended():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(FileNotFoundError):
        streams.count(child, streams.Targets(frozenset(), False))
