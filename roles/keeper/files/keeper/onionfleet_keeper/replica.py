# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One replica: sees through its daemon, lets the decider decide, does it, and says so."""

from __future__ import annotations

import logging
import time
from typing import Any

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.publishing import SWALLOWED_SECONDS

from onionfleet_keeper import settings
from onionfleet_keeper.client import Reading
from onionfleet_keeper.daemon import Daemon
from onionfleet_keeper.decider import decide
from onionfleet_keeper.model import TOOK_OVER, TURN, Action, Look, Probe, State, View

log = logging.getLogger("onionfleet")


class Replica:
    def __init__(self, config: settings.Daemon, address: str) -> None:
        self.config = config
        self.daemon = Daemon(config.control, address, config.pow)
        self.state = State()
        self.publications = 0
        self.last: dict[str, dict[str, Any]] = {}  # what it did -> when and why, the last time
        self._said, self._disarmed = "", 0.0
        self._held: bool | None = None

    def turn(self, probe: Probe | None, reading: Reading | None, *, slow: float | None, targets: bool) -> bool:
        """See, decide and do; True: the decider wants the HSDirs read."""
        try:
            self.daemon.observe()
            self._say("")
        except (OnionfleetError, OSError) as error:
            self._say(f"its tor does not answer: {error}")
        view = self._view(probe, reading, slow, targets)
        self.state, action = decide(self.config.rules, self.state, view)
        self._do(action)
        self._tell_holder()
        return action.kind == "look"

    def _view(self, probe: Probe | None, reading: Reading | None, slow: float | None, targets: bool) -> View:
        daemon, look = self.daemon, None
        if reading is not None:
            own = daemon.made(reading.blinded_key, reading.signing_key)
            look = Look(reading.began, reading.answered, reading.period, reading.revision, own)
        return View(
            time.monotonic(),
            time.time(),
            daemon.ready,
            daemon.publishes,
            daemon.armed,
            targets,
            self.config.drained,
            uploaded=daemon.uploaded,
            probe=probe,
            slow=slow,
            look=look,
        )

    def _do(self, action: Action) -> None:
        if action.kind not in ("publish", "stand_by", "release"):
            return
        rules = self.config.rules
        try:
            if action.kind == "publish":
                self.daemon.publish()
                self.publications += 1
                self.last[action.done] = {"at": round(time.time()), "why": action.why}
                log.log(
                    logging.INFO if action.done == TURN else logging.WARNING,
                    "%s %s %s: %s",
                    rules.own,
                    action.done,
                    rules.service,
                    action.why,
                )
            elif action.kind == "stand_by":
                log.info("%s stands by: %s", self, action.why)
                self.daemon.stand_by()
            else:
                self._release(action.why)
        except OnionfleetError as error:
            log.error("%s: its tor did not do that: %s", self, error)
            self.daemon.close()

    def _release(self, why: str) -> None:
        """In two halves: the decider asks for it again until tor publishes by itself."""
        if self.daemon.armed:
            log.warning("%s: %s", self, why)
            self.daemon.disarm()
            self._disarmed = time.monotonic()
        elif time.monotonic() - self._disarmed > SWALLOWED_SECONDS:
            self.daemon.allow()

    def _tell_holder(self) -> None:
        if self.state.holds != self._held and self.state.looked is not None:
            if self._held is not None or self.state.holds:
                log.info("%s %s", self, "holds" if self.state.holds else "does not hold any more")
            self._held = self.state.holds

    def _say(self, text: str) -> None:
        """Once, until something else is to be said."""
        if text != self._said:
            log.warning("%s: %s", self, text or "its tor answers again")
            self._said = text

    def status(self) -> dict[str, Any]:
        state, now, wall = self.state, time.monotonic(), time.time()
        return {
            "name": self.config.rules.own,
            "daemon": self.config.name,
            "drained": self.config.drained,
            "holds": state.holds,
            "publishes": self.daemon.publishes,
            "armed": self.daemon.armed,
            "ready": self.daemon.ready,
            "failures": state.failures,
            "publications": self.publications,
            "published": [round(wall - now + at) for at in state.published],
            "revision_counter": state.revision,
            "changed": round(wall - now + state.changed) if state.changed is not None else None,
            "took_over": self.last.get(TOOK_OVER),
            "took_its_turn": self.last.get(TURN),
        }

    def __str__(self) -> str:
        rules = self.config.rules
        return f"{rules.service}: {rules.own}"
