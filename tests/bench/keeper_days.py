# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of days of hardmaps with keepers and faults, simulated: `python3 tests/bench/keeper_days.py --seeds 3000`.

Prints what breaks a promise, and a summary; the exit status is 1 if anything did. It may be interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "roles" / "keeper" / "files" / "keeper"), str(ROOT / "tests" / "unit" / "keeper")]

from simulation import DAY, Fault, World, random_day  # noqa: E402

PROMISE, BOUND, SHARE = 60.0, 6, 1.1
INTERVAL = 1800.0
NOTICED = 5.0  # seconds of an outage that count
FLEETS = (2, 3, 5, 8)
TELL = 100  # days between two lines of progress


class Days:
    """What came of the days so far."""

    def __init__(self) -> None:
        self.count, self.broken, self.busiest = 0, 0, 0
        self.outages: list[float] = []
        self.shares: list[
            float
        ] = []  # largest ones of days on which the same replicas are healthy all day, in N-ths of those

    def play(self, seed: int) -> None:
        replicas, kind, pow = FLEETS[seed % len(FLEETS)], seed // len(FLEETS) % 8, seed // len(FLEETS) % 4 == 3
        calm, missing = kind in (0, 4), self._missing(seed, replicas) if kind == 4 else []
        world = World(replicas, missing if calm else random_day(seed, replicas), seed=seed, pow=pow)
        # shares are those of whole rotations after the first, or a day's odd turns would count
        healthy = replicas - len(missing)
        rotation = healthy * INTERVAL
        world.run(2 * rotation)
        world.report.held.clear()
        report = world.run(2 * rotation + DAY // rotation * rotation)
        share = max(report.held.values()) / sum(report.held.values()) * healthy
        self.count += 1
        self.outages += [seconds for _at, seconds in report.outages if seconds > NOTICED]
        self.busiest = max(self.busiest, report.busiest_hour())
        self.shares += [share] if calm else []
        if report.worst_outage() > PROMISE or report.busiest_hour() > BOUND or (calm and share > SHARE):
            self.broken += 1
            _say(
                f"seed {seed}: {replicas} replicas: worst outage {report.worst_outage():.0f} s,"
                f" {report.busiest_hour()} publications in an hour, largest share {share:.3f}/N"
            )

    @staticmethod
    def _missing(seed: int, replicas: int) -> list[Fault]:
        """Some that are down all day; at least two are left where there are as many."""
        count = seed // 32 % max(replicas - 1, 1)
        return [Fault(1.0, (seed + number) % replicas, "kill", 10 * DAY) for number in range(count)]

    def tell(self) -> None:
        _say(
            f"{self.count} days, {self.broken} broken; outages over {NOTICED:.0f} s: {len(self.outages)},"
            f" median {statistics.median(self.outages or [0]):.0f} s, longest {max(self.outages, default=0):.0f} s;"
            f" at most {self.busiest} publications of one replica in an hour;"
            f" largest share of {len(self.shares)} days on which the same replicas are healthy"
            f" {max(self.shares, default=0):.3f}/N"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    days = Days()
    with contextlib.suppress(KeyboardInterrupt):
        for seed in range(options.first, options.first + options.seeds):
            days.play(seed)
            if days.count % TELL == 0:
                days.tell()
    days.tell()
    return bool(days.broken)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
