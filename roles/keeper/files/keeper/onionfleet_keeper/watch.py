# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service: asks through Tor, reads its HSDirs, checks its targets, each in its own time; and tells its replicas."""

from __future__ import annotations

import concurrent.futures
import json
import logging
import pathlib
import time
from typing import Any

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

from onionfleet_keeper import pacing, settings, targets
from onionfleet_keeper.client import Client, Reading
from onionfleet_keeper.model import Probe
from onionfleet_keeper.replica import Replica

log = logging.getLogger("onionfleet")
LOOK_PAUSE = 2.0  # seconds from one reading's begin to the next one's


class Watch:
    def __init__(self, config: settings.Service, client: Client, pool: concurrent.futures.Executor) -> None:
        self.config, self._client, self._pool = config, client, pool
        self.replicas = [Replica(daemon, config.address) for daemon in config.daemons]
        self.probe: Probe | None = None
        self.reading: Reading | None = None
        self.targets = True
        self.probes = {"answered": 0, "failed": 0}
        self._probed: float | None = None
        self._probing: dict[concurrent.futures.Future[Probe | None], float] = {}  # and when it began
        self._locked_out = ""
        self._looking: concurrent.futures.Future[Reading] | None = None
        self._checking: concurrent.futures.Future[bool] | None = None
        self._looked = self._checked = float("-inf")

    def turn(self) -> None:
        """What is due now."""
        now = time.monotonic()
        self._check_targets(now)
        self._receive_reading()
        for future in [one for one in self._probing if one.done()]:
            del self._probing[future]
            probe = future.result()
            if probe is None:
                continue
            self.probe = probe
            self.probes["answered" if self.probe.answered else "failed"] += 1
            self._tell(now)
        self._tell(now)
        doubt = self.probe is not None and not self.probe.answered
        if pacing.probe_due(self.config.probe.interval, now, self._probed, doubt=doubt, under_way=len(self._probing)):
            self._probed = now
            self._probing[self._pool.submit(self._ask)] = now

    def _tell(self, now: float) -> None:
        slow = pacing.slow(now, self._probing.values())
        wanted = [one.turn(self.probe, self.reading, slow=slow, targets=self.targets) for one in self.replicas]
        if any(wanted) and self._looking is None and now - self._looked > LOOK_PAUSE:
            self._looked = now
            self._looking = self._pool.submit(self._client.look, self.config.address)

    def _receive_reading(self) -> None:
        if self._looking is not None and self._looking.done():
            self.reading, self._looking = self._looking.result(), None

    def _check_targets(self, now: float) -> None:
        if self._checking is not None and self._checking.done():
            answer, self._checking = self._checking.result(), None
            if answer != self.targets:
                log.warning(
                    "%s: its targets on this host %s", self.config.name, "answer again" if answer else "do not answer"
                )
            self.targets = answer
        if self._checking is None and now - self._checked > pacing.TARGETS_SECONDS:
            self._checked = now
            self._checking = self._pool.submit(targets.answer, self.config.targets)

    def _ask(self) -> Probe | None:
        """None where we have no key for it: that says nothing of the service."""
        fault = self._authorize() if self.config.credentials else ""
        if fault != self._locked_out:
            log.warning(
                "%s: %s", self.config.name, f"cannot ask for it: {fault}" if fault else "can be asked for again"
            )
            self._locked_out = fault
        return None if fault else self._client.probe(self.config.address, self.config.probe)

    def _authorize(self) -> str:
        """Give the client its key each time, since it may have been restarted; returns what is wrong."""
        try:
            keys = json.loads(pathlib.Path(self.config.credentials or "").read_text())
            self._client.authorize(self.config.address, keys[self.config.address])
        except LookupError:
            return f"{self.config.credentials} has no key for {self.config.address}"
        except (OSError, ValueError, TypeError, OnionfleetError) as error:
            return str(error)
        return ""

    def status(self) -> dict[str, Any]:
        return {
            "name": self.config.name,
            "address": self.config.address,
            "targets": self.targets,
            "answers": self.probe.answered if self.probe else None,
            "why": self._locked_out or (self.probe.why if self.probe else ""),
            "probes": dict(self.probes),
            "hsdirs_answer": self.reading.answered if self.reading else None,
            "replicas": [one.status() for one in self.replicas],
        }
