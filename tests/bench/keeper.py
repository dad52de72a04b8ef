# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long visitors of a hardmap with keepers are turned away when its holder fails, measured on a private Tor network.

    tests/bench/keeper.py --raw keeper.json [--faults kill,web,crash,cut,pause,flood] [--runs 10]
                          [--chart docs/keeper-outages.svg]

    kill     kill -9 of the holder's tor, which stays away
    web      its web server is stopped
    cut      its host is off the network
    pause    its host hangs, and still accepts TCP
    crash    kill -9 of its tor, which systemd starts again at once
    flood    as kill, of a service with proof of work on for good, while more visitors come than it lets in

Beside the first runs, three services without a keeper lose their holder, and are watched for ten minutes. Boots its own
test hosts (tests/fleet/fleet); needs the collection where ANSIBLE_COLLECTIONS_PATH says, ansible-core and PyYAML. Takes
about an hour and a half. What is in the file of raw figures is not measured again, so it may be interrupted; with
--folder the hosts stay, and are taken up again. --runs 0 only prints the tables.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from figures import table
from keeper_figures import chart, later_than, outage, waits
from keeper_laboratory import KeeperLaboratory
from laboratory import Crowd, say, wait_for

NAMES = {"kill": "tor killed, stays away", "web": "web server stopped", "cut": "host cut off", "pause": "host paused",
         "crash": "tor killed, systemd restarts it", "flood": "tor killed in a flood, stays away"}
OF_HOSTS = ("cut", "pause")  # controls would be disturbed
WEB = {"web1": "bookworm", "web2": "trixie", "web3": "bookworm"}
PLAIN = ("plain1", "plain2", "plain3")  # without a keeper
FRESH, CACHED, CONTROLS, FLOODING = range(1, 9), range(9, 13), range(13, 16), range(16, 20)
EVERY_FRESH, EVERY_CACHED = 12.0, 4.0  # seconds between two requests of one visitor
# the same of those who flood, alone as often as the service lets in, and twice as often with the others; seconds before
# the others come
EVERY_FLOODING, FLOODED = 2.0, 60.0
TIME_LIMIT, TIME_LIMIT_FLOODED = 10, 40  # seconds of a request: who waits in a queue, and solves puzzles, needs longer
BEFORE, AFTER, LONGEST = 8.0, 15.0, 240.0  # seconds: asked before a fault; answered after an outage; at most watched
PATIENCE = 90.0  # seconds: with visitors who know the descriptor, where others are answered
CENSORED = 600.0
PROMISE, CHART_LIMIT = 60.0, 120.0
# a take-over a minute is more than an operator will see
SETTINGS = {"onion_keeper": {"publications_per_hour": 120}}


