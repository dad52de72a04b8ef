# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire: what Ansible sends to a host is recorded, and an answer comes back.

A folder holds a world: world.json (the plan, what differs from it, the lies), and below it what hosts were sent
(record/), and what changed on them (state/), one small file for each thing, since many processes write at once.
"""

from __future__ import annotations

import ast
import base64
import functools
import hashlib
import json
import os
import pathlib
import re
import uuid

from hostile.host import Host
from hostile.lies import lie

SECRETS = ("secrets", "option_secrets", "credentials", "secret")
# as ansible-core 2.18, and 2.19 and later, write a module's arguments into its program
_PARAMETERS = re.compile(rb"^\s*(?:ANSIBALLZ_PARAMS = |params=)(['\"].*?['\"]),?$", re.MULTILINE)


def parameters(program):
    """The arguments in a module's program as Ansible sends it; None where it is no such program."""
    found = _PARAMETERS.search(program)
    return json.loads(ast.literal_eval(found[1].decode()))["ANSIBLE_MODULE_ARGS"] if found else None


def _censored(arguments):
    """As a module repeats its arguments."""
    hidden = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    return {name: hidden if name in SECRETS else value for name, value in arguments.items()}


class State:
    """What changed on hosts: short texts by kind and name."""

    def __init__(self, folder):
        self.folder = folder

    def _path(self, kind, name):
        return self.folder / kind / hashlib.sha256(name.encode()).hexdigest()[:32]

    def write(self, kind, name, value=None):
        """Remember it; the last one holds."""
        path = self._path(kind, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{uuid.uuid4().hex}")
        draft.write_text(json.dumps([name, value]))
        os.replace(draft, path)

    def read(self, kind, name, default=None):
        path = self._path(kind, name)
        return json.loads(path.read_text())[1] if path.exists() else default

    def all(self, kind):
        """Name to value."""
        folder = self.folder / kind
        paths = [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []
        return dict(json.loads(path.read_text()) for path in paths)


@functools.lru_cache(maxsize=1)
def _world(path):
    return json.loads(pathlib.Path(path).read_text())


class Wire:
    """To one host."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.state = State(folder / "state")
        world = _world(str(folder / "world.json"))
        self.host = Host(name, world, self.state)
        self.lies = world["lies"].get(name, [])

    @classmethod
    @functools.lru_cache(maxsize=None)
    def of(cls, name):
        return cls(pathlib.Path(os.environ["LIAR_WORLD"]), name)

    def _note(self, **what):
        folder = self.folder / "record"
        folder.mkdir(exist_ok=True)
        with (folder / f"{self.name}.jsonl").open("a") as file:
            file.write(json.dumps(what) + "\n")

    def put(self, path, content):
        """A file goes to the host."""
        self._note(put=path, content=base64.b64encode(content).decode())
        self.state.write("put", f"{self.name}:{path}", base64.b64encode(content).decode())

    def fetch(self, path):
        return base64.b64decode(self.host.world["files"].get(path, ""))

    def run(self, command, given):
        """A command, or a module that comes as its input or was put there before."""
        program = given
        file = re.search(r"(\S*/AnsiballZ_\S+\.py)", command)
        if not program and file:
            program = base64.b64decode(self.state.read("put", f"{self.name}:{file[1]}", ""))
        arguments = parameters(program) if program else None
        if arguments is None:
            self._note(command=command, given=(given or b"").decode(errors="replace"))
            return 0, self._lied("shell", {"stdout": self.host.shell(command)}, shell=True), b""
        module = arguments["_ansible_module_name"]
        own = {key: value for key, value in arguments.items() if not key.startswith("_ansible")}
        self._note(module=module, arguments=own, check=arguments["_ansible_check_mode"])
        short = module.rpartition(".")[2]
        try:
            answer = self.host.answer(short, own, arguments["_ansible_check_mode"])
        except Exception as error:  # the test sees it as a host that failed
            answer = {"failed": True, "msg": f"THE KIT FAILED: {module}: {error!r}"}
        return 0, self._lied(short, {"invocation": {"module_args": _censored(own)}, **answer}), b""

    def _lied(self, module, honest, *, shell=False):
        """The answer as bytes, after the lies for this module."""
        told, raw = honest, None
        for one in (one for one in self.lies if one["module"] in (module, "*")):
            told, raw, happened = lie(one, told, raw)
            if happened:
                self.state.write("lied", f"{self.name} {one['module']} {one['label']}")
        if raw is not None:
            return raw
        return str(told["stdout"]).encode(errors="surrogatepass") if shell else json.dumps(told).encode()
