# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of which visitors ask for pages all the time, while something is done to it.

Module Overview:

    VisitedFleet   three hosts that serve, two that publish, and one with the visitors' tors

Settings, from the environment:

    DAY_TWO_REQUESTS   how many requests are sent at least during each operation (50)
    DAY_TWO_FOLDER     where the operator's files are; hosts that FLEET_KEEP left are then taken up again
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import sys
import time

from onion_fleet import Hunt, fleet, needles, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

from laboratory import NETWORK, VISITORS, Laboratory, say

APPS, PUBLISHERS = ("app1", "app2", "app3"), ("pub1", "pub2")
REQUESTS = int(os.environ.get("DAY_TWO_REQUESTS", "50"))
TIMEOUT = 60  # of a request, in seconds
# tors of visitors, seconds between two requests of each, and whether they forget all about the service before each
ASKING = (((1, 2), 2, False), ((3, 4), 12, True))
QUICK = {"probe_interval": 5, "probe_timeout": 8}


class VisitedFleet(Laboratory):
    """On the network of the other tests."""

    def __init__(self, folder: pathlib.Path, network: dict) -> None:
        suites = dict(zip((*APPS, *PUBLISHERS), ("bookworm", "trixie", "bookworm", "trixie", "bookworm")))
        super().__init__(pathlib.Path(os.environ.get("DAY_TWO_FOLDER", folder)), suites, relays=0, voting_interval=0, visitors=4)
        del self.hosts[NETWORK]
        self.network = network

    def _build(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "options.yml").write_text(json.dumps(self.network))
        fleet("down", *self.hosts)
        for host in self.hosts.values():
            host.boot()
        (self.folder / "built").touch()

    def declare(self, *services: dict, **variables) -> None:
        self.operator.declare(*services, onion_probe_hosts=[VISITORS], onion_publisher=QUICK, **variables)

    def run(self, playbook: str, *arguments: str, **options):
        """Run a playbook, with short waits for whoever does not finish."""
        extra = {"handover_drain_timeout": 60, "verify_requests": 1, **options.pop("extra", {})}
        return self.operator.run(playbook, *arguments, extra=extra, **options)

    @contextlib.contextmanager
    def asked(self, service: str):
        """Ask for pages of a service during the block, and on until all have asked so often; then nothing has failed."""
        address = self.operator.address(service)
        with contextlib.ExitStack() as stack:
            crowds = [stack.enter_context(self.crowd(address, tors, every=every, fresh=fresh, timeout=TIMEOUT)) for tors, every, fresh in ASKING]
            yield
            wait_for(lambda: sum(len(crowd.results) for crowd in crowds) >= REQUESTS, "all have asked", 20 * REQUESTS)
        told = [each for crowd in crowds for each in crowd.results]
        failed = [each for each in told if not each["ok"]]
        say(f"{len(told)} requests, {sum(each['fresh'] for each in told)} of fresh visitors, {len(failed)} failed")
        for each in failed:
            say(f"began {time.strftime('%H:%M:%S', time.gmtime(each['at']))}, {'fresh ' if each['fresh'] else ''}visitor {each['visitor']}: {each['error']}")
        assert failed == []
        assert any(each["fresh"] for each in told)

    def daemons(self, *names: str) -> dict[str, list[str]]:
        """Host -> its daemons that run, but for the visitors' host."""
        return {name: sorted(self.hosts[name].daemons()) for name in names or (*APPS, *PUBLISHERS)}

    def keys(self, service: str) -> list[str]:
        """Hosts on whose disks the key of a service is found, in any form."""
        sought = needles(self.operator.secret(service), (self.operator.folder / "vault").read_text())
        hunts = {name: Hunt(self.hosts[name], sought, watch=["/run"], disks=["/"], spared=[]) for name in (*APPS, *PUBLISHERS)}
        return [name for name, hunt in hunts.items() if hunt.found()]

    def left(self) -> bool:
        return super().left() and "FLEET_KEEP" in os.environ
