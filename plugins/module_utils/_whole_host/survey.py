# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of ours is on a host, whoever declared it and whenever. Reads only.

Overview::

  survey       daemons, publisher and keeper of this host
  keyed        the service directories of a daemon that hold a key
  authorized   how many clients a service directory lets in
  single_hop   whether a daemon is configured not to be anonymous
"""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import present
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations, systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import is_address
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import HOSTNAME_FILE, SECRET_FILE
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import publisher_files
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import configuration

Data = t.Dict[str, t.Any]


def survey() -> Data:
    """What is there; a daemon that somebody else configures is not ours and left out."""
    return {
        "daemons": _daemons(),
        "publisher": _publisher(),
        "keeper": _keeper(),
        "installed": os.path.lexists(locations.HOST_ROOT),
    }


def keyed(daemon: str) -> t.List[str]:
    """Names of the folders in a daemon's data directory that hold the key of a service."""
    data = f"{locations.DATA_ROOT}/{daemon}"
    return [name for name in disk.listed(data) if os.path.lexists(f"{data}/{name}/{SECRET_FILE}")]


def _daemons() -> t.List[Data]:
    found = {}
    for name in sorted({*disk.listed(locations.INSTANCES_ROOT), *disk.listed(locations.DATA_ROOT)}):
        torrc = disk.read_text(locations.torrc_path(name))
        managed = torrc is not None and torrc.startswith(locations.MARKER)
        # without a torrc, what an absent service or a run that was killed left behind
        if managed or (torrc is None and keyed(name)):
            found[name] = managed
    units = systemd.units(list(found))
    return [_daemon(name, managed, units[name].active) for name, managed in found.items()]


def _daemon(name: str, managed: bool, running: bool) -> Data:
    found = present.present(name) if managed else None
    return {
        "name": name,
        "managed": managed,
        "running": running,
        "single_hop": found is not None and single_hop(found),
        "services": _services(name, _configured(found) if found else {}),
    }


def single_hop(found: present.Present) -> bool:
    """Whether a daemon is configured not to be anonymous."""
    lines = [line for text in found.config.values() for line in configuration.parse(text)]
    return any(keyword.lower() == "hiddenservicesinglehopmode" and value == "1" for keyword, value in lines)


def authorized(path: str) -> int:
    """How many clients a service directory lets in; 0: everybody."""
    return sum(file.endswith(".auth") for file in disk.listed(f"{path}/authorized_clients"))


def _services(daemon: str, configured: t.Mapping[t.Optional[str], str]) -> t.List[Data]:
    kept = [directory for directory in keyed(daemon) if directory not in configured.values()]
    return [
        _service(daemon, name, directory) for name, directory in [*configured.items(), *((None, each) for each in kept)]
    ]


def _configured(found: present.Present) -> t.Dict[t.Optional[str], str]:
    """Name of each service that a daemon is configured with -> its folder."""
    paths = {name: f"{locations.INSTANCES_ROOT}/{found.name}/services/{name}.conf" for name in found.service_names}
    lines = {name: configuration.parse(found.config[path]) for name, path in paths.items()}
    return {
        name: os.path.basename(value.rstrip("/"))
        for name, pairs in lines.items()
        for keyword, value in pairs
        if keyword.lower() == "hiddenservicedir"
    }


def _service(daemon: str, name: t.Optional[str], directory: str) -> Data:
    path = locations.service_directory(daemon, directory)
    masters = configuration.parse(disk.read_text(path + "/ob_config") or "")
    return {
        "name": name,
        "directory": directory,
        "address": _address(path),
        "frontends": [value for _keyword, value in masters if is_address(value)],
        "clients": authorized(path),
    }


def _address(path: str) -> t.Optional[str]:
    address = (disk.read_text(f"{path}/{HOSTNAME_FILE}") or "").strip()
    return address if is_address(address) else None


def _publisher() -> t.Optional[Data]:
    if not any(os.path.lexists(path) for path in (locations.PUBLISHER_UNIT, locations.PUBLISHER_ROOT)):
        return None
    try:
        configured = [service["name"] for service in publisher_files.configured()]
    except OnionfleetError:
        configured = []  # torn, or not written yet: the keys tell
    names = dict.fromkeys([*configured, *disk.listed(locations.PUBLISHER_ROOT + "/keys")])
    return {
        "running": _active(locations.PUBLISHER_UNIT),
        "services": [
            {"name": name, "configured": name in configured, "address": _address(locations.publisher_key(name))}
            for name in names
        ],
    }


def _keeper() -> t.Optional[Data]:
    if not any(os.path.lexists(path) for path in (locations.KEEPER_UNIT, locations.KEEPER_ROOT)):
        return None
    try:
        kept = json.loads(disk.read_text(locations.KEEPER_ROOT + "/config.json") or "{}").get("services", [])
        names = [service["name"] for service in kept]
    except (ValueError, AttributeError, KeyError, TypeError):
        names = []
    return {"running": _active(locations.KEEPER_UNIT), "services": names}


def _active(unit: str) -> bool:
    return (
        systemd.run(
            "systemctl", "show", "--property=ActiveState", "--value", os.path.basename(unit), timeout=30
        ).strip()
        == "active"
    )
