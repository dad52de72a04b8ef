# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory of keepers: hosts of replicas, and what can befall one of them."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import time

from laboratory import HERE, Laboratory, fleet, say, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "roles" / "keeper" / "files" / "keeper"))
from onionfleet_keeper import turns
from onionfleet_keeper.model import Rules

INTERVAL = 1800.0
ASK = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(5); "
    "s.connect('/run/onionfleet-keeper/status.sock'); print(''.join(iter(lambda: s.recv(65536).decode(), '')))"
)
BEFORE_A_TURN, AFTER_A_TURN = 75.0, 15.0  # seconds that are kept free, or a turn would be taken for a take-over


def _content(told: dict[str, dict]) -> bool:
    return all(each and each["answers"] and each["targets"] and each["hsdirs_answer"]
               and each["replicas"][0]["ready"] and not each["replicas"][0]["failures"] for each in told.values())


class KeeperLaboratory(Laboratory):
    """Each of the `serving` hosts, name -> suite, has one replica of each service."""

    def __init__(self, folder: pathlib.Path, serving: dict[str, str], *, visitors: int, voting_interval: int) -> None:
        super().__init__(folder, serving, relays=10, voting_interval=voting_interval, visitors=visitors)
        self.web = tuple(serving)

    def hardmap(self, name: str, page: str, **fields) -> dict:
        return {"name": name, "layout": "hardmap", "replicas": [*self.web],
                "ports": [{"port": 80, "target": f"unix:/run/pages/{page}.sock"}], **fields}

    # --- what befalls a replica: do it, and mend it ---

    def strike(self, fault: str, host: str, daemon: str) -> float:
        """When it had happened: on a busy machine, that may be long after it was ordered."""
        if fault in ("cut", "pause"):
            fleet(fault, host)
            return time.time()
        do = {"kill": f"systemctl mask --runtime --quiet tor@{daemon} && systemctl kill -s KILL tor@{daemon}",
              "crash": f"systemctl kill -s KILL tor@{daemon}",
              "web": "systemctl stop pages"}[fault]
        return float(self.hosts[host].sh(f"{do} && date +%s.%N"))

    def mend(self, fault: str, host: str, daemon: str) -> None:
        if fault in ("cut", "pause"):
            fleet({"cut": "heal", "pause": "unpause"}[fault], host)
        elif fault == "kill":
            self.hosts[host].sh(
                f"systemctl unmask --runtime --quiet tor@{daemon} && systemctl start --no-block tor@{daemon}"
            )
        elif fault == "web":
            self.hosts[host].sh("systemctl start pages")

    def mend_all(self) -> None:
        """What an interrupted run may have left."""
        paused = [line.split()[0].rpartition("-")[2] for line in fleet("list").splitlines() if "Paused" in line]
        for host in self.web:
            if host in paused:
                fleet("unpause", host)
            fleet("heal", host)
            self.hosts[host].sh(
                "systemctl start pages; cd /run/systemd/system; for unit in tor@*.service; do "
                '[ ! -L "$unit" ] || { systemctl unmask --runtime --quiet "$unit"; '
                'systemctl start --no-block "$unit"; }; done'
            )

    @contextlib.contextmanager
    def watched(self, daemon: str):
        """Is proof of work on all the time? What each host saw is in the dictionary after the block."""
        found: dict[str, dict] = {}
        socket = f"/run/tor-instances/{daemon}/control"
        programs = {name: self.hosts[name].program("pow", socket, folder=HERE / "on_host") for name in self.web}
        yield found
        for name, program in programs.items():
            output, errors = program.communicate()
            assert program.returncode == 0, errors
            found[name] = json.loads(output)

    # --- what keepers say ---

    def keeper(self, host: str, service: str) -> dict:
        """What the keeper of a host says of a service; empty while it says nothing."""
        answer = self.hosts[host].sh(f'python3 -c "{ASK}"', check=False)
        services = json.loads(answer)["services"] if answer.startswith("{") else []
        return next((each for each in services if each["name"] == service), {})

    def replica(self, host: str, service: str) -> dict:
        """What the keeper of a host says of its replica; empty while it says nothing."""
        return self.keeper(host, service).get("replicas", [{}])[0]

    def keepers(self, service: str, *hosts: str) -> dict[str, dict]:
        """The same of some hosts, or of all."""
        return {name: self.keeper(name, service) for name in hosts or self.web}

    def content(self, service: str) -> bool:
        """Is all well, as each keeper sees it?"""
        return _content(self.keepers(service))

    def steady(self, service: str, *hosts: str, timeout: float = 300.0) -> str:
        """Wait until one of the hosts holds, all could, and no turn is near; returns the one.

        In half of each time period no replica can tell whether a descriptor of before its keeper came is its own. Where
        nobody of all holds for that reason, another one is made to take over.
        """
        self._between_turns(service)
        found = wait_for(
            lambda: [each for each in self._holder(service, hosts) if each or not hosts],
            f"all keepers of {service} are content",
            timeout,
        )
        if found[0]:
            return found[0]
        self._have_another_publish(service)
        return self.steady(service, *hosts, timeout=timeout)

    def _holder(self, service: str, hosts: tuple[str, ...]) -> list[str]:
        """The host that holds, or an empty name.

        Nothing while not all are content, one too many publishes, or not all have read the same.
        """
        told = self.keepers(service, *hosts)
        if not _content(told):
            return []
        replicas = {host: each["replicas"][0] for host, each in told.items()}
        holders = [host for host, replica in replicas.items() if replica["holds"]]
        alike = len({replica["revision_counter"] for replica in replicas.values()}) == 1
        if len(holders) > 1 or not alike or any(each["publishes"] is not each["holds"] for each in replicas.values()):
            return []
        return holders or [""]

    def _between_turns(self, service: str) -> None:
        rules = Rules(service, self.web, self.web[0], INTERVAL)
        after = AFTER_A_TURN + turns.EQUALS_STEP * len(self.web)
        while not after < turns.since(rules, time.time()) < INTERVAL - BEFORE_A_TURN:
            say("waiting until the turn is over")
            time.sleep(15)

    def _have_another_publish(self, service: str) -> None:
        address, daemon = self.operator.address(service), f"{service}w1"
        answering = wait_for(lambda: self.led_to(address, self.visitors[0]), "a newcomer is answered", 120)
        self.strike("web", answering, daemon)
        try:
            wait_for(
                lambda: any(self.replica(host, service).get("holds") for host in self.web if host != answering),
                "another one holds",
                180,
            )
        finally:
            self.mend("web", answering, daemon)
