# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking from a host what leaves it: each step says what it does, and is there only while it has something to do.

Overview::

  Step    one removal: words for people, and how it is done
  steps   what is to go -> Steps in the order in which a killed run resumes them; what marks a thing as ours goes last
"""

from __future__ import annotations

import dataclasses
import functools
import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import running
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations, systemd, wipe
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import SECRET_FILE

Data = t.Mapping[str, t.Any]

PROGRAMS, CONFIGURATION = "/usr/local/lib/onionfleet", "/etc/onionfleet"
MASKED = ("/etc/systemd/system/tor.service", "/etc/systemd/system/tor@default.service")


@dataclasses.dataclass(frozen=True)
class Step:
    """``words``: what is removed, for a report."""

    words: str
    act: t.Callable[[], t.Any]


def steps(wanted: Data) -> t.Iterator[Step]:
    """:param wanted: the options of onion_retire."""
    if wanted["keeper"] or wanted["host"]:
        yield from _unit(locations.KEEPER_UNIT, [locations.KEEPER_ROOT, locations.KEEPER_PROGRAM])
    for service in wanted["services"]:
        yield from _service(service)
    for name in wanted["keys"]:
        yield from _paths([locations.publisher_key(name)])
    if wanted["publisher"] or wanted["host"]:
        yield from _unit(
            locations.PUBLISHER_UNIT, [locations.PUBLISHER_ROOT, locations.PUBLISHER_PROGRAM], locations.PUBLISHER_USER
        )
    for name in wanted["daemons"]:
        yield from _daemon(name)
    yield from _paths(f"{locations.INSTANCES_ROOT}/{name}" for name in _hidden(locations.INSTANCES_ROOT))
    if wanted["host"]:
        yield from _host_steps()


def _service(service: Data) -> t.Iterator[Step]:
    """One service of a daemon that stays: tor lets go of it before its key goes."""
    name = service["daemon"]
    conf = f"{locations.INSTANCES_ROOT}/{name}/services/{service['name']}.conf"
    directory = locations.service_directory(name, service["directory"])
    if os.path.lexists(conf):
        yield Step(conf, lambda: wipe.remove(conf))
    if os.path.lexists(directory):
        if systemd.units([name])[name].active:
            yield Step(f"reload tor@{name}.service", lambda: running.perform(name, "reload"))
        yield from _paths([directory])


def _daemon(name: str) -> t.Iterator[Step]:
    config, user = f"{locations.INSTANCES_ROOT}/{name}", locations.daemon_user(name)
    if systemd.units([name])[name].active or systemd.enabled(name):
        yield Step(f"tor@{name}.service", lambda: running.perform(name, "stop"))
    else:
        yield from _paths([f"{locations.RECORDS_ROOT}/{name}.json"])  # that of a daemon goes with its stop
    yield from _paths(
        [f"{locations.DATA_ROOT}/{name}", f"{locations.RUN_ROOT}/{name}", f"{locations.RUN_ROOT}/{name}.defaults"]
    )
    if disk.user_id(user) is not None:
        yield Step(f"user {user}", lambda: systemd.run("deluser", "--quiet", "--system", user, timeout=60))
    if os.path.lexists(config):
        # in one moment: half of a configuration would be a daemon that nobody knows
        aside = f"{locations.INSTANCES_ROOT}/.{name}.old"
        yield Step(config, lambda: wipe.remove(config, aside=aside))


def _unit(path: str, folders: t.Sequence[str], user: t.Optional[str] = None) -> t.Iterator[Step]:
    """A program of ours that is a unit of its own; its file goes last."""
    name = os.path.basename(path)
    if os.path.lexists(path):
        yield Step(name, lambda: systemd.run("systemctl", "disable", "--now", "--quiet", name, timeout=120))
    yield from _paths(folders)
    if user is not None and disk.user_id(user) is not None:
        yield Step(f"user {user}", lambda: systemd.run("deluser", "--quiet", "--system", user, timeout=60))
    if os.path.lexists(path):
        yield Step(path, lambda: _remove_unit(path))


def _remove_unit(path: str) -> None:
    wipe.remove(path)
    systemd.run("systemctl", "daemon-reload", timeout=60)


def _host_steps() -> t.Iterator[Step]:
    """What is left where nothing of ours runs any more; what the role tor changed about the host's tor is undone."""
    if os.path.isdir(locations.HOST_ROOT + "/changed/held"):
        yield Step("the hold on upgrades of tor", lambda: systemd.run("apt-mark", "unhold", "tor", timeout=60))
    if os.path.isdir(locations.HOST_ROOT + "/changed/masked"):
        yield from _paths(path for path in MASKED if os.path.islink(path) and os.readlink(path) == "/dev/null")
    yield from _paths([PROGRAMS, CONFIGURATION, locations.HOST_ROOT])


def _paths(paths: t.Iterable[str]) -> t.Iterator[Step]:
    for path in paths:
        if os.path.lexists(path):
            yield Step(path + " (its keys overwritten)" * _holds_key(path), functools.partial(wipe.remove, path))


def _holds_key(path: str) -> bool:
    return os.path.lexists(f"{path}/{SECRET_FILE}") or any(
        SECRET_FILE in files for _folder, _folders, files in os.walk(path)
    )


def _hidden(directory: str) -> t.List[str]:
    """What a killed run had put aside."""
    try:
        return sorted(name for name in os.listdir(directory) if name.startswith(".") and name.endswith(".old"))
    except FileNotFoundError:
        return []
