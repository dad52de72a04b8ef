# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan of a large fleet costs on the controller, in seconds of its processor.

    tests/bench/plan.py [--output FILE] [--against CHECKOUT] [--largest INSTANCES]

From a declaration that has been read to the plan as roles take it; no host, no templates of variables. The quicker of
two plans counts. With --against, beside another checkout of the collection. Cases with more than so many instances are
left out, by default more than 100,000; a million takes 1 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from figures import table

COLLECTION = pathlib.Path(__file__).resolve().parents[2]
HOSTS = 1000
# services, hosts of each, how it is named and what else it says
CASES = (
    (100, 3, "hardmap", {}),
    (1000, 3, "hardmap", {}),
    (1000, 3, "softmap", {}),
    (1000, 3, "hardmap", {"keeper": True}),
    (10, HOSTS, "hardmap", {"keeper": True}),
    (100, HOSTS, "hardmap", {}),
    (100, HOSTS, "softmap", {}),
    (1000, HOSTS, "hardmap", {}),
)


def declared(services: int, each: int, layout: str, fields: dict, hosts: int = HOSTS) -> dict:
    """Arguments of a Declaration; services name their hosts one by one.

    :param each: on how many hosts a service runs. :param fields: what each says besides.
    """
    names = [f"host{number:04}" for number in range(hosts)]

    def service(number: int) -> dict:
        own = [names[(number * each + step) % hosts] for step in range(each)]
        where = {"replicas": own} if layout == "hardmap" else {"backends": own, "publishers": names[:2]}
        port = {"port": 80, "target": "127.0.0.1:8080"}
        return {"name": f"service{number:04}", "layout": layout, "ports": [port], **where, **fields}

    return {
        "services": [service(number) for number in range(services)],
        "groups": {"all": names, "ungrouped": names},
        "keys_required": False,
    }


def seconds(case: tuple[int, int, str, dict]) -> float:
    from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan

    def once() -> float:
        declaration = Declaration(**declared(*case))
        began = time.process_time()
        make_plan(declaration).as_dict()
        return time.process_time() - began

    return min(once() for _time in range(2))


def measure(checkout: pathlib.Path, largest: int) -> list[float]:
    """The seconds of each case, by the code of a checkout, in a process of its own for each."""
    with tempfile.TemporaryDirectory() as folder:
        link = pathlib.Path(folder) / "ansible_collections/onionfleet/balance"
        link.parent.mkdir(parents=True)
        link.symlink_to(checkout.resolve())
        return [
            float(
                subprocess.run(
                    [sys.executable, __file__, "--case", json.dumps(case)],
                    env={**os.environ, "PYTHONPATH": folder},
                    stdout=subprocess.PIPE,
                    check=True,
                ).stdout
            )
            for case in CASES
            if case[0] * case[1] <= largest
        ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--against", type=pathlib.Path)
    parser.add_argument("--largest", type=int, default=100_000)
    parser.add_argument("--case", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        sys.stdout.write(f"{seconds(options.case)}\n")
        return
    columns = {"s": measure(COLLECTION, options.largest)}
    if options.against:
        columns["s, the other checkout"] = measure(options.against, options.largest)
    rows = [
        [f"{layout}, with keepers" if fields else layout, f"{services:,}", f"{each:,}", f"{services * each:,}",
         *(f"{found[number]:.2f}" for found in columns.values())]
        for number, (services, each, layout, fields) in enumerate(CASES[: len(columns["s"])])
    ]
    result = table([f"{HOSTS:,} hosts, layout", "services", "hosts of each", "instances", *columns], rows)
    sys.stdout.write(f"{result}\n")
    if options.output:
        options.output.write_text(result + "\n")


if __name__ == "__main__":
    main()
