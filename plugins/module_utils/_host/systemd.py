# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of tor daemons, and commands that must succeed.

Overview::

  Unit, units      what systemd says about tor@NAME units, asked once for all
  processes        their processes
  enabled          whether a unit starts at boot
  last_log         the last words of a unit that matter
  run              a command that must succeed
"""

from __future__ import annotations

import json
import os
import re
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import command as commands

_WANTS = "/etc/systemd/system/multi-user.target.wants/"
_PROPERTIES = "Id,ActiveState,InvocationID,ExecMainStartTimestampMonotonic"

# backtraces, what systemd adds, and what tor says in every private network
_NOISE = re.compile(
    r"Bug:     |Failed with result|"
    r"TestingTorNetwork is set|alternate directory authorities|Set buildtimeout to low value"
)


class Unit(t.NamedTuple):
    """``started``: seconds since the epoch, 0 when it never was."""

    active: bool = False
    invocation: str = ""
    started: float = 0.0


def run(*command: str, timeout: float = 600) -> str:
    """The output of a command.

    :raises OnionfleetError: it is missing, failed, or took too long; with the last line it wrote.
    """
    try:
        done = commands.execute(command, timeout=timeout)
    except FileNotFoundError:
        raise OnionfleetError(f"{command[0]}: there is no such program; install it") from None
    except TimeoutError:
        raise OnionfleetError(f"'{' '.join(command[:3])}' did not end in {timeout:g} s") from None
    if done.code:
        said = (done.errors.strip() or done.output.strip() or "no output").splitlines()
        raise OnionfleetError(f"'{' '.join(command[:3])}' failed: {said[-1]}")
    return done.output


def units(names: t.Sequence[str]) -> t.Dict[str, Unit]:
    """The units of daemons by daemon name, in one question to systemd."""
    if not names:
        return {}
    output = run(
        "systemctl", "show", "--property=" + _PROPERTIES, *[f"tor@{name}.service" for name in names], timeout=30
    )
    found = {}
    for block in output.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        monotonic = int(values.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
        started = time.time() - time.monotonic() + monotonic if monotonic else 0.0
        name = values.get("Id", "")[len("tor@") : -len(".service")]
        found[name] = Unit(
            values.get("ActiveState") in ("active", "reloading"), values.get("InvocationID", ""), started
        )
    return {name: found.get(name, Unit()) for name in names}


def processes(names: t.Sequence[str]) -> t.Dict[str, int]:
    """The process of each daemon, 0 where none runs, in one question to systemd."""
    if not names:
        return {}
    output = run("systemctl", "show", "--property=Id,MainPID", *[f"tor@{name}.service" for name in names], timeout=30)
    found = {}
    for block in output.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        found[values.get("Id", "")[len("tor@") : -len(".service")]] = int(values.get("MainPID") or 0)
    return {name: found.get(name, 0) for name in names}


def enabled(name: str) -> bool:
    return os.path.islink(_WANTS + f"tor@{name}.service")


def last_log(name: str) -> str:
    """The last warnings and errors of a daemon since it was last started, else its last lines, for a message."""
    try:
        log = run(
            "journalctl", "--unit", f"tor@{name}.service", "--lines=80", "--no-pager", "--output=json", timeout=30
        )
    except OnionfleetError as error:
        return str(error)
    entries = [json.loads(line) for line in log.splitlines()]
    runs = [entry.get("_SYSTEMD_INVOCATION_ID") or entry.get("INVOCATION_ID") for entry in entries]
    lines = [
        (str(entry.get("MESSAGE")), int(entry.get("PRIORITY", 6))) for entry, of in zip(entries, runs) if of == runs[-1]
    ]
    lines = [line for line in lines if not _NOISE.search(line[0])]
    telling = [text for text, priority in lines if priority <= 4 or "[warn]" in text or "[err]" in text]
    return " | ".join((telling or [text for text, _priority in lines])[-3:]) or "nothing in its log"
