# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, reloading, restarting and stopping one daemon, and waiting until it serves."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import present, record
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations, systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import publishing
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlPort, ControlUnreachable

RELOAD_TIMEOUT = 60.0


class Waiting:
    """Follows a daemon over its control port from before it publishes, so that no upload goes unseen.

    One that is told to publish nothing, as by its keeper, serves with its introduction points. A keeper says so when it
    has reached a tor that starts, and may take it back, so that tor is asked again and again.

    :param addresses: of the services whose descriptors are waited for.
    """

    def __init__(self, name: str, addresses: t.Iterable[str], deadline: float) -> None:
        self.name, self.deadline = name, deadline
        self.unpublished = {address[:-len(".onion")] for address in addresses}
        self.held_back = False
        self.missing: t.List[str] = []
        self.phase = "no answer yet"

    def until_serving(self) -> None:
        """:raises OnionfleetError: the deadline passed, or tor went away; says what was waited for."""
        with self._connected() as control:
            control.subscribe("HS_DESC", "STATUS_CLIENT")
            self.unpublished -= {label for label in self.unpublished if present.revision(control, label + ".onion")}
            while not self._serves(control):
                if time.monotonic() >= self.deadline:
                    raise OnionfleetError(self._complaint())
                self._take(control.next_event(min(2.0, max(0.0, self.deadline - time.monotonic()))))

    def _serves(self, control: ControlPort) -> bool:
        self.phase = control.getinfo("status/bootstrap-phase")
        self.held_back = not publishing.publishes(control)
        circuits = control.getinfo("circuit-status") if self.held_back else ""
        self.missing = sorted(
            label for label in self.unpublished if not publishing.introduction_circuits(circuits, label)
        )
        return self._bootstrapped and not self.missing

    @property
    def _bootstrapped(self) -> bool:
        return "TAG=done" in self.phase.split()

    def _connected(self) -> ControlPort:
        while True:
            try:
                return ControlPort(locations.control_socket(self.name))
            except ControlUnreachable:
                if time.monotonic() >= self.deadline:
                    raise
                time.sleep(0.2)

    def _take(self, event: t.Optional[str]) -> None:
        words = (event or "").split()
        if words[:2] == ["HS_DESC", "UPLOADED"]:
            self.unpublished.discard(words[2])

    def _complaint(self) -> str:
        waited = [f"bootstrapping (tor says: {self.phase})"] * (not self._bootstrapped)
        for label in self.missing:
            waited.append(
                f"introduction points of {label}.onion, which is told to publish nothing"
                if self.held_back
                else f"a relay to take the descriptor of {label}.onion"
            )
        return f"in the time given it waited in vain for {' and '.join(waited)}"


def perform(name: str, action: str) -> None:
    """Do it, wait until systemd calls the daemon active, and keep a record of what it loaded.

    :raises OnionfleetError: it failed, with tor's own last words.
    """
    unit = f"tor@{name}.service"
    if action == "stop":
        systemd.run("systemctl", "disable", "--now", "--quiet", unit, timeout=120)
        record.forget(name)
        return
    before = present.present(name)
    try:
        if action != "reload" or not _reload(name):
            systemd.run("systemctl", "restart" if action == "reload" else action, unit, timeout=400)
    except OnionfleetError as error:
        raise OnionfleetError(f"daemon '{name}': {action}: {error}; its log: {systemd.last_log(name)}") from None
    state = systemd.units([name])[name]
    if not state.active:
        raise OnionfleetError(f"daemon '{name}': it ended after {action}; its log: {systemd.last_log(name)}")
    record.write(name, state, before.state)


def _reload(name: str) -> bool:
    """Reload and wait until tor has done it; False where tor does not answer any more, and only a restart helps."""
    try:
        with ControlPort(locations.control_socket(name)) as control:
            control.subscribe("SIGNAL")  # tor tells of a signal when it has acted on it
            systemd.run("systemctl", "reload", f"tor@{name}.service", timeout=30)
            deadline = time.monotonic() + RELOAD_TIMEOUT
            while time.monotonic() < deadline:
                if (control.next_event(deadline - time.monotonic()) or "").startswith("SIGNAL RELOAD"):
                    return True
    except ControlUnreachable:
        return False
    raise OnionfleetError(f"tor did not finish reading its configuration in {RELOAD_TIMEOUT:g} s")


def serve(name: str, deadline: float) -> None:
    """Wait until a daemon has bootstrapped and relays hold the descriptors of its services.

    :param deadline: of time.monotonic(). :raises OnionfleetError: it did not, or its tor went away; with its log.
    """
    try:
        Waiting(name, _addresses(name, deadline), deadline).until_serving()
    except OnionfleetError as error:
        raise OnionfleetError(f"daemon '{name}': {error}; its log: {systemd.last_log(name)}") from None


def _addresses(name: str, deadline: float) -> t.List[str]:
    """Of all services; tor makes a missing key when it starts."""
    state = present.present(name).state
    while True:
        found = present.addresses(state)
        if len(found) == len(state.services) or time.monotonic() >= deadline:
            return sorted(found.values())
        time.sleep(0.2)
