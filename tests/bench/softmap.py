# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a softmap does for its visitors, measured on a private Tor network.

    tests/bench/softmap.py [--output FILE] fairness kill drain throughput

    fairness      how evenly fresh clients are spread over 6 backends, and whether 25 all get some
    kill          requests on new circuits while a backend dies and comes back, beside a run in which nothing happens
    drain         the same while a backend is drained
    throughput    one stream to a backend itself, through stock Onionbalance, and through ours; relays have a delay

Boots its own test hosts (tests/fleet/fleet) and removes them at the end; needs the collection where
ANSIBLE_COLLECTIONS_PATH says, ansible-core, cryptography, PyYAML and stem. All four take about an hour. Publishers run
with the settings that they have by default, but for what a table says.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from figures import Series, jain, percentile, table, upper_bound
from laboratory import Crowd, quiet, say, wait_for
from softmap_laboratory import PUBLISHERS, SoftmapLaboratory
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3

EVERYBODY = range(1, 20 + 1)
CACHED, FRESH = EVERYBODY[:10], EVERYBODY[10:]
EVERY_CACHED, EVERY_FRESH = 4.0, 12.0  # seconds between two requests of one visitor
REQUESTS = 600
VISITS = [
    "run",
    "requests on new circuits",
    "failed",
    "percent",
    "at most (95 %)",
    "median, s",
    "95 % within, s",
    "slowest, s",
]
ROTATION = 60  # seconds until the next backends have their turn, where 25 do not fit; in production 600
TIMEOUT = 60  # seconds, of a visitor
BEFORE, WINDOW, AFTER = 30, 120, 180  # seconds: of quiet, in which some may fail after a kill, in which none may
STREAM, DELAY = 20_000_000, 40  # bytes, milliseconds
STOCKS_INTERVAL = 20  # seconds: of testing networks, stock Onionbalance knows no other voting interval
STOCK_WHEEL = "onionbalance-0.2.4-py2.py3-none-any.whl"


def softmap(name: str, **fields) -> dict:
    return {
        "name": name,
        "layout": "softmap",
        "publishers": list(PUBLISHERS),
        "ports": [{"port": 80, "target": "unix:/run/pages/beta.sock"}],
        **fields,
    }


def apps(count: int) -> list[str]:
    return [f"app{number}" for number in range(1, count + 1)]


ARCHIVE = softmap("archive", backends=apps(3), workers=2)
BIG = softmap("big", backends=apps(5), workers=5)


# --- fairness ---


def fairness(laboratory: SoftmapLaboratory, chosen: argparse.Namespace) -> str:
    rows = []
    for service, backends, settings in (
        (ARCHIVE, 6, {}),
        (BIG, 25, {"onion_publisher": {"rotation_interval": ROTATION}}),
    ):
        laboratory.deploy(ARCHIVE, *([BIG] if service is BIG else []), **settings)
        laboratory.wait_until_up(service["name"], backends)
        quiet(chosen.load)
        began = time.time()
        with laboratory.crowd(
            laboratory.operator.address(service["name"]),
            EVERYBODY,
            every=10.5,
            fresh=True,
            count=chosen.requests,
            timeout=TIMEOUT,
        ) as crowd:
            crowd.wait(f"fairness of {backends}")
        chosen.keep(f"fairness of {backends}", crowd.results)
        points = laboratory.status(PUBLISHERS[0], service["name"])["introduction_points"]
        turns = (time.time() - began) / ROTATION if service is BIG else None
        rows.append([backends, points, *fairness_row(crowd.results, backends, turns)])
    header = [
        "backends",
        "introduction points in a descriptor",
        "turns",
        "requests of fresh clients",
        "failed",
        "backends that answered",
        "least",
        "mean",
        "most",
        "Jain's index",
    ]
    return "### Fairness\n\n" + table(header, rows)


def fairness_row(results: list[dict], backends: int, turns: float | None) -> list[object]:
    counts = collections.Counter(each["by"] for each in results if each["ok"])
    shares = [*counts.values(), *[0] * (backends - len(counts))]
    return [
        "" if turns is None else f"{turns:.1f}",
        len(results),
        sum(not each["ok"] for each in results),
        len(counts),
        min(shares),
        f"{statistics.mean(shares):.1f}",
        max(shares),
        f"{jain(shares):.3f}" if any(shares) else "none answered",
    ]


