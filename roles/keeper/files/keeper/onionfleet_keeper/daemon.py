# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tor daemon of this host: what it is at, and the commands that make it publish, or keep it from that.

    Daemon      reconnects by itself; whatever fails is raised as OnionfleetError, and the next call begins anew
    release     bring daemons back to tor's own behaviour
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import parse_outer
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import publishing
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlPort

READY_SECONDS = 5.0  # how often circuits are counted
COMMAND_SECONDS = 5.0


class Daemon:
    """`address` of its service with ".onion"; `pow`: proof of work is on for good."""

    def __init__(self, control: str, address: str, pow: bool) -> None:
        self._path, self._label, self._pow = control, address[: -len(".onion")], pow
        self._port: ControlPort | None = None
        self._counted = 0.0
        self.publishes: bool | None = None
        self.armed = self.ready = False
        self.uploaded: float | None = None  # monotonic
        self._made: tuple[bytes, bytes] | None = None  # blinded and signing key of the descriptor that its tor shows

    def observe(self) -> None:
        """Bring the attributes up to date. Raises OnionfleetError where tor does not answer."""
        try:
            port = self._connect()
            while True:
                event = port.next_event(0)
                if event is None:
                    break
                if event.startswith(f"HS_DESC UPLOADED {self._label} "):
                    self.uploaded = time.monotonic()
            self.publishes = publishing.publishes(port)
            self.armed = not self.publishes if self._pow else publishing.is_armed(port.getconf("HiddenServiceOptions"))
            if time.monotonic() - self._counted > READY_SECONDS:
                self._count(port)
        except OnionfleetError:
            self.close()
            raise

    def _connect(self) -> ControlPort:
        if self._port is None:
            port = ControlPort(self._path, timeout=COMMAND_SECONDS)
            # as before it is restarted, when the declaration has changed
            if publishing.sandboxed(port):
                port.close()
                raise OnionfleetError(
                    "it runs with Sandbox 1, and would end itself when it is told to publish; restart it without"
                )
            self._port = port
            self._counted, self.uploaded = 0.0, None  # it may have been restarted
            self._port.subscribe("HS_DESC")
        return self._port

    def _count(self, port: ControlPort) -> None:
        self._counted = time.monotonic()
        circuits = publishing.introduction_circuits(port.getinfo("circuit-status"), self._label)
        self.ready = bool(circuits) and port.getinfo("status/enough-dir-info") == "1"
        with contextlib.suppress(OnionfleetError):  # it has made none yet
            outer = parse_outer(port.getinfo(f"hs/service/desc/id/{self._label}"))
            self._made = outer.blinded_key, outer.signing_key

    def made(self, blinded_key: bytes, signing_key: bytes) -> bool | None:
        """Did this daemon make the descriptor with these keys? None: cannot be told, as in half of each time period,
        when tor shows the descriptor of another period than clients read. Nor is a tor overtaken that has uploaded
        nothing yet.
        """
        if self._made is None or self._made[0] != blinded_key:
            return None
        return self._made[1] == signing_key or (None if self.uploaded is None else False)

    def stand_by(self) -> None:
        """Publish nothing, and be ready to publish at once."""
        port = self._connect()
        publishing.stand_by(port, self._for_good(port))

    def publish(self) -> None:
        """Publish now, what the operator configured."""
        port = self._connect()
        publishing.publish(port, self._for_good(port))

    def disarm(self) -> bool:
        """The first half of going back to tor's own behaviour; is there a second one to come?"""
        port = self._connect()
        return publishing.disarm(port, self._for_good(port))

    def allow(self) -> None:
        """The second half."""
        publishing.allow(self._connect())

    def _for_good(self, port: ControlPort) -> list[str]:
        """Directories of services whose proof of work the operator switched on."""
        return publishing.directories(port.getconf("HiddenServiceOptions")) if self._pow else []

    def close(self) -> None:
        self.publishes, self.ready, self._made = None, False, None
        if self._port is not None:
            self._port.close()
            self._port = None


def release(daemons: Iterable[Daemon]) -> list[str]:
    """Back to tor's own behaviour, without a publication where proof of work is off; returns what went wrong."""
    faults, waiting = [], []
    for daemon in daemons:
        try:
            if daemon.disarm():
                waiting.append(daemon)
        except OnionfleetError as error:  # a tor that starts later has its file's settings
            faults.append(str(error))
    if waiting:
        time.sleep(publishing.SWALLOWED_SECONDS)
    for daemon in waiting:
        try:
            daemon.allow()
        except OnionfleetError as error:
            faults.append(str(error))
    return faults
