# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory of keepers: three hosts of replicas, and what can befall one of them."""

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

WEB = {"web1": "bookworm", "web2": "trixie", "web3": "bookworm"}
INTERVAL = 1800.0
ASK = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(5); "
    "s.connect('/run/onionfleet-keeper/status.sock'); print(''.join(iter(lambda: s.recv(65536).decode(), '')))"
)
BEFORE_A_TURN, AFTER_A_TURN = 75.0, 45.0  # seconds that are kept free, or a turn would be taken for a take-over


def hardmap(name: str, page: str, **fields) -> dict:
    return {"name": name, "layout": "hardmap", "replicas": list(WEB), "ports": [{"port": 80, "target": f"unix:/run/pages/{page}.sock"}], **fields}


def _content(told: dict[str, dict]) -> bool:
    return all(each and each["answers"] and each["targets"] and each["hsdirs_answer"]
               and each["replicas"][0]["ready"] and not each["replicas"][0]["failures"] for each in told.values())


class KeeperLaboratory(Laboratory):
    def __init__(self, folder: pathlib.Path, *, visitors: int, voting_interval: int) -> None:
        super().__init__(folder, WEB, relays=10, voting_interval=voting_interval, visitors=visitors)

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
            self.hosts[host].sh(f"systemctl unmask --runtime --quiet tor@{daemon} && systemctl start --no-block tor@{daemon}")
        elif fault == "web":
            self.hosts[host].sh("systemctl start pages")

    def mend_all(self) -> None:
        """What an interrupted run may have left."""
        paused = [line.split()[0].rpartition("-")[2] for line in fleet("list").splitlines() if "Paused" in line]
        for host in WEB:
            if host in paused:
                fleet("unpause", host)
            fleet("heal", host)
            self.hosts[host].sh("systemctl start pages; cd /run/systemd/system; for unit in tor@*.service; do "
                                '[ ! -L "$unit" ] || { systemctl unmask --runtime --quiet "$unit"; systemctl start --no-block "$unit"; }; done')

    @contextlib.contextmanager
    def watched(self, daemon: str):
        """Is proof of work on all the time? What each host saw is in the dictionary after the block."""
        found: dict[str, dict] = {}
        socket = f"/run/tor-instances/{daemon}/control"
        programs = {name: self.hosts[name].program("pow", socket, folder=HERE / "on_host") for name in WEB}
        yield found
        for name, program in programs.items():
            output, errors = program.communicate()
            assert program.returncode == 0, errors
            found[name] = json.loads(output)

    # --- what keepers say ---

    def keepers(self, service: str) -> dict[str, dict]:
        """Host -> what its keeper says of the service; empty while it says nothing."""
        return {name: self._keeper(name, service) for name in WEB}

    def _keeper(self, host: str, service: str) -> dict:
        answer = self.hosts[host].sh(f'python3 -c "{ASK}"', check=False)
        services = json.loads(answer)["services"] if answer.startswith("{") else []
        return next((each for each in services if each["name"] == service), {})

    def content(self, service: str) -> bool:
        """Is all well, as each keeper sees it?"""
        return _content(self.keepers(service))

    def holder(self, service: str) -> str:
        """The host that holds, where all keepers are content; else empty."""
        told = self.keepers(service)
        holders = [host for host, each in told.items() if each and each["replicas"][0]["holds"]]
        return holders[0] if len(holders) == 1 and _content(told) else ""

    def steady(self, service: str, timeout: float = 1800.0) -> str:
        """Wait until one replica holds, all could, and no turn is near; returns its host."""
        rules = Rules(service, tuple(WEB), "web1", INTERVAL)
        while not AFTER_A_TURN < turns.since(rules, time.time()) < INTERVAL - BEFORE_A_TURN:
            say("waiting until the turn is over")
            time.sleep(15)
        return wait_for(lambda: self.holder(service), f"all keepers of {service} are content", timeout)
