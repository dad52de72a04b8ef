# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What visitors notice of changes of a running fleet: the tests of day two with more requests, each but those of killed
runs beside as long without it.

    tests/bench/day_two.py --figures day-two.jsonl [--requests 500] [--tests switch,scale,roll]
                           [-- ARGUMENT OF PYTEST ...]

Boots the hosts of these tests (tests/hosts) and needs what they need: the collection where ANSIBLE_COLLECTIONS_PATH
says, pytest, ansible-core. Their network is another one, whose time periods last two hours and not eight minutes: when
one begins, tor refuses whoever has an introduction circuit of the old descriptor and has not used it yet.
FLEET_NETWORK, the file of a network's options, takes that network. Takes about four hours. The table is of all that is
in the file, which each operation adds to; of an operation that is there more than once, the last counts, and variants
of one are summed up. --requests 0 only prints it.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from figures import table, upper_bound
from laboratory import NETWORK, Laboratory, fleet

RELAYS, VOTING_INTERVAL = 12, 300
HOSTS = pathlib.Path(__file__).resolve().parents[1] / "hosts"


def report(figures: pathlib.Path) -> str:
    rows = {row["operation"]: row for row in map(json.loads, figures.read_text().splitlines())}
    variants: dict[str, list[dict]] = {}
    for name, row in rows.items():
        variants.setdefault(name.partition("[")[0].removeprefix("test_").replace("_", " "), []).append(row)
    header = [
        "operation",
        "pages",
        "of these, newcomers",
        "failed",
        "at most, with 95 % confidence",
        "downloads",
        "broken",
        "seconds",
        "without it: pages",
        "failed",
        "downloads",
        "broken",
    ]
    return table(
        header,
        [
            [
                name + f" ({len(several)} times)" * (len(several) > 1),
                *during(summed(several, "during")),
                *without(summed(several, "without")),
            ]
            for name, several in variants.items()
        ],
    )


def summed(rows: list[dict], which: str) -> collections.Counter[str]:
    return sum((collections.Counter(row.get(which)) for row in rows), collections.Counter())


def during(counted: dict[str, int]) -> list[object]:
    requests, failed = _pages(counted)
    return [
        requests,
        counted["newcomers"],
        failed,
        f"{100 * upper_bound(failed, requests):.2g} %",
        counted["downloads"],
        counted["downloads_failed"],
        counted["seconds"],
    ]


def without(counted: dict[str, int]) -> list[object]:
    return ["-"] * 4 if not counted else [*_pages(counted), counted["downloads"], counted["downloads_failed"]]


def _pages(counted: dict[str, int]) -> tuple[int, int]:
    return counted["pages"] + counted["newcomers"], counted["pages_failed"] + counted["newcomers_failed"]


@contextlib.contextmanager
def network():
    """The file of its options."""
    if "FLEET_NETWORK" in os.environ:
        yield os.environ["FLEET_NETWORK"]
        return
    with tempfile.TemporaryDirectory(prefix="onionbench") as folder:
        laboratory = Laboratory(pathlib.Path(folder), {}, relays=RELAYS, voting_interval=VOTING_INTERVAL, visitors=0)
        try:
            laboratory.build_network()
            yield str(laboratory.folder / "options.yml")
        finally:
            fleet("down", NETWORK)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--figures", type=pathlib.Path, required=True, help="a file with a line of JSON for each operation"
    )
    parser.add_argument("--requests", type=int, default=500, help="pages asked for at least during each operation")
    parser.add_argument("--tests", type=lambda text: text.split(","), default=["switch", "scale", "roll"])
    parser.add_argument("rest", nargs="*")
    chosen = parser.parse_args()
    code = 0
    if chosen.requests:
        files = [str(HOSTS / f"test_{name}.py") for name in chosen.tests]
        command = [sys.executable, "-m", "pytest", "-v", "-m", "long or not long", *files, *chosen.rest]
        with network() as options:
            settings = {
                "DAY_TWO_REQUESTS": str(chosen.requests),
                "DAY_TWO_FIGURES": str(chosen.figures.resolve()),
                "FLEET_NETWORK": options,
            }
            code = subprocess.run(command, env={**os.environ, **settings}, check=False).returncode
    if chosen.figures.exists():
        sys.stdout.write(report(chosen.figures) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