# --- kill and drain ---


class Observation:
    """Visitors of the archive, with cached descriptors and fresh ones, and what the HSDirs hold meanwhile."""

    def __init__(self, laboratory: SoftmapLaboratory, victim: str) -> None:
        self.laboratory, self.victim = laboratory, victim
        self.address = laboratory.operator.address("archive")
        self.backends = laboratory.backends("archive")
        self.keys: dict[str, set[str]] = {name: set() for name in self.backends}
        self.listing, self.publishers = Series(), {}

    @contextlib.contextmanager
    def visitors(self):
        """Ten visitors know the descriptor and keep it; ten ask for it each time."""
        crowd = self.laboratory.crowd
        with crowd(self.address, CACHED, every=EVERY_CACHED, fresh=False, timeout=TIMEOUT) as known, crowd(
            self.address, FRESH, every=EVERY_FRESH, fresh=True, timeout=TIMEOUT
        ) as fresh:
            self.crowds: list[Crowd] = [known, fresh]
            yield

    @property
    def results(self) -> list[dict]:
        return [result for crowd in self.crowds for result in crowd.results]

    def learn(self, *names: str) -> None:
        """Introduction points of backends, by their own descriptors."""
        answer = self.laboratory.held(*(self.backends[name] for name in names))
        for name, service in zip(names, answer["services"]):
            for hsdir in service["hsdirs"]:
                self.keys[name].update(hsdir["introduction_keys"] or [])

    def look(self) -> None:
        """At the HSDirs, and at what publishers think of the victim."""
        answer = self.laboratory.held(self.address)
        hsdirs = answer["services"][0]["hsdirs"]
        keys = self.keys[self.victim]
        self.listing.add(
            answer["at"], sum(not keys.isdisjoint(hsdir["introduction_keys"] or []) for hsdir in hsdirs), len(hsdirs)
        )
        for publisher in PUBLISHERS:
            state = self.laboratory.states(publisher, "archive").get(self.victim, "silent")
            history = self.publishers.setdefault(publisher, [])
            if not history or history[-1][1] != state:
                history.append((time.time(), state))
                say(f"{publisher}: {self.victim} is {state}")

    def watch(self, until: float, *, learn: bool = False) -> None:
        while time.time() < until:
            began = time.time()
            if learn:
                self.learn(self.victim)
            self.look()
            at, listed, responsible = self.listing.looks[-1]
            say(
                f"{self.victim} is on {listed} of {responsible} HSDirs;"
                f" {len(self.results)} requests, {self.failed()} failed"
            )
            time.sleep(max(0, min(began + 3, until) - time.time()))

    def failed(self) -> int:
        return sum(not each["ok"] for each in self.results)

    def noticed(self, state: str, since: float) -> float | None:
        """Seconds until all publishers said so."""
        moments = [
            next((at for at, said in history if at >= since and said == state), None)
            for history in self.publishers.values()
        ]
        return None if None in moments else max(moments) - since


def kill(laboratory: SoftmapLaboratory, chosen: argparse.Namespace) -> str:
    laboratory.deploy(ARCHIVE)
    laboratory.wait_until_up("archive", 6)
    rows, times = undisturbed(laboratory, chosen, BEFORE + WINDOW + AFTER, "control"), []
    for number in range(1, chosen.kills + 1):
        more, row = one_kill(laboratory, chosen, f"app{(number - 1) % 3 + 1}", f"archiveb{number % 2 + 1}", number)
        rows += more
        times.append(row)
    header_of_times = ["after", "both publishers said so", "on more than half of the HSDirs", "on all HSDirs"]
    return (
        f"### A killed backend\n\n{table(VISITS, rows)}"
        f"\n\n{table(header_of_times, [row for pair in times for row in pair])}"
    )


def undisturbed(
    laboratory: SoftmapLaboratory, chosen: argparse.Namespace, seconds: float, name: str
) -> list[list[object]]:
    """A run in which nothing happens."""
    quiet(chosen.load)
    observation = Observation(laboratory, next(iter(laboratory.backends("archive"))))
    observation.learn(*observation.backends)
    say(f"{name}: {seconds:g} s")
    with observation.visitors():
        observation.watch(time.time() + seconds)
    chosen.keep(name, observation.results)
    return request_rows(f"{name}, {seconds:g} s", observation.results)


