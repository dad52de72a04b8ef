# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment costs, in seconds and in tasks, beside a plain role with loops over the services.

    tests/bench/run.py [--output FILE] [--cases 1x1,1x100] [--against CHECKOUT | --floor] [--keep]

Boots test hosts (tests/fleet/fleet), installs tor, and deploys each case, HOSTSxSERVICES, from nothing: a first run,
five that change nothing (the quickest counts, as the others tell of the machine's other work), and one that changes one
service; then the same with the plain role, whose runs are long enough to count one that changes nothing. Daemons have
DisableNetwork 1, and nothing is verified through Tor. Takes about half an hour.

With --against, in place of the plain role, another checkout of the collection: runs that change nothing, by turns.
With --floor, as many modules that do nothing on as many hosts.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

import yaml

HERE = pathlib.Path(__file__).resolve().parent
COLLECTION = HERE.parents[1]
FLEET = COLLECTION / "tests/fleet/fleet"
os.environ.setdefault("FLEET_NAME", "onionbench")
SUBNET = os.environ.setdefault("FLEET_SUBNET", "10.93.7")

CASES = "1x1,1x10,1x100,4x10,10x10"
PER_DAEMON = 10
NOTHING_CHANGED_RUNS = 5


# the seconds that a run took, and what was counted, the seconds of the controller's CPU among it
Round = t.Tuple[float, t.Dict[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of a case and a way to deploy: seconds of each run, and the busiest host's tasks in one that changes nothing."""

    first: float
    second: float
    change: float
    tasks: int


class Operator:
    """A folder with an inventory, keys and settings, and playbooks run from it."""

    def __init__(self, folder: pathlib.Path, hosts: int) -> None:
        self.folder = folder
        self.hosts = {f"bench{number}": f"{SUBNET}.{80 + number}" for number in range(1, hosts + 1)}
        self._link_collection()
        (folder / "vault-password").write_text("benchmark\n")
        (folder / "ansible.cfg").write_text(
            "[defaults]\ninventory = hosts.yml\nvault_password_file = vault-password\n"
            "host_key_checking = false\nforks = 10\n"
            f"callback_plugins = {HERE}/callback_plugins\ncallbacks_enabled = task_count\n"
            "[ssh_connection]\npipelining = true\n"
            "ssh_args = -o ControlMaster=auto -o ControlPersist=600s -o UserKnownHostsFile=/dev/null\n"
        )

    def _link_collection(self) -> None:
        (self.folder / "ansible_collections/onionfleet").mkdir(parents=True)
        self.use(COLLECTION)

    def use(self, checkout: pathlib.Path) -> None:
        """Have the next runs use a checkout of the collection."""
        link = self.folder / "ansible_collections/onionfleet/balance"
        link.unlink(missing_ok=True)
        link.symlink_to(checkout.resolve())

    def declare(self, hosts: int, services: int, first_target: int = 8080) -> None:
        """Declare services for the first of the hosts, for both ways to deploy."""
        declared = [self._service(number, first_target if number == 1 else 8080) for number in range(1, services + 1)]
        everywhere = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": fleet("key"),
            "ansible_python_interpreter": "/usr/bin/python3",
            "onion_services": declared,
            "onion_network_options": [{"option": "DisableNetwork", "value": "1"}],
            "onion_import": {
                service["name"]: {"path": str(self.folder / "keys" / service["name"])} for service in declared
            },
            "plain_role_services": declared,
            "plain_role_daemons": sorted({service["daemon"] for service in declared}),
            "plain_role_keys_dir": str(self.folder / "keys"),
        }
        chosen = {name: {"ansible_host": address} for name, address in list(self.hosts.items())[:hosts]}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": chosen, "vars": everywhere}}))

    @staticmethod
    def _service(number: int, target: int) -> dict:
        return {
            "name": f"service{number:03}",
            "layout": "hardmap",
            "replicas": "all",
            "daemon": f"small{(number - 1) // PER_DAEMON + 1:02}",
            "ports": [{"port": 80, "target": f"127.0.0.1:{target}"}],
        }

    def make_keys(self, services: int) -> None:
        """Keys for the plain role, and the same ones in the collection's store."""
        sys.path.insert(0, str(self.folder))
        from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file

        (self.folder / "keys").mkdir(mode=0o700)
        for number in range(1, services + 1):
            (self.folder / "keys" / f"service{number:03}").write_bytes(key_file.generate().to_tor_file())
        self.declare(1, services)
        self.run("onionfleet.balance.keys")

    def run(self, playbook: str) -> Round:
        """Run a playbook.

        :raises SystemExit: it failed.
        """
        count = self.folder / "count.json"
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(self.folder), "BENCH_COUNT": str(count)}
        environment.pop("ANSIBLE_CONFIG", None)
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            ["ansible-playbook", playbook],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        seconds = time.monotonic() - began
        if done.returncode != 0:
            sys.exit(f"{playbook} failed:\n{done.stdout.decode()[-4000:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return seconds, {**json.loads(count.read_text()), "cpu": cpu}


def fleet(*arguments: str) -> str:
    """What the script that makes test hosts printed."""
    return subprocess.run([str(FLEET), *arguments], stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def boot(hosts: dict[str, str]) -> None:
    """Boot hosts, all of Debian 12, and wait for their ssh."""
    fleet("down", *hosts)
    fleet("up", *(f"{name}:bookworm:{address}" for name, address in hosts.items()))
    for address in hosts.values():
        while True:
            try:
                with socket.create_connection((address, 22), timeout=1) as connection:
                    if connection.recv(4) == b"SSH-":
                        break
            except OSError:
                time.sleep(0.2)


def measure(operator: Operator, playbook: str, hosts: int, services: int, repeat: int) -> Cost:
    """Deploy one case from nothing, again without a change, and with one."""
    operator.declare(hosts, services)
    operator.run(str(HERE / "clean.yml"))
    first, _count = operator.run(playbook)
    again = [operator.run(playbook) for _time in range(repeat)]
    if any(count["changed"] for _seconds, count in again):
        sys.exit(f"{playbook}: a run that had nothing to change changed something")
    operator.declare(hosts, services, first_target=9090)
    change, count = operator.run(playbook)
    if not count["changed"]:
        sys.exit(f"{playbook}: a change was not deployed")
    second = min(seconds for seconds, _count in again)
    return Cost(first, second, change, max(again[0][1]["tasks"].values()))


def compare(operator: Operator, other: pathlib.Path, hosts: int, services: int, repeat: int) -> str:
    """Runs of this and another checkout that change nothing, by turns, in words."""
    operator.declare(hosts, services)
    operator.run(str(HERE / "clean.yml"))
    for checkout in (COLLECTION, other):
        operator.use(checkout)
        operator.run(str(checkout / "tests/bench/collection.yml"))

    def run(checkout: pathlib.Path) -> Round:
        operator.use(checkout)
        return operator.run(str(checkout / "tests/bench/collection.yml"))

    try:
        return by_turns(
            f"{hosts} hosts, {services} services",
            {"this checkout": lambda: run(COLLECTION), "the other": lambda: run(other)},
            repeat,
        )
    finally:
        operator.use(COLLECTION)


def above_floor(operator: Operator, hosts: int, services: int, repeat: int) -> str:
    """Runs that change nothing, and as many modules that do nothing, by turns, in words."""
    playbook, floor = str(HERE / "collection.yml"), operator.folder / "floor.yml"
    operator.declare(hosts, services)
    operator.run(str(HERE / "clean.yml"))
    operator.run(playbook)
    modules = max(operator.run(playbook)[1]["modules"].values())
    tasks = [{"name": f"Do nothing, {number} of {modules}", "ansible.builtin.ping": None} for number in range(modules)]
    floor.write_text(
        yaml.safe_dump([{"name": "Floor", "hosts": "all", "gather_facts": False, "become": True, "tasks": tasks}])
    )
    return by_turns(
        f"{hosts} hosts, {services} services, {modules} modules on each host",
        {"a deployment": lambda: operator.run(playbook), "the floor": lambda: operator.run(str(floor))},
        repeat,
    )


def by_turns(title: str, runs: dict[str, t.Callable[[], Round]], repeat: int) -> str:
    """Two kinds of runs; fastest and median seconds and seconds of CPU of each, and the ratios, in words."""
    rounds: dict[str, list[Round]] = {name: [] for name in runs}
    for name in [*runs] * repeat:
        rounds[name].append(runs[name]())
        if rounds[name][-1][1]["changed"]:
            sys.exit(f"{name}: a run that had nothing to change changed something")
    lines = []
    for name, done in rounds.items():
        took, cpu = [seconds for seconds, _count in done], [count["cpu"] for _seconds, count in done]
        lines.append(
            f"{name}: {min(took):.1f} s at best, {statistics.median(took):.1f} s in the middle of {repeat}; "
            f"{min(cpu):.1f} s of the controller's CPU; {max(done[0][1]['tasks'].values())} tasks per host"
        )
    one, other = rounds.values()
    ratios = [
        measure(of(each) for each in one) / measure(of(each) for each in other)
        for measure, of in (
            (min, lambda each: each[0]),
            (statistics.median, lambda each: each[0]),
            (min, lambda each: each[1]["cpu"]),
        )
    ]
    told = "ratio: {:.2f} at best, {:.2f} in the middle; of the controller's CPU {:.2f}".format(*ratios)
    return "\n".join([title, *lines, told, ""])


def table(costs: dict[tuple[int, int], tuple[Cost, Cost]]) -> str:
    """A Markdown table of all cases; the ratios are those of the plain role's seconds to ours."""
    lines = [
        "| hosts | services | | tasks per host | first run | second run | one change |",
        "|---:|---:|---|---:|---:|---:|---:|",
    ]
    for (hosts, services), (ours, plain) in costs.items():
        for name, cost in (("collection", ours), ("plain role", plain)):
            times = " | ".join(f"{getattr(cost, run):.1f} s" for run in ("first", "second", "change"))
            lines.append(f"| {hosts} | {services} | {name} | {cost.tasks} | {times} |")
        ratios = " | ".join(
            f"{getattr(plain, run) / getattr(ours, run):.1f} ×" for run in ("first", "second", "change")
        )
        lines.append(f"| | | *ratio* | | {ratios} |")
    return "\n".join(lines)


def verdicts(costs: dict[tuple[int, int], tuple[Cost, Cost]]) -> str:
    """What has to hold between 1 and 100 services on one host, as a Markdown list; empty where they were not run."""
    if not {(1, 1), (1, 100)} <= set(costs):
        return ""
    (one, _plain), (hundred, plain) = costs[1, 1], costs[1, 100]
    growth, gain = hundred.second / one.second, plain.second / hundred.second
    held = [
        (
            one.tasks == hundred.tasks,
            f"tasks per host: {one.tasks} with 1 service, {hundred.tasks} with 100 (the same)",
        ),
        (growth <= 1.3, f"second run of 100 services: {growth:.2f} times that of 1 service (at most 1.3)"),
        (gain >= 20, f"second run of 100 services: {gain:.1f} times faster than the plain role's (at least 20)"),
    ]
    return "\n".join(f"- {'ok' if holds else 'NOT ok'}: {what}" for holds, what in held)


def cases(text: str) -> list[tuple[int, int]]:
    """``1x10,4x10`` -> pairs of hosts and services."""
    return [(int(hosts), int(services)) for hosts, services in (case.split("x") for case in text.split(","))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, help="a file to write the result to as well, after each case")
    parser.add_argument("--cases", type=cases, default=cases(CASES), help=f"HOSTSxSERVICES, ...; by default {CASES}")
    parser.add_argument(
        "--against", type=pathlib.Path, help="another checkout of the collection, to compare runs that change nothing"
    )
    parser.add_argument(
        "--floor", action="store_true", help="compare runs that change nothing with as many modules that do nothing"
    )
    parser.add_argument("--keep", action="store_true", help="leave the hosts when done")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onionbench") as folder:
        operator = Operator(pathlib.Path(folder), max(hosts for hosts, _services in chosen.cases))
        costs = {}
        try:
            boot(operator.hosts)
            operator.make_keys(max(services for _hosts, services in chosen.cases))
            operator.declare(len(operator.hosts), 1)
            operator.run(str(HERE / "install.yml"))
            if chosen.against or chosen.floor:
                result = "\n".join(
                    compare(operator, chosen.against, *case, NOTHING_CHANGED_RUNS)
                    if chosen.against
                    else above_floor(operator, *case, NOTHING_CHANGED_RUNS)
                    for case in chosen.cases
                )
                chosen.cases = []
            for case in chosen.cases:
                ours = measure(operator, str(HERE / "collection.yml"), *case, NOTHING_CHANGED_RUNS)
                costs[case] = ours, measure(operator, str(HERE / "plain.yml"), *case, 1)
                result = f"{table(costs)}\n\n{verdicts(costs)}".strip()
                if chosen.output:
                    chosen.output.write_text(f"{result}\n")
                sys.stderr.write(f"{case[0]} hosts, {case[1]} services: {costs[case]}\n")
        finally:
            if not chosen.keep:
                fleet("down", *operator.hosts)
    sys.stdout.write(f"{result}\n")


if __name__ == "__main__":
    main()
