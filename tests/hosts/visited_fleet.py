# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of which visitors ask for pages all the time, while something is done to it.

Module Overview:

    VisitedFleet   hosts that serve or publish, and one with the visitors' tors
    Tally          what came of visitors' requests

Settings, from the environment; tests/bench/day_two.py sets them:

    DAY_TWO_REQUESTS   how many pages are asked for at least during each operation (50)
    DAY_TWO_FIGURES    a file to which each operation adds a line of JSON; beside it, as long without an operation
    DAY_TWO_FOLDER     where the operator's files are; hosts that FLEET_KEEP left are then taken up again
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import os
import pathlib
import sys
import time

from onion_fleet import Hunt, fleet, needles, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

from laboratory import NETWORK, VISITORS, Crowd, Laboratory, say

APPS, PUBLISHERS = ("app1", "app2", "app3"), ("pub1", "pub2")
SUITES = dict(zip((*APPS, *PUBLISHERS), ("bookworm", "trixie", "bookworm", "trixie", "bookworm")))
REQUESTS = int(os.environ.get("DAY_TWO_REQUESTS", "50"))
SERVICES = 2  # at most
PAGES = {"tors": 2, "every": 0.5, "fresh": False, "timeout": 60}
NEWCOMERS = {"tors": 2, "every": 12, "fresh": True, "timeout": 60}  # they forget the service before each request
DOWNLOADS = {"tors": 1, "every": 10, "fresh": False, "timeout": 120, "path": "/bytes/1000000/25"}
VISITS = (PAGES, NEWCOMERS, DOWNLOADS)
# What is lost by itself, of each service: so many, or so large a share. When the time period changes, every eight
# minutes on the tests' network, tor refuses whoever has an introduction circuit of the old descriptor and has not used
# it yet.
LOST_PAGES, LOST_DOWNLOADS = (2, 0.005), (1, 0.0)
QUICK = {"probe_interval": 5, "probe_timeout": 8}


class Tally:
    """The requests of crowds to services, of which the third is the downloads."""

    def __init__(self, crowds: dict[str, list[Crowd]]) -> None:
        self._crowds, self._began, self.seconds = crowds, time.monotonic(), 0.0

    def enough(self) -> bool:
        return all(sum(len(crowd.results) for crowd in crowds[:2]) >= REQUESTS for crowds in self._crowds.values())

    def few_failed(self) -> bool:
        """No more than the network may have lost by itself."""
        return all(
            _few(crowds[:2], *LOST_PAGES) and _few(crowds[2:], *LOST_DOWNLOADS) for crowds in self._crowds.values()
        )

    def lasts(self, seconds: float) -> bool:
        return time.monotonic() - self._began >= seconds

    def end(self) -> None:
        self.seconds = time.monotonic() - self._began

    def failed(self) -> list[str]:
        return [
            f"{service}, {time.strftime('%H:%M:%S', time.gmtime(each['at']))}, "
            f"{'fresh ' * each['fresh']}visitor {each['visitor']}, "
            f"after {each['seconds']:.0f} s: {each['error']}"
            for service, crowds in self._crowds.items()
            for crowd in crowds
            for each in crowd.results
            if not each["ok"]
        ]

    def figures(self) -> dict[str, int]:
        count: collections.Counter[str] = collections.Counter()
        for crowds in self._crowds.values():
            for name, crowd in zip(("pages", "newcomers", "downloads"), crowds):
                count[name] += len(crowd.results)
                count[f"{name}_failed"] += sum(not each["ok"] for each in crowd.results)
        return {**count, "seconds": round(self.seconds)}


def _few(crowds: list[Crowd], count: int, share: float) -> bool:
    told = [each["ok"] for crowd in crowds for each in crowd.results]
    return told.count(False) <= max(count, share * len(told))


