# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A laboratory: a private Tor network, hosts that serve, and visitors with tors of their own.

Module Overview:

    Laboratory    all of these, and what is done to them
    Crowd         visitors who ask at a steady rate during a block
    say           a line of progress
    quiet         wait until this machine has little else to do
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import pathlib
import sys
import tarfile
import threading
import time
from collections.abc import Iterable

import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "hosts"))
os.environ.setdefault("FLEET_NAME", "onionbench")
os.environ.setdefault("FLEET_SUBNET", "10.93.7")

from onion_fleet import SUBNET, Host, Operator, collections_path, fleet, wait_for  # noqa: E402

NETWORK, VISITORS = "net", "visitor"
DELAYED_PORTS = 1000  # what a delayed relay listens on, beyond what it says
CONSENSUS = "/var/lib/tor-instances/net*/cached-microdesc-consensus"
VISITOR_UNIT = """[Service]
ExecStart=/usr/bin/tor --quiet --defaults-torrc /dev/null -f /etc/visitors/%i
"""
VISITOR_TORRC = """DataDirectory /var/lib/visitors/{number}
SocksPort unix:/run/visitors/{number}/socks ExtendedErrors
ControlPort unix:/run/visitors/{number}/control
"""
BOOTSTRAPPED = """
import re, socket, sys
for number in range(1, int(sys.argv[1]) + 1):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect('/run/visitors/%d/control' % number)
    connection.sendall(b'AUTHENTICATE\\r\\nGETINFO status/bootstrap-phase\\r\\nQUIT\\r\\n')
    print(*re.findall('PROGRESS=([0-9]+)', connection.makefile().read()))
"""


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def quiet(load: float, patience: float = 1800) -> None:
    """Wait until this machine has little else to do."""
    until = time.monotonic() + patience
    while os.getloadavg()[0] >= load and time.monotonic() < until:
        say(f"waiting for a load below {load:g}; it is {os.getloadavg()[0]:.1f}")
        time.sleep(15)


