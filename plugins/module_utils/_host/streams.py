# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections of a tor process to what is behind its services: a stream of a visitor has one.

Overview::

  targets     where the services of a daemon lead to, of its GETCONF HiddenServiceOptions
  Targets     addresses with ports, and whether there are unix sockets
  count       open connections of a process to its targets
"""

from __future__ import annotations

import os
import re
import socket
import struct
import typing as t

_PORT = re.compile(r"\d+")
_ESTABLISHED, _CLOSE_WAIT = "01", "08"  # of net/tcp: both carry what is still to be read (net/tcp_states.h)
_STREAM, _CONNECTED = "0001", "03"  # of net/unix
_STANDARD = ("0", "1", "2")  # systemd's journal is a unix socket, too


class Targets(t.NamedTuple):
    """``inet``: (address, port) with the address as text. ``unix``: sockets have no name at our end, so all count."""

    inet: t.FrozenSet[t.Tuple[str, int]]
    unix: bool


def targets(lines: t.Iterable[t.Tuple[str, t.Optional[str]]]) -> Targets:
    """What ``HiddenServicePort VIRTPORT [TARGET]`` means (tor's manual): an address, a port, both, a unix socket."""
    inet, unix = set(), False
    for key, value in lines:
        if key.lower() == "hiddenserviceport" and value:
            virtual, _space, target = value.partition(" ")
            target = target.strip().strip('"')
            unix = unix or target.startswith("unix:")
            if not target.startswith("unix:"):
                inet.add(_address(target, virtual))
    return Targets(frozenset(inet), unix)


def _address(target: str, virtual: str) -> t.Tuple[str, int]:
    if not target or _PORT.fullmatch(target):
        return "127.0.0.1", int(target or virtual)
    found = re.fullmatch(r"(\[.*\]|[^:]*):?(\d*)", target)
    return (found.group(1).strip("[]"), int(found.group(2) or virtual)) if found else (target, int(virtual))


def count(pid: int, where: Targets, proc: str = "/proc") -> int:
    """:raises FileNotFoundError: the process has ended."""
    own = _sockets(f"{proc}/{pid}/fd")
    found = sum(
        1
        for table in ("tcp", "tcp6")
        for inode, remote, state in _inet(f"{proc}/{pid}/net/{table}")
        if inode in own and remote in where.inet and state in (_ESTABLISHED, _CLOSE_WAIT)
    )
    if where.unix:
        found += sum(1 for inode in _unix(f"{proc}/{pid}/net/unix") if inode in own)
    return found


def _sockets(folder: str) -> t.Set[str]:
    """Inodes of a process's sockets, without those of its standard streams."""
    found: t.Set[str] = set()
    standard: t.Set[str] = set()
    for descriptor in os.listdir(folder):
        try:
            link = os.readlink(f"{folder}/{descriptor}")
        except OSError:  # closed in the meantime
            continue
        if link.startswith("socket:["):
            (standard if descriptor in _STANDARD else found).add(link[len("socket:[") : -1])
    return found - standard


def _rows(path: str) -> t.Iterator[t.List[str]]:
    try:
        with open(path, encoding="utf-8", errors="replace") as table:
            next(table, None)
            for line in table:
                yield line.split()
    except FileNotFoundError:  # a kernel without IPv6
        return


def _inet(path: str) -> t.Iterator[t.Tuple[str, t.Tuple[str, int], str]]:
    """Inode, remote address and state of each connection (Documentation/networking/proc_net_tcp.rst)."""
    for row in _rows(path):
        address, _colon, port = row[2].partition(":")
        yield row[9], (_text(address), int(port, 16)), row[3]


def _text(address: str) -> str:
    """An address from the hexadecimal words, each in the host's order, of net/tcp and net/tcp6."""
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    text = socket.inet_ntop(socket.AF_INET6 if len(packed) == 16 else socket.AF_INET, packed)
    return text[len("::ffff:") :] if text.startswith("::ffff:") else text


def _unix(path: str) -> t.Iterator[str]:
    """Inodes of connected streams without a name: ends that connected, and did not accept as a control port does."""
    for row in _rows(path):
        if row[4] == _STREAM and row[5] == _CONNECTED and len(row) == 7:
            yield row[6]
