# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tor daemons of this host that publish now, stand by, or go back to tor's own behaviour, several at once.

Overview::

  Upload       what came of a service's uploads, by tor's events
  Daemon       one of them
  publish      have daemons publish, and wait until HSDirs took it
  stand_by, release
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import present, running
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import publishing
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlPort

_POW = ("hiddenservicepowdefensesenabled", "1")
_TURN_SECONDS = 0.1
_RETRY_SECONDS = 2.0  # doubled with each try; within a second, revision counters of two daemons are the same


@dataclasses.dataclass
class Upload:
    """Both descriptors of a service together, which are 16 uploads on the Tor network."""

    address: str
    tried: int = 0
    taken: int = 0
    refused: int = 0

    @property
    def quorum(self) -> bool:
        return self.taken * 2 > self.tried

    @property
    def answered(self) -> bool:
        return 0 < self.tried <= self.taken + self.refused

    def see(self, event: str) -> None:
        """An event HS_DESC (control-spec, 4.1.25)."""
        words = event.split()
        if words[:1] != ["HS_DESC"] or words[2] + ".onion" != self.address:
            return
        self.tried += words[1] == "UPLOAD"
        self.taken += words[1] == "UPLOADED"
        self.refused += words[1] == "FAILED"


class Daemon:
    """``error``: why it cannot be talked to; what is asked of it from then on does nothing."""

    def __init__(self, name: str) -> None:
        self.name, self.error, self.changed = name, "", False
        self.uploads: t.List[Upload] = []
        self._port: t.Optional[ControlPort] = None
        state = present.present(name).state
        self._addresses = present.addresses(state)
        self._pow = {
            path for path, lines in state.services.items() if _POW in [(key.lower(), value) for key, value in lines]
        }
        self._try_again, self._pause = 0.0, _RETRY_SECONDS

    def do(self, act: t.Callable[[ControlPort, t.Collection[str]], t.Any]) -> t.Any:
        """Call with its control port and the services that have proof of work on for good."""
        try:
            if self._port is None and not self.error:
                self._port = ControlPort(locations.control_socket(self.name))
                self._port.subscribe("HS_DESC")
            return act(self._port, self._pow) if self._port else None
        except OnionfleetError as error:
            self.error = str(error)
            self.close()
            return None

    @property
    def sandboxed(self) -> bool:
        return bool(self.do(lambda port, _pow: publishing.sandboxed(port)))

    def restart(self, deadline: float) -> t.Sequence[str]:
        """What went wrong, in words. ``deadline``: of time.monotonic()."""
        self.close()
        try:
            running.perform(self.name, "restart")
            running.serve(self.name, deadline)
        except OnionfleetError as error:
            return error.faults
        return []

    def publish(self) -> None:
        self.uploads = [Upload(address) for address in sorted(self._addresses.values())]
        self.do(publishing.publish)
        self._try_again, self._pause = time.monotonic() + self._pause, self._pause * 2

    def watch(self) -> bool:
        """Take events; whether there is no more to wait for. What was refused is published again after a while."""
        self.do(lambda port, _pow: self._take_events(port))
        if self.error or all(upload.answered and not upload.refused for upload in self.uploads):
            return True
        if all(upload.answered for upload in self.uploads) and time.monotonic() >= self._try_again:
            self.publish()
        return False

    def _take_events(self, port: ControlPort) -> None:
        event = port.next_event(0)
        while event:
            for upload in self.uploads:
                upload.see(event)
            event = port.next_event(0)

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None

    def told(self) -> t.Dict[str, t.Any]:
        return {
            "name": self.name,
            "changed": self.changed,
            "error": self.error or None,
            "services": [dataclasses.asdict(upload) for upload in self.uploads],
        }


def publish(daemons: t.Sequence[Daemon], *, timeout: float, check: bool = False) -> None:
    """One in its sandbox is restarted, which publishes.

    :raises OnionfleetError: daemons that cannot be reached, or whose descriptor no quorum of HSDirs took in time.
    """
    deadline = time.monotonic() + timeout
    waiting: t.List[Daemon] = []
    faults: t.List[str] = []
    for daemon in daemons:
        daemon.changed = True
        if not check and daemon.sandboxed:
            faults += daemon.restart(deadline)
        elif not check:
            daemon.publish()
            waiting.append(daemon)
    while waiting and time.monotonic() < deadline:
        waiting = [daemon for daemon in waiting if not daemon.watch()]
        time.sleep(_TURN_SECONDS)
    faults += [f"daemon '{daemon.name}': {fault}" for daemon in daemons for fault in _faults(daemon, timeout)]
    if faults:
        raise OnionfleetError(*faults)


def _faults(daemon: Daemon, timeout: float) -> t.Iterator[str]:
    if daemon.error:
        yield daemon.error
        return
    for upload in daemon.uploads:
        if not upload.tried:
            yield (
                f"it uploaded no descriptor of {upload.address} in {timeout:g} s; "
                "it may have no introduction points, see its log"
            )
        elif not upload.quorum:
            yield (
                f"{upload.taken} of {upload.tried} HSDirs took its descriptor of {upload.address} in {timeout:g} s, "
                f"{upload.refused} refused it; another host's clock may be ahead"
            )


def stand_by(daemons: t.Iterable[Daemon], *, check: bool = False) -> None:
    """A daemon that is down publishes nothing and is left alone; so is one in its sandbox, which goes on publishing."""
    for daemon in daemons:
        daemon.changed = not daemon.sandboxed and daemon.do(publishing.stands_by) is False
        if daemon.changed and not check:
            daemon.do(publishing.stand_by)


def release(daemons: t.Sequence[Daemon], *, check: bool = False) -> None:
    """A daemon that does not run will start with what its configuration says, and is left alone; so is one
    in its sandbox, and one that a keeper keeps, which tells it so itself, and against which tor would
    publish what it is armed with.
    """
    for daemon in daemons:
        told = not present.kept(daemon.name) and not daemon.sandboxed
        daemon.changed = told and daemon.do(lambda port, _pow: publishing.publishes(port)) is False
    held = [daemon for daemon in daemons if daemon.changed and not check]
    waiting = [daemon for daemon in held if daemon.do(publishing.disarm)]
    if waiting:
        time.sleep(publishing.SWALLOWED_SECONDS)
    for daemon in waiting:
        daemon.do(lambda port, _pow: publishing.allow(port))