def one_kill(laboratory: SoftmapLaboratory, chosen: argparse.Namespace, host: str, daemon: str, number: int):
    """Rows of requests and rows of times."""
    quiet(chosen.load)
    observation = Observation(laboratory, f"{host}/{daemon}")
    observation.learn(*observation.backends)
    victim = laboratory.hosts[host]
    with observation.visitors():
        observation.watch(time.time() + BEFORE)
        killed = time.time()
        victim.sh(f"systemctl mask --runtime tor@{daemon} && systemctl kill -s KILL tor@{daemon}")
        say(f"killed {observation.victim}")
        observation.watch(killed + WINDOW + AFTER)
        started = time.time()
        victim.sh(f"systemctl unmask --runtime tor@{daemon} && systemctl start --no-block tor@{daemon}")
        say(f"started {observation.victim}")
        back = observation.listing
        observation.listing = Series()
        while observation.listing.joined(started) is None or observation.noticed("up", started) is None:
            observation.watch(time.time() + 5, learn=True)
            assert time.time() < started + 600, "it does not come back"
        observation.watch(time.time() + 15, learn=True)
    results = observation.results
    chosen.keep(
        f"kill {number}",
        results,
        killed=killed,
        started=started,
        left=back.looks,
        joined=observation.listing.looks,
        publishers=observation.publishers,
    )
    phases = [
        ("before", 0, killed),
        (f"the {WINDOW} s after", killed, killed + WINDOW),
        (f"the next {AFTER} s", killed + WINDOW, started),
        ("its return", started, time.time() + 1),
    ]
    rows = [
        row
        for phase, begin, end in phases
        for row in request_rows(
            f"kill {number}, {phase}", [each for each in results if begin <= belongs(each, killed) < end]
        )
    ]
    return rows, [
        [f"kill {number}", *seconds(observation.noticed("down", killed), back.left(killed), back.gone(killed))],
        [
            f"start {number}",
            *seconds(
                observation.noticed("up", started),
                observation.listing.joined(started),
                observation.listing.everywhere(started),
            ),
        ],
    ]


def belongs(result: dict, fault: float) -> float:
    """When a request counts: at its beginning, but one that was under way during the fault counts after it."""
    return max(result["at"], fault) if result["at"] + result["seconds"] >= fault else result["at"]


def request_rows(name: str, results: list[dict]) -> list[list[object]]:
    """One row of all requests, and what became of them."""
    failed = sum(not each["ok"] for each in results)
    if not results:
        return []
    took = [each["seconds"] for each in results]
    return [
        [
            name,
            len(results),
            failed,
            f"{100 * failed / len(results):.2f}",
            f"{100 * upper_bound(failed, len(results)):.2f}",
            *(f"{percentile(took, share):.1f}" for share in (0.5, 0.95, 1)),
        ]
    ]


def seconds(*numbers: float | None) -> list[str]:
    return ["never" if number is None else f"{number:.0f} s" for number in numbers]


