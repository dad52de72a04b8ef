# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a publisher of many services costs: ours beside stock Onionbalance.

    tests/bench/publisher.py --wheel FILE [--services 50] [--backends 10] [--relays 7000] [--start 180]
                             [--seconds 960] [--output FILE]

Each gets a tor of its own that is not one: a control port with the consensus of a network of many relays and with
signed descriptors of all backends, and a SOCKS port at which all of them answer. Nothing leaves the machine. Both run
with production timers and at the same time; what happens in the first seconds (--start) is told apart. Needs the
packages of tests/requirements-unit.txt; FILE is Onionbalance's wheel.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/unit"), str(ROOT / "tests/unit/publisher")]

from fake_tor import Backend, FakeTor, Network, tor_key  # noqa: E402
from installed_program import install  # noqa: E402


@dataclasses.dataclass
class Run:
    name: str
    tor: FakeTor
    process: subprocess.Popen[bytes]
    began: float
    at_start: float = 0.0  # CPU seconds

    def cpu(self) -> float:
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """MB, resident."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def published(self, services: int) -> float:
        """Seconds until every service had uploaded both descriptors."""
        times = [at for at, _first, _second in self.tor.uploads]
        return times[2 * services - 1] - self.began if len(times) >= 2 * services else float("nan")


def main() -> None:
    chosen = _arguments()
    with tempfile.TemporaryDirectory(prefix="onionbench-") as folder:
        runs = _start(chosen, pathlib.Path(folder))
        try:
            _wait(runs, chosen.start)
            for run in runs:
                run.at_start = run.cpu()
            _wait(runs, chosen.seconds - chosen.start)
            text = _table(chosen, runs, _status(pathlib.Path(folder) / "ours" / "status.sock"))
        finally:
            for run in runs:
                run.process.kill()
                run.tor.stop()
    sys.stdout.write(text)
    if chosen.output:
        chosen.output.write_text(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a publisher of many services costs.")
    parser.add_argument("--wheel", type=pathlib.Path, required=True)
    for name, default in (("services", 50), ("backends", 10), ("relays", 7000), ("start", 180), ("seconds", 960)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--output", type=pathlib.Path)
    return parser.parse_args()


def _start(chosen: argparse.Namespace, folder: pathlib.Path) -> list[Run]:
    network, backends = Network(chosen.relays), [Backend() for _index in range(chosen.services * chosen.backends)]
    for backend in backends:
        backend.freeze()
    ours, stock = (folder / name for name in ("ours", "stock"))
    for place in (ours, stock):
        place.mkdir()
        (place / "config.yaml").write_text(json.dumps(_config(chosen, place, backends)))
    program = install("softmap_publisher", "publisher", folder)
    shutil.copy(chosen.wheel, program)
    isolated = [sys.executable, "-I", "-B", "-W", "ignore"]
    commands = {
        stock: [
            *isolated,
            "-c",
            f"import sys; sys.path.insert(0, {str(chosen.wheel.resolve())!r}); "
            "import onionbalance.manager as m; m.main()",
            "-s",
            str(stock / "control"),
            "-c",
            str(stock / "config.yaml"),
            "-v",
            "warning",
        ],
        ours: [
            *isolated,
            str(program),
            str(ours / "config.yaml"),
            "--control",
            str(ours / "control"),
            "--socks",
            str(ours / "probe.sock"),
        ],
    }
    runs = []
    for place, command in commands.items():
        tor = FakeTor(place, network, backends).start()
        with (place / "log").open("wb") as log:
            runs.append(Run(place.name, tor, subprocess.Popen(command, stdout=log, stderr=log), time.time()))
    return runs


def _config(chosen: argparse.Namespace, place: pathlib.Path, backends: list[Backend]) -> dict:
    services = []
    for number in range(chosen.services):
        (place / f"key{number}").write_bytes(tor_key(b"bench%d" % number))
        own = backends[number * chosen.backends : (number + 1) * chosen.backends]
        services.append(
            {
                "name": f"service{number}",
                "key": str(place / f"key{number}"),
                "probe": {"port": 80},
                "instances": [
                    {"name": f"app{index}/w1", "address": backend.address} for index, backend in enumerate(own)
                ],
            }
        )
    return {"status-socket-location": str(place / "status.sock"), "services": services}


def _wait(runs: list[Run], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(1)
        for run in runs:
            if run.process.poll() is not None:
                sys.exit(
                    f"{run.name} ended with {run.process.returncode}:\n"
                    + (pathlib.Path(run.tor.control).parent / "log").read_text()[-2000:]
                )


def _status(path: pathlib.Path) -> dict:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(str(path))
        with connection.makefile() as answer:
            return json.load(answer)


def _table(chosen: argparse.Namespace, runs: list[Run], status: dict) -> str:
    everyday = (chosen.seconds - chosen.start) / 60
    rows = [
        (
            "both descriptors of all services uploaded after, s",
            [f"{run.published(chosen.services):.0f}" for run in runs],
        ),
        (f"CPU in the first {chosen.start} s, s", [f"{run.at_start:.1f}" for run in runs]),
        ("CPU each minute after that, s", [f"{(run.cpu() - run.at_start) / everyday:.2f}" for run in runs]),
        ("memory, MB", [f"{run.memory():.0f}" for run in runs]),
        (
            "descriptors of backends fetched each minute",
            [f"{len(run.tor.fetched) * 60 / chosen.seconds:.0f}" for run in runs],
        ),
        (
            "uploads to directories each minute",
            [f"{sum(len(hsdirs) for _at, hsdirs, _key in run.tor.uploads) * 60 / chosen.seconds:.0f}" for run in runs],
        ),
        ("probes each minute", [f"{len(run.tor.probed) * 60 / chosen.seconds:.0f}" for run in runs]),
    ]
    lines = [
        f"{chosen.services} services × {chosen.backends} backends, {chosen.relays} relays, {chosen.seconds} s,"
        " synthetic",
        "",
        "| | " + " | ".join(run.name for run in runs) + " |",
        "| --- |" + " ---: |" * len(runs),
    ]
    lines += [f"| {name} | {' | '.join(values)} |" for name, values in rows]
    lines += [
        "",
        f"Ours probes each backend every {status['probes']['interval']:g} s,"
        f" {status['probes']['per_minute']:g} a minute in all.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