class Raw:
    """The file of raw figures, complete after each run."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path, self.lock = path, threading.Lock()
        self.data = json.loads(path.read_text()) if path.exists() else {"runs": [], "controls": []}

    def add(self, kind: str, entry: dict) -> None:
        with self.lock:
            self.data[kind].append(entry)
            partial = self.path.with_suffix(".part")
            partial.write_text(json.dumps(self.data))
            partial.replace(self.path)

    def of(self, fault: str) -> list[dict]:
        return [run for run in self.data["runs"] if run["fault"] == fault]


# --- one run ---


def measure(laboratory: KeeperLaboratory, fault: str) -> dict:
    """One fault of the holder, from a calm before to the calm after."""
    if fault == "flood":
        return flooded(laboratory)
    return struck_once(laboratory, fault, "newsroom", laboratory.steady("newsroom"), fault)


def flooded(laboratory: KeeperLaboratory) -> dict:
    """The holder is whoever answers.

    Such replicas publish by themselves, too, and in half of each time period none knows of it.
    """
    address = laboratory.operator.address("guarded")
    wait_for(lambda: laboratory.content("guarded"), "all keepers of guarded are content", 1800)
    with laboratory.watched("guardedw1") as watched, laboratory.crowd(
        address, FLOODING, every=EVERY_FLOODING, fresh=False, timeout=TIME_LIMIT_FLOODED
    ) as flood:
        time.sleep(FLOODED)
        holder = wait_for(
            lambda: laboratory.led_to(address, FRESH[0], timeout=TIME_LIMIT_FLOODED), "a newcomer is answered", 300
        )
        told = struck_once(laboratory, "flood", "guarded", holder, "kill", limit=TIME_LIMIT_FLOODED, longest=PATIENCE)
    publications = {host: len(each["replicas"][0]["published"]) for host, each in laboratory.keepers("guarded").items()}
    say(f"proof of work: {watched}; publications of the last hour: {publications}")
    return {**told, "flood": flood.results, "pow": watched, "publications": publications}


def struck_once(
    laboratory: KeeperLaboratory,
    name: str,
    service: str,
    holder: str,
    fault: str,
    *,
    limit: float = TIME_LIMIT,
    longest: float = LONGEST,
) -> dict:
    """`limit` of a request; `longest` that is watched, in seconds."""
    address, daemon = laboratory.operator.address(service), f"{service}w1"
    crowd = laboratory.crowd
    with crowd(address, CACHED, every=EVERY_CACHED, fresh="first", timeout=limit) as cached, crowd(
        address, FRESH, every=EVERY_FRESH, fresh=True, timeout=limit
    ) as fresh:
        time.sleep(BEFORE)
        wait_for(
            lambda: all(
                any(each["ok"] and each["visitor"] == visitor for each in cached.results) for visitor in CACHED
            ),
            "all know the descriptor",
            180,
        )
        struck = laboratory.strike(fault, holder, daemon)
        told = {
            "fault": name,
            "holder": holder,
            "struck": struck,
            "load": os.getloadavg()[0],
            "fresh": fresh.results,
            "cached": cached.results,
        }
        try:
            while time.time() < struck + longest and not (
                over(told, "fresh") and (over(told, "cached") or time.time() > struck + PATIENCE)
            ):
                time.sleep(1)
        finally:
            laboratory.mend(fault, holder, daemon)
    first, everybody = outage(requests(told, "fresh"), struck)
    say(
        f"{NAMES[name]} on {holder}: first answer after {shown(first)}, everybody after {shown(everybody)},"
        f" cached {shown(outage(requests(told, 'cached'), struck)[1])}; now {sorted(answerers(fresh.results, struck))}"
    )
    return told


def over(run: dict, who: str) -> bool:
    """Nobody has failed for a while."""
    _first, everybody = outage(requests(run, who), run["struck"])
    return everybody is not None and time.time() - run["struck"] - everybody > AFTER


def requests(run: dict, who: str) -> list[dict]:
    """Of one run, without what the holder answered before the fault reached it; in a flood, all count as fresh."""
    asked = [*run["fresh"], *run["cached"], *run["flood"]] if who == "fresh" and "flood" in run else run[who]
    return [
        each for each in asked if run["fault"] == "crash" or not (each["ok"] and each["by"].split()[0] == run["holder"])
    ]


def answerers(results: list[dict], struck: float) -> set[str]:
    return {each["by"].split()[0] for each in results if each["ok"] and each["at"] > struck}


# --- without a keeper ---


class Controls(threading.Thread):
    """For ten minutes, services without a keeper lose the replica that published last."""

    def __init__(self, laboratory: KeeperLaboratory, raw: Raw) -> None:
        super().__init__()
        self.laboratory, self.raw = laboratory, raw

    def run(self) -> None:
        with contextlib.ExitStack() as stack:
            crowds = {name: stack.enter_context(self._visitor(name, number)) for name, number in zip(PLAIN, CONTROLS)}
            wait_for(
                lambda: all(any(each["ok"] for each in crowd.results) for crowd in crowds.values()),
                "plain replicas answer",
                120,
            )
            holders = {
                name: [each for each in crowd.results if each["ok"]][-1]["by"].split()[0]
                for name, crowd in crowds.items()
            }
            struck = {name: self.laboratory.strike("kill", holder, f"{name}w1") for name, holder in holders.items()}
            say(f"without a keeper: killed {holders}")
            time.sleep(CENSORED)
        for name, holder in holders.items():
            self.laboratory.mend("kill", holder, f"{name}w1")
            self.raw.add(
                "controls",
                {
                    "fault": "control",
                    "service": name,
                    "holder": holder,
                    "struck": struck[name],
                    "watched": CENSORED,
                    "fresh": crowds[name].results,
                },
            )

    def _visitor(self, name: str, number: int) -> Crowd:
        return self.laboratory.crowd(
            self.laboratory.operator.address(name), [number], every=EVERY_FRESH, fresh=True, timeout=TIME_LIMIT
        )


# --- the tables ---


def report(raw: Raw) -> str:
    header = [
        "fault of the holder",
        "runs",
        "first answer, median",
        "worst",
        "everybody answered from, median",
        "worst",
        "with a cached descriptor, median",
        "worst",
        "load",
    ]
    rows = [row(fault, raw.of(fault)) for fault in NAMES if raw.of(fault)]
    if len(rows) > 1:
        rows.append(["all", *row("all", raw.data["runs"])[1:]])
    return "\n\n".join([table(header, rows), *([without(raw)] if raw.data["controls"] else [])])


def row(fault: str, runs: list[dict]) -> list[object]:
    outages = [outage(requests(run, "fresh"), run["struck"]) for run in runs]
    columns = [
        [first for first, _everybody in outages],
        [everybody for _first, everybody in outages],
        [outage(requests(run, "cached"), run["struck"])[1] for run in runs],
    ]
    loads = [run["load"] for run in runs]
    return [
        NAMES.get(fault, fault),
        len(runs),
        *(shown(kind(endless(column))) for column in columns for kind in (statistics.median, max)),
        f"{min(loads):.0f} to {max(loads):.0f}",
    ]


def endless(column: list[float | None]) -> list[float]:
    return [float("inf") if each is None else each for each in column]


def shown(seconds: float | None) -> str:
    return "never" if seconds is None or seconds == float("inf") else f"{seconds:.1f} s"


def without(raw: Raw) -> str:
    computed = waits(len(WEB))
    after = [outage(requests(run, "fresh"), run["struck"])[0] for run in raw.data["controls"]]
    seen = ", ".join(
        f"more than {run['watched'] / 60:.0f} min" if first is None else f"{first:.0f} s"
        for first, run in zip(after, raw.data["controls"])
    )
    ordered = sorted(computed)
    return (
        f"Without a keeper: {seen} ({len(after)} runs). By tor's timers: mean {statistics.mean(computed) / 60:.0f} min,"
        f" 95 % within {ordered[int(0.95 * len(ordered))] / 60:.0f} min, and longer than {CENSORED / 60:.0f} min"
        f" in {100 * later_than(CENSORED, computed):.0f} %."
    )


def picture(raw: Raw) -> str:
    """Without the flood, in which not everybody can be answered."""
    rows = {
        NAMES[fault]: [outage(requests(run, "fresh"), run["struck"])[1] for run in raw.of(fault)]
        for fault in NAMES
        if raw.of(fault) and fault != "flood"
    }
    if raw.data["controls"]:
        rows["without a keeper"] = [outage(requests(run, "fresh"), run["struck"])[1] for run in raw.data["controls"]]
    return chart(rows, CHART_LIMIT, PROMISE)


# ---


def run_all(laboratory: KeeperLaboratory, chosen: argparse.Namespace, raw: Raw) -> None:
    laboratory.build()
    laboratory.mend_all()
    services = [
        laboratory.hardmap("newsroom", "beta", keeper=True),
        laboratory.hardmap("guarded", "delta", keeper=True, pow={"enabled": True, "queue_rate": 2, "queue_burst": 10}),
        *(laboratory.hardmap(name, "gamma") for name in PLAIN),
    ]
    deployed, wanted = laboratory.folder / "deployed", json.dumps([*services, SETTINGS])
    if not deployed.exists() or deployed.read_text() != wanted:
        say("deploying")
        laboratory.deploy(*services, **SETTINGS)
        deployed.write_text(wanted)
    laboratory.start_visitors()
    controls = Controls(laboratory, raw)
    if not raw.data["controls"]:
        controls.start()
    while missing := [fault for fault in chosen.faults if len(raw.of(fault)) < chosen.runs]:
        allowed = [fault for fault in missing if fault not in OF_HOSTS or not controls.is_alive()]
        if not allowed:
            controls.join()
            continue
        # all in turn, so that an interrupted run has some of each
        fault = min(allowed, key=lambda one: len(raw.of(one)))
        say(f"{fault}: run {len(raw.of(fault)) + 1} of {chosen.runs}")
        raw.add("runs", measure(laboratory, fault))
    if controls.ident:
        controls.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--raw", type=pathlib.Path, required=True, help="the file of raw figures, to begin or to go on with"
    )
    parser.add_argument("--faults", type=lambda text: text.split(","), default=list(NAMES))
    parser.add_argument("--runs", type=int, default=10, help="of each fault")
    parser.add_argument("--voting-interval", type=int, default=600, help="seconds")
    parser.add_argument(
        "--folder", type=pathlib.Path, help="keep the hosts, and take up those that an earlier run kept there"
    )
    parser.add_argument("--chart", type=pathlib.Path, help="a file to draw the outages to, as SVG")
    chosen = parser.parse_args()
    raw = Raw(chosen.raw)
    if chosen.runs:
        version = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
        ).stdout.strip()
        raw.data.setdefault("versions", []).append(version)
        with tempfile.TemporaryDirectory(prefix="onionbench") as folder:
            laboratory = KeeperLaboratory(
                chosen.folder or pathlib.Path(folder),
                WEB,
                visitors=FLOODING[-1],
                voting_interval=chosen.voting_interval,
            )
            try:
                run_all(laboratory, chosen, raw)
            finally:
                if not chosen.folder:
                    laboratory.remove()
    if chosen.chart:
        chosen.chart.write_text(picture(raw))
    sys.stdout.write(report(raw) + "\n")


if __name__ == "__main__":
    main()
