# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service: asks for it through Tor, reads its HSDirs, checks its targets, each in its own time; and lets its replicas know."""

from __future__ import annotations

import base64
import concurrent.futures
import logging
import pathlib
import time
from typing import Any

from ansible_collections.onionfleet.balance.plugins.module_utils._descriptor import client_key
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError

from onionfleet_keeper import pacing, settings, targets
from onionfleet_keeper.client import Client, Reading
from onionfleet_keeper.model import Probe
from onionfleet_keeper.replica import Replica

log = logging.getLogger("onionfleet")
LOOK_PAUSE = 2.0  # seconds from one reading's begin to the next one's
AUTHORIZE_SECONDS = 30.0  # how often the client is given its credential: it may have been restarted


class Watch:
    def __init__(self, config: settings.Service, client: Client, pool: concurrent.futures.Executor) -> None:
        self.config, self._client, self._pool = config, client, pool
        self.replicas = [Replica(daemon, config.address) for daemon in config.daemons]
        self.probe: Probe | None = None
        self.reading: Reading | None = None
        self.targets = True
        self.probes = {"answered": 0, "failed": 0}
        self._probed: float | None = None
        self._probing: dict[concurrent.futures.Future[Probe], float] = {}  # and when it began
        self._looking: concurrent.futures.Future[Reading] | None = None
        self._checking: concurrent.futures.Future[bool] | None = None
        self._looked = self._checked = self._authorized = float("-inf")

    def turn(self) -> None:
        """What is due now."""
        now = time.monotonic()
        self._authorize(now)
        self._check_targets(now)
        self._receive_reading()
        for future in [one for one in self._probing if one.done()]:
            del self._probing[future]
            self.probe = future.result()
            self.probes["answered" if self.probe.answered else "failed"] += 1
            self._tell(now)
        self._tell(now)
        doubt = self.probe is not None and not self.probe.answered
        if pacing.probe_due(self.config.probe.interval, now, self._probed, doubt=doubt, under_way=len(self._probing)):
            self._probed = now
            self._probing[self._pool.submit(self._client.probe, self.config.address, self.config.probe)] = now

    def _tell(self, now: float) -> None:
        slow = pacing.slow(now, self._probing.values())
        wanted = [one.turn(self.probe, self.reading, slow=slow, targets=self.targets, drained=self.config.drained) for one in self.replicas]
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
                log.warning("%s: its targets on this host %s", self.config.name, "answer again" if answer else "do not answer")
            self.targets = answer
        if self._checking is None and now - self._checked > pacing.TARGETS_SECONDS:
            self._checked = now
            self._checking = self._pool.submit(targets.answer, self.config.targets)

    def _authorize(self, now: float) -> None:
        if self.config.credential is None or now - self._authorized < AUTHORIZE_SECONDS:
            return
        self._authorized = now
        try:
            key = client_key(pathlib.Path(self.config.credential).read_text().strip().rpartition(":")[2])
            self._client.authorize(self.config.address, base64.b64encode(key).decode())
        except (OSError, OnionfleetError) as error:
            log.warning("%s: the client has no credential: %s", self.config.name, error)

    def status(self) -> dict[str, Any]:
        return {
            "name": self.config.name, "address": self.config.address, "targets": self.targets, "drained": self.config.drained,
            "answers": self.probe.answered if self.probe else None, "why": self.probe.why if self.probe else "", "probes": dict(self.probes),
            "hsdirs_answer": self.reading.answered if self.reading else None, "replicas": [one.status() for one in self.replicas]}