class VisitedFleet(Laboratory):
    """On the network of the other tests. `names`: of its hosts."""

    def __init__(self, folder: pathlib.Path, network: dict, names: tuple[str, ...] = (*APPS, *PUBLISHERS)) -> None:
        tors, suites = SERVICES * sum(visit["tors"] for visit in VISITS), {name: SUITES[name] for name in names}
        super().__init__(
            pathlib.Path(os.environ.get("DAY_TWO_FOLDER", folder)), suites, relays=0, voting_interval=0, visitors=tors
        )
        del self.hosts[NETWORK]
        self.network = network

    def _build(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "options.yml").write_text(json.dumps(self.network))
        fleet("down", *self.hosts)
        for host in self.hosts.values():
            host.boot()
            host.sh(
                "mkdir -p /etc/systemd/system/multi-user.target.wants; "
                "ln -s ../pages.service /etc/systemd/system/multi-user.target.wants/"
            )
        (self.folder / "built").touch()

    def declare(self, *services: dict, **variables) -> None:
        self.operator.declare(*services, onion_probe_hosts=[VISITORS], onion_publisher=QUICK, **variables)

    def run(self, playbook: str, *arguments: str, **options):
        """Run a playbook, with short waits for whoever does not finish."""
        extra = {"handover_drain_timeout": 60, "verify_requests": 1, **options.pop("extra", {})}
        return self.operator.run(playbook, *arguments, extra=extra, **options)

    @contextlib.contextmanager
    def asked(self, *services: str, control: bool = True):
        """Ask services for pages and downloads during the block, and on until enough have asked; hardly any failed.

        How many did exactly is what the benchmark is for; with `control`, also without the operation.
        """
        with self._visited(services) as tally:
            yield
            wait_for(tally.enough, "enough have asked", 20 * REQUESTS)
        say("\n".join([str(tally.figures()), *tally.failed()]))
        if "DAY_TWO_FIGURES" in os.environ:
            row = {
                "operation": os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].rpartition(" (")[0],
                "during": tally.figures(),
            }
            if control:
                row["without"] = self._undisturbed(services, tally.seconds)
            with open(os.environ["DAY_TWO_FIGURES"], "a", encoding="utf-8") as lines:
                lines.write(json.dumps(row) + "\n")
        assert tally.few_failed(), tally.failed()
        assert all(tally.figures()[kind] for kind in ("pages", "newcomers", "downloads"))

    def _undisturbed(self, services: tuple[str, ...], seconds: float) -> dict[str, int]:
        with self._visited(services) as tally:
            wait_for(lambda: tally.lasts(seconds), "as long without the operation", 2 * seconds)
        say(f"without the operation: {tally.figures()} {tally.failed()}")
        return tally.figures()

    @contextlib.contextmanager
    def _visited(self, services: tuple[str, ...]):
        tors = iter(self.visitors)
        with contextlib.ExitStack() as stack:
            tally = Tally(
                {
                    service: [
                        stack.enter_context(
                            self.crowd(
                                self.operator.address(service),
                                list(itertools.islice(tors, visit["tors"])),
                                **{key: value for key, value in visit.items() if key != "tors"},
                            )
                        )
                        for visit in VISITS
                    ]
                    for service in services
                }
            )
            yield tally
            tally.end()

    def daemons(self, *names: str) -> dict[str, list[str]]:
        """Host -> its daemons that run, but for the visitors' host."""
        return {name: sorted(self.hosts[name].daemons()) for name in names or self._serving()}

    def keys(self, service: str) -> list[str]:
        """Hosts on whose disks the key of a service is found, in any form."""
        sought = needles(self.operator.secret(service), (self.operator.folder / "vault").read_text())
        hunts = {
            name: Hunt(self.hosts[name], sought, watch=["/run"], disks=["/"], spared=[]) for name in self._serving()
        }
        return [name for name, hunt in hunts.items() if hunt.found()]

    def _serving(self) -> list[str]:
        return [name for name in self.hosts if name != VISITORS]

    def left(self) -> bool:
        return super().left() and "FLEET_KEEP" in os.environ
