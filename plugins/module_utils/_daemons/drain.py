# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has tor daemons of this host take no new visitors, and waits until those that they have are gone.

Visitors keep a descriptor for hours. So the introduction circuits that it leads to are closed as often as tor
builds them anew, until it gives these introduction points up (tor tries each three times more): a visitor who
tries one is told so by the relay, and asks for a newer descriptor within the same request. Rendezvous circuits,
and what runs through them, go on.
"""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations, streams, systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlError, ControlPort

TURN_SECONDS = 0.5
TURN_AWAY_SECONDS = 60.0  # at most, for tor to give its introduction points up
_INTRODUCTION = re.compile(r"^(\d+) BUILT (?:\S+,)?\$(\w{40})\S* .*PURPOSE=HS_SERVICE_INTRO ", re.MULTILINE)
# to whom is not known before it is built
_COMING = re.compile(r"^\d+ (?!BUILT|CLOSED|FAILED)\w+ .*PURPOSE=HS_SERVICE_INTRO ", re.MULTILINE)
# a visitor was introduced, and is being connected to
_MEETING = re.compile(r"HS_STATE=HSSR_CONNECTING")


class Daemon:
    """``streams``: how many it carried when it was last looked at; ``error``: why nobody can tell any more."""

    def __init__(self, name: str, pid: int) -> None:
        self.name, self._pid = name, pid
        self.streams, self.error = 0, "" if pid else "it does not run"
        self._port: t.Optional[ControlPort] = None
        self._points: t.Optional[t.FrozenSet[str]] = None
        self._began = self._busy = time.monotonic()
        self._met = False

    def look(self) -> None:
        if self.error:
            return
        try:
            if self._port is None:
                self._port = ControlPort(locations.control_socket(self.name))
                self._targets = streams.targets(self._port.getconf("HiddenServiceOptions"))
            circuits = self._port.getinfo("circuit-status")
            turned_away = self._turn_away(self._port, circuits)
            self.streams = streams.count(self._pid, self._targets)
        except (OnionfleetError, FileNotFoundError) as error:
            self.error, self.streams = str(error), 0
            return
        self._met = bool(_MEETING.search(circuits)) or not turned_away
        if self.streams or self._met:
            self._busy = time.monotonic()

    def _turn_away(self, port: ControlPort, circuits: str) -> bool:
        """Visitors may know the present points, not those that tor chooses instead. Are all present ones given up?"""
        found = _INTRODUCTION.findall(circuits)
        if self._points is None:
            self._points = frozenset(relay for _number, relay in found)
        for number, relay in found:
            if relay in self._points:
                try:
                    port.command(f"CLOSECIRCUIT {number}")
                except ControlError:  # it closed by itself
                    pass
        known = any(relay in self._points for _number, relay in found)
        return not (known or _COMING.search(circuits)) or time.monotonic() - self._began > TURN_AWAY_SECONDS

    def drained(self, quiet: float) -> bool:
        """Without a stream for so many seconds?"""
        return bool(self.error) or not (self.streams or self._met) and time.monotonic() - self._busy >= quiet

    def close(self) -> None:
        if self._port is not None:
            self._port.close()


def running(names: t.Sequence[str]) -> t.List[Daemon]:
    """:raises OnionfleetError: systemd does not answer."""
    return [Daemon(name, pid) for name, pid in systemd.processes(names).items()]


def drain(daemons: t.Sequence[Daemon], *, timeout: float, quiet: float) -> None:
    """Until no daemon has carried a stream for so many seconds, or the time is over."""
    deadline = time.monotonic() + timeout
    while True:
        for daemon in daemons:
            daemon.look()
        if time.monotonic() >= deadline or all(daemon.drained(quiet) for daemon in daemons):
            break
        time.sleep(TURN_SECONDS)
    for daemon in daemons:
        daemon.close()
