# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of the running publisher share."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import logging
import time
from collections.abc import Iterator
from typing import Any

from onionfleet_publisher import settings
from onionfleet_publisher.state import BackendState, Clock, ServiceState
from onionfleet_publisher.tor import Tor

log = logging.getLogger("onionfleet")


@dataclasses.dataclass
class Context:
    config: settings.Config
    engine: Any  # engine.Engine
    socks: str  # path of tor's SOCKS socket
    services: dict[str, ServiceState] = dataclasses.field(default_factory=dict)
    tor: Tor | None = None
    network: Any = None  # engine.Network, once there is one
    own_tor: bool = False  # our tor builds circuits
    suspended: bool = False  # our own Tor is suspected: nobody is evicted
    interval: float = 0.0  # seconds between two probes of one backend
    counters: dict[tuple[str, tuple[tuple[str, str], ...]], float] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(float)
    )
    started: float = dataclasses.field(default_factory=time.time)  # since the epoch, seconds
    wake: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    @staticmethod
    def clock() -> Clock:
        return Clock(time.monotonic(), time.time())

    @property
    def ready(self) -> bool:
        """Is there a tor with a live consensus?"""
        return self.tor is not None and self.tor.connected and self.network is not None and self.network.live

    def backends(self) -> Iterator[tuple[ServiceState, BackendState]]:
        return ((service, backend) for service in self.services.values() for backend in service.backends.values())

    def count(self, name: str, **labels: str) -> None:
        self.counters[name, tuple(labels.items())] += 1

    def status(self, version: str) -> dict[str, Any]:
        clock, probed = self.clock(), sum(backend.port is not None for _other, backend in self.backends())
        return {
            "onionbalance": version,
            "time": clock.wall,
            "started": self.started,
            "loaded": self.config.digest,
            "tor": {
                "connected": self.tor is not None and self.tor.connected,
                "consensus": self.ready,
                "circuits": self.own_tor,
            },
            "services": [service.status(clock) for service in self.services.values()],
            "probes": {
                "interval": round(self.interval, 1),
                "suspended": self.suspended,
                "per_minute": round(60 * probed / self.interval, 2) if self.interval else 0.0,
            },
        }