def drain(laboratory: SoftmapLaboratory, chosen: argparse.Namespace) -> str:
    laboratory.deploy(ARCHIVE)
    laboratory.wait_until_up("archive", 6)
    quiet(chosen.load)
    victim = "app2/archiveb1"
    observation = Observation(laboratory, victim)
    observation.learn(*observation.backends)
    with observation.visitors():
        observation.watch(time.time() + 15)
        drained = time.time()
        say(f"draining {victim}")
        laboratory.deploy(ARCHIVE, onion_drained=[victim])
        deployed = time.time()
        observation.watch(time.time() + 5)
        while observation.listing.gone(drained) is None or len(observation.results) < chosen.drained:
            observation.watch(time.time() + 5)
            assert time.time() < drained + 900, "it does not leave"
        observation.watch(time.time() + 30)
        ended = time.time()
    results, left = observation.results, drained + observation.listing.gone(drained)
    chosen.keep("drain", results, drained=drained, deployed=deployed, looks=observation.listing.looks)
    laboratory.deploy(ARCHIVE)
    laboratory.wait_until_up("archive", 6)
    rows = [
        *undisturbed(laboratory, chosen, round(ended - drained + 15), "control"),
        *request_rows(
            "drain, until all HSDirs had the descriptor without it", [each for each in results if each["at"] < left]
        ),
        *request_rows("drain, from then on", [each for each in results if each["at"] >= left]),
        *request_rows("drain, in all", results),
    ]
    label = victim.replace("/", " to _tor-")
    late = [each for each in results if each["at"] >= left and each["ok"]]
    shares = [
        [kind, len(some), sum(each["by"] == label for each in some)]
        for kind, some in (
            ("cached", [each for each in late if not each["fresh"]]),
            ("fresh", [each for each in late if each["fresh"]]),
        )
    ]
    times = [
        ["drain", *seconds(deployed - drained, observation.listing.left(drained), observation.listing.gone(drained))]
    ]
    return "\n\n".join(
        [
            "### A drained backend",
            table(VISITS, rows),
            table(
                ["after", "the deployment was through", "left more than half of the HSDirs", "left all HSDirs"], times
            ),
            table(
                ["descriptor of the client", "answers after it had left", "of them from the drained backend"], shares
            ),
        ]
    )


# --- throughput ---


def throughput(laboratory: SoftmapLaboratory, chosen: argparse.Namespace) -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    stock = HiddenServiceDescriptorV3.address_from_identity_key(key.public_key().public_bytes_raw())
    # a service of its own, that our launcher has never published
    backend = {
        "name": "stock",
        "layout": "hardmap",
        "replicas": apps(1),
        "onionbalance_frontends": [stock],
        "ports": [{"port": 80, "target": "unix:/run/pages/beta.sock"}],
    }
    laboratory.deploy(softmap("ours", backends=apps(1)), backend)
    laboratory.wait_until_up("ours", 1, PUBLISHERS, 600)
    run_stock(laboratory, key, laboratory.operator.address("stock"))
    ways = {
        "direct": laboratory.backends("ours")["app1/oursb1"],
        "stock Onionbalance": stock,
        "ours": laboratory.operator.address("ours"),
    }
    say("waiting until stock Onionbalance has published")
    wait_for(lambda: stream(laboratory, stock, 1, 1000), "stock answers", 900)
    quiet(chosen.load)
    rates: dict[str, list[float]] = {way: [] for way in ways}
    failed: collections.Counter = collections.Counter()
    for number in range(chosen.streams):
        visitor = EVERYBODY[number % len(EVERYBODY)]
        # in another order each time
        for way in sorted(ways, key=lambda way, number=number: (list(ways).index(way) + number) % 3):
            result = stream(laboratory, ways[way], visitor, STREAM)
            if result:
                rates[way].append(STREAM / 1e6 / (result["seconds"] - result["connected"]))
                say(f"{way}, {number + 1} of {chosen.streams}: {rates[way][-1]:.2f} MB/s")
            else:
                failed[way] += 1
    chosen.keep("throughput", [], rates=rates, failed=failed)
    direct = statistics.median(rates["direct"])
    rows = [
        [
            way,
            len(found),
            failed[way],
            f"{statistics.median(found):.2f}",
            f"{percentile(found, 0.25):.2f} to {percentile(found, 0.75):.2f}",
            f"{min(found):.2f} to {max(found):.2f}",
            f"{100 * statistics.median(found) / direct:.0f} %",
        ]
        for way, found in rates.items()
    ]
    header = ["one stream of 20 MB", "runs", "failed", "median, MB/s", "middle half", "all", "of direct"]
    return "### Throughput\n\n" + table(header, rows)


def stream(laboratory: SoftmapLaboratory, address: str, visitor: int, size: int) -> dict | None:
    """What one download on a new circuit was like; None: it failed."""
    with laboratory.crowd(
        address, range(visitor, visitor + 1), every=1, fresh=False, count=1, path=f"/bytes/{size}", timeout=300
    ) as crowd:
        crowd._reader.join()
    if not crowd.results[0]["ok"]:
        say(f"a stream of {size} bytes: {crowd.results[0]['error']}")
        return None
    return crowd.results[0]


