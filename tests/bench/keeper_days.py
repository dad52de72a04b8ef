#!/usr/bin/env python3
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of days of hardmaps with keepers and faults, simulated: `tests/bench/keeper_days.py --seeds 3000`.

Prints what breaks a promise, and a summary; the exit status is 1 if anything did.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "roles" / "keeper" / "files" / "keeper"), str(ROOT / "tests" / "unit" / "keeper")]

from simulation import DAY, World, random_day  # noqa: E402

PROMISE, BOUND = 60.0, 6
FLEETS = (2, 3, 5, 8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    broken, outages, busiest, shares = 0, [], 0, []
    for seed in range(options.first, options.first + options.seeds):
        replicas, calm, pow = FLEETS[seed % len(FLEETS)], seed // len(FLEETS) % 8 == 0, seed // len(FLEETS) % 4 == 3
        report = World(replicas, [] if calm else random_day(seed, replicas), seed=seed, pow=pow).run()
        share = max(report.held.values()) / DAY * replicas
        outages += [seconds for _at, seconds in report.outages if seconds > 5]
        busiest = max(busiest, report.busiest_hour())
        shares += [share] if calm else []
        if report.worst_outage() > PROMISE or report.busiest_hour() > BOUND or (calm and share > 1.1):
            broken += 1
            _say(f"seed {seed}: {replicas} replicas: worst outage {report.worst_outage():.0f} s, {report.busiest_hour()} publications"
                 f" in an hour, largest share {share:.3f}/N")
    _say(f"{options.seeds} days, {broken} broken; outages over 5 s: {len(outages)}, median {statistics.median(outages or [0]):.0f} s,"
         f" longest {max(outages, default=0):.0f} s; at most {busiest} publications of one replica in an hour;"
         f" largest share of days without faults {max(shares, default=0):.3f}/N")
    return bool(broken)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
