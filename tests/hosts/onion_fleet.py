# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real hosts for tests, and an operator who deploys to them.

Module Overview:

    Host       one booted host: commands, Python programs, snapshots, what its daemons are at
    Operator   a folder as an operator keeps it: inventory, vault password, store of keys; runs playbooks from it
    Run        what a run of a playbook said and did
    Client     who may ask for a restricted service
    Hunt       looks for secrets on a machine while something runs
    wait_for   until a condition holds
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import yaml
from cryptography.hazmat.primitives.asymmetric import x25519

HERE = pathlib.Path(__file__).resolve().parent
COLLECTION = HERE.parent.parent
FLEET = COLLECTION / "tests" / "fleet" / "fleet"
SUBNET = os.environ.get("FLEET_SUBNET", "10.90.7")
# the deployment itself, without waiting for what it leads to
UNVERIFIED = {"verify_wait": 0, "verify_strict": False, "verify_requests": 1, "verify_timeout": 10}


def fleet(*arguments: str) -> str:
    """Run the script that makes test hosts; returns its output."""
    done = subprocess.run(
        [str(FLEET), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, f"fleet {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def wait_for(condition, what: str, timeout: float = 60.0):
    """The first true value of a condition; fails with what was waited for."""
    deadline, pause = time.monotonic() + timeout, 0.2
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {timeout:g} s"
        time.sleep(pause)
        pause = min(2.0, pause * 1.5)  # a look at a host costs a third of a second of this machine's time


@dataclasses.dataclass
class Host:
    """One test host."""

    name: str
    suite: str
    address: str

    def boot(self) -> None:
        """Boot it, with the pages that services serve."""
        fleet("up", f"{self.name}:{self.suite}:{self.address}")
        wait_for(self._answers, f"ssh of {self.name}")
        self.write("/usr/local/lib/pages.py", (HERE / "on_host" / "pages.py").read_text())
        self.write(
            "/etc/systemd/system/pages.service",
            "[Service]\nExecStart=python3 /usr/local/lib/pages.py beta gamma delta\n",
        )
        self.sh("systemctl start pages")

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def remove(self) -> None:
        fleet("down", self.name)

    def sh(self, command: str, *, check: bool = True, stdin: str | None = None) -> str:
        """The output of a shell command on the host."""
        done = subprocess.run(
            self._enter() + ["sh", "-c", command], input=stdin or "", capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        self.sh(f"mkdir -p $(dirname {path}); cat > {path}", stdin=text)

    def program(self, name: str, *arguments: str, folder: pathlib.Path = HERE / "on_host") -> subprocess.Popen:
        """Start one of the programs of a folder there."""
        source = (folder / f"{name}.py").read_text()
        return subprocess.Popen(
            self._enter() + ["python3", "-c", source, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _enter(self) -> list[str]:
        return [str(FLEET), "podman", "exec", "-i", f"{os.environ.get('FLEET_NAME', 'onionfleet')}-{self.name}"]

    def snapshot(self, *roots: str) -> dict:
        """Files below roots with content, owner and times; units, packages, users."""
        output, errors = self.program("snapshot", *(roots or ("/etc", "/var/lib", "/usr/local"))).communicate()
        assert output, errors
        return json.loads(output)

    def daemons(self) -> dict[str, dict[str, str]]:
        """Invocation and process of each tor unit that runs, and the record of what it loaded."""
        units = self.snapshot("/var/lib/onionfleet")
        return {
            name[len("tor@") : -len(".service")]: {
                "invocation": unit["InvocationID"],
                "pid": unit["MainPID"],
                "record": units["files"].get(f"/var/lib/onionfleet/loaded/{name[4:-8]}.json", {}).get("sha256", ""),
            }
            for name, unit in units["units"].items()
            if name.startswith("tor@") and unit["ActiveState"] == "active"
        }

    def visit(self, address: str, path: str = "/", isolation: str = "visit") -> str:
        """The page of an onion service through this host's probe client; empty when it did not come."""
        done = self.program("visit", address, path, "/tmp/page", isolation)
        done.communicate()
        return self.sh("cat /tmp/page").splitlines()[-1].strip() if done.returncode == 0 else ""

    @contextlib.contextmanager
    def long_download(self, address: str, servers: list[Host]):
        """A download from an onion service that goes on during the block, and has to come to its end after it."""
        for server in servers:
            server.sh("rm -f /run/pages.end")
        self.sh("rm -f /tmp/long")
        download = wait_for(lambda: self._started(address), "the long download begins", 120)
        before = self._received()
        yield
        wait_for(lambda: self._received() > before or download.poll() is not None, "the download goes on")
        for server in servers:
            server.sh("touch /run/pages.end")
        _output, errors = download.communicate(timeout=120)
        assert download.returncode == 0, errors
        assert self.sh("tail -c 7 /tmp/long") == "the end", "the download broke off"
        assert self._received() > max(before, 1_000_000)

    def download_goes_on(self) -> None:
        """Wait until more of the long download has come than what may have been on its way."""
        already = self._received()
        wait_for(lambda: self._received() > already + 2_000_000, "the download goes on", 120)

    def _started(self, address: str):
        download = self.program("visit", address, "/long", "/tmp/long", f"long{time.monotonic_ns()}")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and download.poll() is None:
            if self._received() > 500_000:
                return download
            time.sleep(0.2)
        download.kill()
        return None

    def _received(self) -> int:
        return int(self.sh("stat -c %s /tmp/long", check=False) or 0)


@dataclasses.dataclass
class Run:
    """A run of a playbook that has ended."""

    code: int
    output: str
    record: list[dict]

    def results(self, task: str, host: str | None = None) -> list[dict]:
        """What a task returned on each host, or on one."""
        return [
            entry["result"]
            for entry in self.record
            if "outcome" in entry and entry["task"].endswith(task) and host in (None, entry["host"])
        ]

    @property
    def messages(self) -> str:
        """What the failed tasks said, each item of a loop."""
        failed = [entry["result"] for entry in self.record if entry.get("outcome") == "failed"]
        return "\n".join(str(result.get("msg", "")) for each in failed for result in [each, *each.get("results", [])])

    @property
    def changes(self) -> list[tuple]:
        """Host, task and what it changed, for every change; empty when a run found all as it is to be."""
        assert "changed=" in self.output
        return [
            (
                entry["host"],
                entry["task"],
                entry["result"].get("actions") or entry["result"].get("done"),
                self.files.get(entry["host"]),
            )
            for entry in self.record
            if entry.get("result", {}).get("changed")
        ]

    @property
    def instances(self) -> dict[str, dict]:
        """Host to what tor_instances returned when daemons were written; verification calls it, too."""
        return {
            entry["host"]: entry["result"]
            for entry in self.record
            if entry.get("task", "").endswith("Write the configuration and keys of all tor daemons")
            and "actions" in entry.get("result", {})
        }

    @property
    def actions(self) -> dict[str, list[tuple[str, str]]]:
        """Host to (daemon, action) as tor_instances found them due."""
        return {
            host: [(action["name"], action["action"]) for action in result["actions"]]
            for host, result in self.instances.items()
        }

    @property
    def files(self) -> dict[str, list[str]]:
        """Host to what tor_instances changed, or would have, by the headers of its diff."""
        return {
            host: [part["after_header"] for part in result.get("diff", [])] for host, result in self.instances.items()
        }


class Operator:
    """A folder with an inventory, from which playbooks are run."""

    def __init__(self, folder: pathlib.Path, hosts: list[Host], network: dict) -> None:
        self.folder, self.hosts = folder, {host.name: host for host in hosts}
        self.sockets = tempfile.mkdtemp(prefix="onion-ssh-", dir="/run")  # a socket's path is short
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "vault").exists():
            (folder / "vault").write_text(f"vault-password-{os.urandom(12).hex()}\n")
        # as operators have it, who begin with the example; without these lines a run takes twice as long
        example = (COLLECTION / "inventory.example" / "ansible.cfg").read_text().splitlines()
        settings = [line for line in example if not line.startswith(("inventory =", "vault_password_file ="))]
        self.settings = folder / "ansible.cfg"
        self.settings.write_text("\n".join(settings) + "\n")
        self.network, self.runs = network, 0
        self.host_vars: dict[str, dict] = {name: {} for name in self.hosts}
        self.write_inventory()

    def write_inventory(self) -> None:
        """Write the inventory anew, after a change of host_vars."""
        everywhere = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": fleet("key"),
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_args": "-o ControlMaster=auto -o ControlPersist=60s"
            " -o ServerAliveInterval=2 -o ServerAliveCountMax=15"
            " -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR -o ConnectTimeout=30",
            "ansible_control_path_dir": self.sockets,
        }
        hosts = {name: {"ansible_host": host.address, **self.host_vars[name]} for name, host in self.hosts.items()}
        inventory = {"all": {"vars": everywhere, "children": {"web": {"hosts": hosts}}}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))

    def declare(self, *services: dict, **variables) -> None:
        """Write the declaration; further variables by name."""
        folder = self.folder / "group_vars"
        folder.mkdir(exist_ok=True)
        (folder / "all.yml").write_text(yaml.safe_dump({"onion_services": list(services), **self.network, **variables}))

    def start(self, playbook: str, *arguments: str, extra: dict | None = None, vault: bool = True, **environment: str):
        """Start a playbook of the collection; returns the process and the file of its record."""
        self.runs += 1
        record = self.folder / f"record{self.runs}"
        own = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": collections_path(),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE.parent / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "built_modules,record",
            "BUILT_MODULES": str(self.folder.parent / "built_modules"),
            "RECORD": str(record),
            **environment,
        }
        command = [
            "ansible-playbook",
            "-i",
            "hosts.yml",
            playbook if "/" in playbook else f"onionfleet.balance.{playbook}",
            *arguments,
        ]
        command += ["--vault-password-file", "vault"] * vault + ["--extra-vars", json.dumps(extra)] * bool(extra)
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return process, record

    def run(self, playbook: str, *arguments: str, fails: bool | None = False, **options) -> Run:
        """Run a playbook to its end; fails tells how it has to end, None that both will do."""
        process, record = self.start(playbook, *arguments, **options)
        output, _none = process.communicate()
        lines = record.read_text().splitlines() if record.exists() else []
        run = Run(process.returncode, output, [json.loads(line) for line in lines])
        assert fails is None or (run.code != 0) == fails, output[-4000:]
        return run

    def deploy(self, *arguments: str, verified: bool = False, **options) -> Run:
        """Deploy; verified: wait until the services answer through Tor, which takes a minute after a start."""
        return self.run("deploy", *arguments, extra=None if verified else UNVERIFIED, **options)

    def address(self, service: str) -> str:
        return yaml.safe_load((self.folder / ".onion_keys" / f"{service}.yml").read_text())["address"]

    def secret(self, service: str) -> bytes:
        """The 96 bytes of tor's secret key file."""
        text = subprocess.run(
            ["ansible-vault", "view", "--vault-password-file", "vault", f".onion_keys/{service}.secret"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return base64.b64decode(text)

    def close(self) -> None:
        shutil.rmtree(self.sockets, ignore_errors=True)


def collections_path() -> str:
    """Where the collection under test is installed: the environment's choice, else this work tree's own place."""
    if "ANSIBLE_COLLECTIONS_PATH" in os.environ:
        return os.environ["ANSIBLE_COLLECTIONS_PATH"]
    return str(COLLECTION.parents[2])


def service(name: str, **fields) -> dict:
    return {
        "name": name,
        "layout": "hardmap",
        "replicas": "web",
        "ports": [{"port": 80, "target": "127.0.0.1:8080"}],
        **fields,
    }


def needles(secret: bytes, password: str) -> list[bytes]:
    """A secret key in every form that somebody might write it in, and a password.

    :param secret: the 96 bytes of tor's file, of which the last 64 are secret.
    """
    key = secret[32:]
    forms = [
        key[:32],
        key[32:],
        key.hex().encode()[:64],
        key.hex().upper().encode()[:64],
        repr(key)[2:50].encode(),
        base64.b32encode(key)[:64],
        base64.b85encode(key)[:60],
        password.strip().encode(),
    ]
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + key)[4:64]
        forms += [encoded, encoded.replace(b"+", b"-").replace(b"/", b"_")]
    # a backslash, quote or escape in between must not hide the rest
    return sorted(set(forms))


class Client:
    """A client of a restricted service: its private and public key in base32, and what must not be found of them."""

    def __init__(self) -> None:
        key = x25519.X25519PrivateKey.generate()
        secret = key.private_bytes_raw()
        self.private, self.public = (
            base64.b32encode(each).decode().rstrip("=") for each in (secret, key.public_key().public_bytes_raw())
        )
        self.needles = [secret, self.private.encode(), base64.b64encode(secret)[:42], secret.hex().encode()]


class Hunt:
    """Looks for needles on this machine (host None) or on a host, from its beginning to found()."""

    def __init__(
        self, host: Host | None, sought: list[bytes], *, watch: list[str], disks: list[str], spared: list[str]
    ) -> None:
        arguments = [
            word
            for flag, values in (("--watch", watch), ("--disk", disks), ("--except", spared))
            for value in values
            for word in (flag, value)
        ]
        if host is None:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "on_host" / "hunt.py"), *arguments],
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        else:
            self.process = host.program("hunt", *arguments)
        self.process.stdin.write("".join(base64.b64encode(needle).decode() + "\n" for needle in sought) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ready\n"

    def found(self) -> list[str]:
        """End it; the places where a needle was."""
        output, self.looked_at = self.process.communicate()
        assert self.process.returncode == 0, self.looked_at
        return output.split("\n")[:-1] if output.strip() else []


def kill(process: subprocess.Popen) -> None:
    """End a run and everything that it started here, as a crash would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