def run_stock(laboratory: SoftmapLaboratory, key: ed25519.Ed25519PrivateKey, backend: str) -> None:
    """Beside our launcher on the second publisher, with its tor."""
    host = laboratory.hosts[PUBLISHERS[1]]
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    host.write("/etc/stock/key.pem", secret.decode())
    host.write(
        "/etc/stock/config.yaml",
        json.dumps({"services": [{"key": "/etc/stock/key.pem", "instances": [{"address": backend}]}]}),
    )
    host.write("/usr/local/lib/stock.py", (pathlib.Path(__file__).parent / "on_host" / "stock.py").read_text())
    host.sh(
        f"systemd-run --unit=stock python3 /usr/local/lib/stock.py /usr/local/lib/onionfleet/publisher/{STOCK_WHEEL} "
        "--is-testnet -c /etc/stock/config.yaml -s /run/tor-instances/onionpublisher/control"
    )


# ---

# What to measure -> how, hosts with backends, milliseconds of delay. A publisher lists a relay once only, and tor takes
# introduction points from the relays that have been up for longest (half of them, flag Stable): there must be more than
# twice as many relays as introduction points in a descriptor, as there are in the real network.
MEASUREMENTS = {
    "fairness": (fairness, 5, 0),
    "kill": (kill, 3, 0),
    "drain": (drain, 3, 0),
    "throughput": (throughput, 1, DELAY),
}
RELAYS = {0: 46, DELAY: 10}


def ready(laboratory: SoftmapLaboratory) -> None:
    """Build it, and deploy something, which brings tor to the visitors' host."""
    laboratory.build()
    say("the first deployment")
    laboratory.deploy(ARCHIVE if "app3" in laboratory.hosts else softmap("ours", backends=apps(1)))
    laboratory.start_visitors()


def measure(names: list[str], chosen: argparse.Namespace, delay: int, output) -> None:
    """Some measurements in one laboratory."""
    with tempfile.TemporaryDirectory(prefix="onionbench") as folder:
        laboratory = SoftmapLaboratory(
            pathlib.Path(folder),
            max(MEASUREMENTS[name][1] for name in names),
            visitors=len(EVERYBODY),
            relays=RELAYS[delay],
            voting_interval=STOCKS_INTERVAL if delay else chosen.voting_interval,
            delay=delay,
        )
        try:
            ready(laboratory)
            for name in names:
                output(name, MEASUREMENTS[name][0](laboratory, chosen))
        finally:
            if not chosen.keep_hosts:
                laboratory.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=MEASUREMENTS)
    parser.add_argument(
        "--output", type=pathlib.Path, help="a file to write the tables to as well, after each measurement"
    )
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of fairness")
    parser.add_argument("--kills", type=int, default=3, help="how many backends to kill, one after another")
    parser.add_argument("--drained", type=int, default=500, help="requests while draining, at least")
    parser.add_argument("--streams", type=int, default=15, help="of throughput, each way")
    parser.add_argument("--voting-interval", type=int, default=600, help="seconds; 20 saves a wait and flatters")
    parser.add_argument(
        "--load", type=float, default=1.5, help="wait before a timed run until this machine's load is below"
    )
    parser.add_argument("--raw", type=pathlib.Path, help="a file to append every single request to, as JSON")
    parser.add_argument("--keep-hosts", action="store_true", help="leave the hosts when done")
    chosen = parser.parse_args()
    tables: dict[str, str] = {}

    def keep(name: str, results: list[dict], **more) -> None:
        if chosen.raw:
            with chosen.raw.open("a") as file:
                file.write(json.dumps({"run": name, "load": os.getloadavg()[0], "results": results, **more}) + "\n")

    def output(name: str, text: str) -> None:
        tables[name] = text
        if chosen.output:
            chosen.output.write_text("\n\n".join(tables.values()) + "\n")

    chosen.keep = keep
    for delay in sorted({MEASUREMENTS[name][2] for name in chosen.what}):
        measure(
            [name for name in MEASUREMENTS if name in chosen.what and MEASUREMENTS[name][2] == delay],
            chosen,
            delay,
            output,
        )
    sys.stdout.write("\n\n".join(tables.values()) + "\n")


if __name__ == "__main__":
    main()
