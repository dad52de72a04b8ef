# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of what each daemon loaded, which tor itself cannot tell.

Overview::

  read, write, forget
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.action import State
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._host.systemd import Unit


def read(name: str, unit: Unit) -> t.Optional[State]:
    """What a daemon loaded by our record; None without one, or when it is of another run of the unit."""
    try:
        with open(f"{locations.RECORDS_ROOT}/{name}.json", encoding="utf-8") as stream:
            record = json.load(stream)
        return State.from_data(record["state"]) if record["invocation"] == unit.invocation else None
    except (OSError, KeyError, TypeError, ValueError, AttributeError):
        return None


def write(name: str, unit: Unit, state: State) -> None:
    """Keep what a daemon loaded, atomically. :raises OSError: the disk would not."""
    for directory in (os.path.dirname(locations.RECORDS_ROOT), locations.RECORDS_ROOT):
        os.makedirs(directory, 0o700, exist_ok=True)
    path = f"{locations.RECORDS_ROOT}/{name}.json"
    handle = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump({"invocation": unit.invocation, "state": state.to_data()}, stream, indent=1, sort_keys=True)
        stream.flush()
        os.fsync(handle)
    os.replace(path + ".new", path)


def forget(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{locations.RECORDS_ROOT}/{name}.json")