class Laboratory:
    """Hosts by name; a network whose relays may have a delay, with a long voting interval once it runs.

    `serving` hosts: name -> suite. A folder of a laboratory whose hosts were left is taken up again.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        serving: dict[str, str],
        *,
        relays: int,
        voting_interval: int,
        delay: int = 0,
        visitors: int = 20,
    ) -> None:
        suites = {NETWORK: "bookworm", VISITORS: "bookworm", **serving}
        self.hosts = {
            name: Host(name, suite, f"{SUBNET}.{60 + place}") for place, (name, suite) in enumerate(suites.items())
        }
        self.folder, self.relays, self.voting_interval, self.delay = folder, relays, voting_interval, delay
        self.visitors = range(1, visitors + 1)
        self._directories = None

    def build(self) -> None:
        """Boot all, and make the network; what a former run left is taken as it is."""
        if not self.left():
            self._build()
        own = [host for name, host in self.hosts.items() if name != NETWORK]
        self.operator = Operator(
            self.folder / "operator", own, yaml.safe_load((self.folder / "options.yml").read_text())
        )

    def left(self) -> bool:
        return (self.folder / "built").exists()

    def _build(self) -> None:
        self.build_network()
        own = [host for name, host in self.hosts.items() if name != NETWORK]
        fleet("down", *(host.name for host in own))
        say(f"booting {len(own)} hosts")
        for host in own:
            host.boot()
        (self.folder / "built").touch()

    def remove(self) -> None:
        if hasattr(self, "operator"):
            self.operator.close()
        fleet("down", *self.hosts)
        (self.folder / "built").unlink(missing_ok=True)

    # --- the network ---

    def build_network(self) -> None:
        """On a host of its own; the folder's options.yml makes a tor use it."""
        fleet("down", NETWORK)
        self.hosts[NETWORK].boot()
        self._make_network()
        # a tor that has seen a consensus of another length would reckon with other time periods for a while
        self._lengthen()

    def _make_network(self) -> None:
        say("making the private Tor network: waiting for its first consensus")
        operator = Operator(self.folder / "network", [self.hosts[NETWORK]], {})
        (operator.folder / "network.yml").write_text(
            yaml.safe_dump(
                [
                    {
                        "name": "Private Tor network",
                        "hosts": "all",
                        "gather_facts": False,
                        "become": True,
                        "vars": {
                            "private_tor_network_hosts": [NETWORK],
                            "private_tor_network_vars_file": str(self.folder / "options.yml"),
                            "private_tor_network_relays": self.relays - 3,  # the authorities are relays, too
                            "private_tor_network_timeout": 600,
                        },
                        "roles": ["onionfleet.balance.private_tor_network"],
                    }
                ]
            )
        )
        operator.run(str(operator.folder / "network.yml"))
        operator.close()
        if self.delay:
            self._delay()

    def _delay(self) -> None:
        """Put a relay of TCP that waits in front of each relay of Tor."""
        net = self.hosts[NETWORK]
        say(f"every relay gets {self.delay} ms of delay")
        net.sh(
            r"sed -Ei 's/^ORPort (.*):5([0-9]{3})$/ORPort \1:5\2 NoListen\nORPort \1:6\2 NoAdvertise/'"
            " /etc/tor/instances/net*/torrc"
        )
        # an authority that has been restarted tests relays that it knows once in twenty minutes
        net.sh("sed -i '/^V3AuthoritativeDirectory/a AuthDirTestReachability 0' /etc/tor/instances/netauth*/torrc")
        ports = net.sh("sed -En 's/^ORPort .*:([0-9]+) NoListen$/\\1/p' /etc/tor/instances/net*/torrc").split()
        assert len(ports) == self.relays, ports
        net.write("/usr/local/lib/delay.py", (HERE / "on_host" / "delay.py").read_text())
        pairs = " ".join(f"{port}:{int(port) + DELAYED_PORTS}" for port in ports)
        net.sh(
            "systemctl stop 'tor@net*' && rm -f /var/lib/tor-instances/net*/cached-*consensus && "
            f"systemd-run --unit=delay python3 /usr/local/lib/delay.py {net.address} {self.delay} {pairs} && "
            "cd /etc/tor/instances && for name in net*; do systemctl start --no-block tor@$name; done"
        )
        running = f"grep -c '^s .* Running ' {CONSENSUS}"
        wait_for(
            lambda: net.sh(f"{running} | cut -d: -f2", check=False).split() == [str(self.relays)] * self.relays,
            "all relays are back",
            300,
        )

    def _lengthen(self) -> None:
        """From one consensus to the next, let the voting interval be a long one.

        A time period lasts 24 intervals, so it is to begin with a whole interval.
        """
        net, interval = self.hosts[NETWORK], self.voting_interval
        if interval == 20:
            return
        boundary = (time.time() + 25) // interval * interval + interval
        say(
            f"waiting until {time.strftime('%H:%M:%S', time.gmtime(boundary))}"
            f" to lengthen the voting interval to {interval} s"
        )
        time.sleep(max(0, boundary - 18 - time.time()))
        words = f"s/^(V3AuthVotingInterval) .*/\\1 {interval}/; s/^(V3Auth(Vote|Dist)Delay) .*/\\1 {interval // 5}/"
        net.sh(f"sed -Ei '{words}' /etc/tor/instances/netauth*/torrc && systemctl reload 'tor@netauth*'")
        say("waiting until all relays have that consensus")
        wait_for(lambda: self._consensus_lasts() == {interval}, "a consensus of the long interval everywhere", 600)

    def _consensus_lasts(self) -> set[float]:
        """From valid-after to fresh-until, in seconds, as each authority and relay has it."""
        lines = self.hosts[NETWORK].sh(
            f"for file in {CONSENSUS}; do "
            "echo $(($(date +%s -ud \"$(sed -n 's/^fresh-until //p' $file)\") -"
            " $(date +%s -ud \"$(sed -n 's/^valid-after //p' $file)\"))); done",
            check=False,
        )
        return {float(line) for line in lines.split()}

    # --- visitors ---

    def start_visitors(self) -> None:
        """Needs tor there, which a deployment installs, as the host is to ask HSDirs, too."""
        host = self.hosts[VISITORS]
        options = "".join(
            f"{each['option']} {each['value']}\n" for each in self.operator.network["onion_network_options"]
        )
        host.write("/etc/systemd/system/visitor@.service", VISITOR_UNIT)
        for number in self.visitors:
            host.write(f"/etc/visitors/{number}", VISITOR_TORRC.format(number=number) + options)
        folders = " ".join(f"/run/visitors/{number} /var/lib/visitors/{number}" for number in self.visitors)
        units = " ".join(f"visitor@{number}" for number in self.visitors)
        host.sh(f"mkdir -p {folders} && chmod 0700 {folders} && systemctl daemon-reload && systemctl start {units}")
        say(f"waiting for {len(self.visitors)} tors of visitors")
        wait_for(self._bootstrapped, "all visitors' tors are ready", 600)
        self._start_directories()

    def _bootstrapped(self) -> bool:
        answers = self.hosts[VISITORS].sh(f'python3 -c "{BOOTSTRAPPED}" {len(self.visitors)}', check=False)
        return answers.split() == ["100"] * len(self.visitors)

    def crowd(self, address: str, visitors: Iterable[int], **settings) -> Crowd:
        """See Crowd; `visitors` are numbers from 1."""
        return Crowd(self.hosts[VISITORS], {"address": address, "visitors": list(visitors), **settings})

    def led_to(self, address: str, visitor: int, *, timeout: float = 60) -> str:
        """The host that answers a newcomer; empty where none does."""
        with self.crowd(address, [visitor], every=12, fresh="first", count=1, timeout=timeout) as newcomer:
            newcomer.wait("whom a newcomer is led to")
        return newcomer.results[0].get("by", "").partition(" ")[0]

    # --- services ---

    def deploy(self, *services: dict, **variables) -> None:
        """Declare services and deploy them, without waiting for what that leads to."""
        self.operator.declare(*services, onion_probe_hosts=[VISITORS], **variables)
        self.operator.run("keys")
        self.operator.deploy()

    # --- HSDirs ---

    def _start_directories(self) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            part = "ansible_collections/onionfleet/balance/plugins/module_utils"
            archive.add(
                pathlib.Path(collections_path()) / part,
                part,
                filter=lambda each: None if "__pycache__" in each.name else each,
            )
        host = self.hosts[VISITORS]
        host.sh(
            "mkdir -p /usr/local/lib/bench && base64 -d | tar -xz -C /usr/local/lib/bench",
            stdin=base64.b64encode(packed.getvalue()).decode(),
        )
        self._directories = host.program("hsdirs", "/usr/local/lib/bench", folder=HERE / "on_host")

    def held(self, *addresses: str) -> dict:
        """What the responsible HSDirs hold of services, as onion_descriptor_info returns it, and when that was."""
        self._directories.stdin.write(json.dumps(addresses) + "\n")
        self._directories.stdin.flush()
        answer = json.loads(self._directories.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer


class Crowd:
    """Visitors who ask during the block, or until they asked so often; see on_host/visitors.py for the settings."""

    def __init__(self, host: Host, settings: dict) -> None:
        self.host, self.results = host, []
        self.settings = {"path": "/", "count": None, "timeout": 60, **settings}

    def __enter__(self) -> Crowd:
        self.process = self.host.program("visitors", json.dumps(self.settings), folder=HERE / "on_host")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def _read(self) -> None:
        for line in self.process.stdout:
            self.results.append(json.loads(line))

    def wait(self, what: str) -> None:
        """Until all have asked and have their answers."""
        while self._reader.is_alive():
            self._reader.join(30)
            say(
                f"{what}: {len(self.results)} of {self.settings['count'] or 'many'} requests, "
                f"{sum(not each['ok'] for each in self.results)} failed"
            )

    def __exit__(self, *_error) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self._reader.join()
        errors = self.process.stderr.read()
        assert self.process.wait() == 0, errors
