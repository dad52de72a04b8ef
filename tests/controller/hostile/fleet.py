# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that exists on the wire only: its inventory, real playbooks run against it, and what came of a run.

Module Overview:

    Fleet      a folder with an operator's inventory, a canary that nobody may touch, and the wire
    Outcome    of one run: its output, what each host was sent, which lies were told, which files changed
    lie        one lie of one host
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
PORTS = [{"port": 80, "target": "127.0.0.1:8080"}]
CLIENT = "N2NU7BSRL6YODZCYPN4CREB54TYLKGIE2KYOQWLFYC23ZJVCE5DQ"
OPTION_SECRET = "proxyuser:OPTIONS-PASSWORD-4711"
CANARY = "CANARY-5e1f-of-the-controller"
WHEEL = "onionbalance-0.2.4-py2.py3-none-any.whl"
HONEST = ("web1", "web2", "pub1", "pub2", "app1")
OWN = ("newsroom", "members", "archive", "library")
# what a host is told to do, or to have
ORDERS = (
    "tor_instances",
    "tor_daemons",
    "onionbalance_config",
    "onion_retire",
    "onion_publishing",
    "keeper_config",
)
QUICK = ("verify_wait=0", "handover_timeout=5", "switch_timeout=5", "roll_timeout=5", "daemons_restart_timeout=5")
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\udc80-\udcff]")


def collection_paths():
    """The folders above the ansible_collections that these tests were loaded from."""
    import ansible_collections

    return [str(pathlib.Path(path).parent) for path in ansible_collections.__path__]


def lightened(folder):
    """The collection with few of the files that roles copy to hosts: each costs time, and none of them is tested here.

    :returns: the path for Ansible.
    """
    source = next(
        path
        for path in (pathlib.Path(path) / "ansible_collections/onionfleet/balance" for path in collection_paths())
        if path.is_dir()
    )
    collection = folder / "ansible_collections/onionfleet/balance"
    for name in ("plugins", "roles", "playbooks", "meta"):
        shutil.copytree(source / name, collection / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(source / "galaxy.yml", collection)
    for program in ("softmap_publisher/files/publisher", "keeper/files/keeper"):
        files = [
            path
            for path in sorted((collection / "roles" / program).rglob("*"))
            if path.is_file() and path.name != "requirements.txt"
        ]
        for path in files[2:]:
            path.unlink()
    variables = collection / "roles/keeper/vars/main.yml"
    shorter = re.sub(
        r"^keeper_utils:\s+\[[^\]]*\]$",
        "keeper_utils: [_onion/address, _errors]",
        variables.read_text(),
        flags=re.MULTILINE,
    )
    variables.write_text(shorter)
    return str(folder)


def lie(host, module, label="", **what):
    """One line of a table: ``what`` is set, add, answer or raw, as hostile.lies has them."""
    return {"host": host, "module": module, "label": label or json.dumps(what, default=str)[:60], **what}


class Outcome:
    """Of one run of a playbook."""

    def __init__(self, fleet, code, output, before, seconds=0.0):
        self.fleet, self.code, self.output = fleet, code, output
        self.changed = fleet.changed(before)
        self.lied = set(fleet.told())

    def sent(self, host, module=None):
        """What the host was sent: the notes of hostile.wire."""
        path = self.fleet.wire / "record" / f"{host}.jsonl"
        notes = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [note for note in notes if module in (None, note.get("module", "").rpartition(".")[2])]

    def hosts(self):
        return sorted(path.stem for path in (self.fleet.wire / "record").glob("*.jsonl"))

    def bytes_to(self, host):
        """All of it as one text, files decoded."""
        files = (
            base64.b64decode(note["content"]).decode(errors="replace") for note in self.sent(host) if "put" in note
        )
        return "\n".join([*(json.dumps(note, ensure_ascii=False) for note in self.sent(host)), *files])

    def orders(self, host):
        """What a host was told to have or to do, in their order."""
        return [note for note in self.sent(host) if note.get("module", "").rpartition(".")[2] in ORDERS]


class Fleet:
    """An operator's folder. Two services of each layout on honest hosts; what liars have a part in is of their own:
    ``decoy`` (a hardmap), ``bait`` (a softmap), ``watched`` (a restricted hardmap with keepers)."""

    def __init__(self, folder, collections, *, liars=(), publishing=(), keeping=()):
        self.collections = collections
        self.folder, self.liars, self.publishing, self.keeping = folder, list(liars), list(publishing), list(keeping)
        self.inventory, self.wire, self.canary, self.out = (
            folder / name for name in ("inventory", "wire", "canary", "out")
        )
        for path in (self.inventory, self.wire, self.canary, self.out, folder / "cache/onionfleet"):
            path.mkdir(parents=True, exist_ok=True)
        (folder / "cache/onionfleet" / WHEEL).write_text("a wheel\n")
        (self.canary / "vault-password").write_text(f"{CANARY}\n")
        self.pipe = self.canary / "ran"
        (self.inventory / "vault").write_text(f"password {CANARY}-vault\n")
        self.world = {
            "plan": None,
            "before": None,
            "missing": {},
            "outdated": {},
            "silent": [],
            "reboot": [],
            "files": {},
            "installed": {},
            "lies": {},
        }
        self.secrets: dict = {}
        self.declare()

    # --- The declaration

    def services(self):
        web = {"replicas": "web", "ports": PORTS, "layout": "hardmap"}
        clients = [{"name": "anna", "public_key": CLIENT}]
        of_liars = [
            *([{"name": "decoy", **web, "replicas": "traps"}] if self.liars else []),
            *(
                [{"name": "bait", "layout": "softmap", "publishers": "baiters", "backends": "backing", "ports": PORTS}]
                if self.publishing
                else []
            ),
            *(
                [{"name": "watched", **web, "replicas": "watchers", "keeper": True, "authorized_clients": clients}]
                if self.keeping
                else []
            ),
        ]
        return [
            {"name": "newsroom", **web, "keeper": True, "probe": {"capture": "served by ([a-z0-9]+)"}},
            {"name": "members", **web, "replicas": ["web1"], "authorized_clients": clients},
            {"name": "archive", "layout": "softmap", "publishers": ["pub1"], "backends": "web", "ports": PORTS},
            {"name": "library", "layout": "softmap", "publishers": ["pub2"], "backends": ["app1"], "ports": PORTS},
            *of_liars,
        ]

    def hosts(self, variables=None):
        """The inventory; ``variables`` of single hosts."""

        def group(*names):
            return {"hosts": {name: (variables or {}).get(name, {}) for name in names}}

        return {
            "all": {
                "vars": {
                    "ansible_connection": "liar",
                    "ansible_pipelining": True,
                    "ansible_python_interpreter": "/usr/bin/python3",
                },
                "children": {
                    "web": group("web1", "web2"),
                    "others": group("pub1", "pub2", "app1"),
                    "traps": group(*self.liars),
                    # few: every publisher of them tells of every one
                    "backing": group(*self.liars[:3]),
                    "baiters": group(*self.publishing),
                    "watchers": group(*self.keeping),
                },
            }
        }

    def declare(self, services=None, hosts=None, **variables):
        """Write inventory and group_vars."""
        declared = {
            "onion_services": services or self.services(),
            "onion_option_secrets": {"HTTPSProxyAuthenticator": OPTION_SECRET},
            **self.credentials(),
            **variables,
        }
        (self.inventory / "group_vars/all").mkdir(parents=True, exist_ok=True)
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(hosts or self.hosts()))
        (self.inventory / "group_vars/all/onion.yml").write_text(yaml.safe_dump(declared))

    def credentials(self):
        """A client's private key for each restricted service whose address is known."""
        found = {}
        for name in ("members", "watched"):
            entry = self.inventory / ".onion_keys" / f"{name}.yml"
            if entry.exists():
                private = hashlib.sha256(name.encode()).digest()
                found[yaml.safe_load(entry.read_text())["address"]] = base64.b32encode(private).decode().rstrip("=")
        return {"onion_client_credentials": found} if found else {}

    def copy(self, folder, **kinds):
        """The same fleet in another folder, with its keys, and with liars; ``plan`` is to be made anew."""
        for name in ("inventory", "cache"):
            shutil.copytree(self.folder / name, folder / name)
        other = Fleet(folder, self.collections, **kinds)
        other.secrets = self.secrets
        other.world["installed"] = self.world["installed"]
        return other

    # --- Runs

    def environment(self, **more):
        wanted = {
            "ANSIBLE_COLLECTIONS_PATH": self.collections,
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE.parents[1] / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "built_modules",
            "BUILT_MODULES": f"{self.collections}/built_modules",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_FORKS": "10",
            "LIAR_WORLD": str(self.wire),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_FORCE_COLOR": "0",
            "COLUMNS": "200",
            "PYTHONPYCACHEPREFIX": f"{self.collections}/bytecode",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
        }
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHONDONT"))
        }
        path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        return {**environment, **wanted, "PATH": path, **{key: str(value) for key, value in more.items()}}

    def run(self, playbook, *arguments, lies=(), keep=False, **environment):
        """Run a playbook of the collection, or a file, with these lies.

        :param keep: whether hosts have what the run before left.
        """
        shutil.rmtree(self.wire / "record", ignore_errors=True)
        shutil.rmtree(self.wire / "state/lied", ignore_errors=True)
        if not keep:
            shutil.rmtree(self.wire / "state", ignore_errors=True)
        by_host: dict = {}
        for one in lies:
            by_host.setdefault(one["host"], []).append(one)
        (self.wire / "world.json").write_text(json.dumps({**self.world, "lies": by_host}))
        before = self.snapshot()
        name = playbook if playbook.endswith(".yml") else f"onionfleet.balance.{playbook}"
        settings = [part for setting in QUICK for part in ("-e", setting)]
        done = subprocess.run(
            [
                "ansible-playbook",
                "-i",
                "hosts.yml",
                "--vault-password-file",
                "vault",
                *settings,
                name,
                *map(str, arguments),
            ],
            cwd=self.inventory,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=1800,
            check=False,
        )
        return Outcome(self, done.returncode, done.stdout.decode(errors="surrogateescape"), before)

    def prepare(self):
        """Make the plan, as the operator would, and learn it with the secrets of the store; no liar is asked."""
        names = [service["name"] for service in self.services()]
        write = {"delegate_to": "localhost", "run_once": True}
        tasks = [
            {"onionfleet.balance.plan": {}, "register": "made", "run_once": True},
            {
                "ansible.builtin.copy": {
                    "content": "{{ made | to_json }}",
                    "dest": str(self.out / "plan.json"),
                    "mode": "0600",
                },
                **write,
            },
            {
                "ansible.builtin.copy": {
                    "content": f"{{{{ lookup('onionfleet.balance.onion_secrets', {names!r}) | to_json }}}}",
                    "dest": str(self.out / "secrets.json"),
                    "mode": "0600",
                },
                **write,
            },
        ]
        playbook = self.folder / "prepare.yml"
        playbook.write_text(
            yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks if not self.secrets else tasks[:2]}])
        )
        done = self.run(str(playbook))
        assert done.code == 0, done.output
        self.world["plan"] = json.loads((self.out / "plan.json").read_text())
        if not self.secrets:
            self.secrets = json.loads((self.out / "secrets.json").read_text())
        return self

    def learn(self):
        """Keep what the last run installed: programs and units are the same on all hosts."""
        from hostile.wire import State

        self.world["installed"] = {**self.world["installed"], **State(self.wire / "state").all("installed")}

    def told(self):
        """The lies that were really told, as "host module label"."""
        from hostile.wire import State

        return State(self.wire / "state").all("lied")

    # --- What is on the controller

    def snapshot(self):
        """Path -> digest of all files that no run may change."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in (self.inventory, self.canary)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def changed(self, before):
        now = self.snapshot()
        return sorted(path for path in {*before, *now} if before.get(path) != now.get(path))

    # --- Who may have what

    def given(self):
        """Secret text -> (what it is, the hosts that may have it)."""
        plan = self.world["plan"]
        found = {}
        for name, secret in self.secrets.items():
            service = plan["services"].get(name, {"replicas": [], "publishers": []})
            found[secret] = (
                f"the key of {name}",
                {row["host"] for row in [*service["replicas"], *service["publishers"]]},
            )
        declared = yaml.safe_load((self.inventory / "group_vars/all/onion.yml").read_text())
        for onion, secret in declared.get("onion_client_credentials", {}).items():
            name, service = next(
                (name, service) for name, service in plan["services"].items() if service["address"] == onion
            )
            found[secret] = (
                f"a client's key of {name}",
                {row["host"] for row in service["replicas"]} | {*plan["probe_hosts"]},
            )
        found[OPTION_SECRET] = "the option's secret", {*plan["hosts"]}
        return found
