# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has at present of a daemon: its configuration on disk, and what its tor has loaded.

Overview::

  Present          configuration files of an instance and what else tor reads, as they are on disk
  present          reads them
  loaded_state     what the running tor has loaded: by our record, by file times, or by asking tor
  revisions        revision counters of a daemon's own descriptors
"""

from __future__ import annotations

import dataclasses
import glob
import json
import os
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import action, record
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations, systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import publishing
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlError, ControlPort
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import configuration

EMPTY_GRACE = 60.0  # seconds


@dataclasses.dataclass
class Present:
    """``config``: path to text. ``files``: path to content of client files and ob_config. ``newest``: latest change."""

    name: str
    config: t.Dict[str, str]
    files: t.Dict[str, bytes]
    newest: float

    @property
    def torrc(self) -> str:
        return locations.torrc_path(self.name)

    @property
    def ours(self) -> bool:
        return self.config.get(self.torrc, locations.MARKER).startswith(locations.MARKER)

    @property
    def state(self) -> action.State:
        return action.state_of(self.torrc, self.config, self.files)

    @property
    def service_names(self) -> t.List[str]:
        """Names of the services that our layout has files of."""
        paths = action.inside(f"{locations.INSTANCES_ROOT}/{self.name}/services", self.config)
        return sorted(os.path.basename(path)[:-len(".conf")] for path in paths if path.endswith(".conf"))


def present(name: str) -> Present:
    """Read the configuration of an instance; empty where there is none.

    :raises OnionfleetError: tor would not understand it.
    """
    torrc, services = f"{locations.INSTANCES_ROOT}/{name}/torrc", f"{locations.INSTANCES_ROOT}/{name}/services"
    config: t.Dict[str, str] = {}
    watched = {services}
    for path in [torrc] + [f"{services}/{file}" for file in disk.listed(services)]:
        _read_config(path, config, watched)
    state = action.state_of(torrc, config, {})
    files: t.Dict[str, bytes] = {}
    for directory in state.services:
        watched.add(directory + "/authorized_clients")
        clients = [file for file in disk.listed(directory + "/authorized_clients") if file.endswith(".auth")]
        for path in [f"{directory}/authorized_clients/{file}" for file in clients] + [directory + "/ob_config"]:
            content = disk.read_bytes(path)
            if content is not None:
                files[path] = content
    return Present(
        name, config, files, max([_changed(path) for path in [*config, *files]] + [_emptied(path) for path in watched])
    )


def _read_config(path: str, config: t.Dict[str, str], watched: t.Set[str]) -> None:
    text = None if path in config else disk.read_text(path)
    if text is None:
        return
    config[path] = text
    for keyword, value in configuration.parse(text):
        if keyword == "%include":
            for target in glob.glob(value) if re.search(r"[*?]", value) else [value]:
                watched.add(target)
                inner = (
                    [f"{target.rstrip('/')}/{file}" for file in disk.listed(target)]
                    if os.path.isdir(target)
                    else [target]
                )
                for file in inner:
                    _read_config(file, config, watched)


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _emptied(directory: str) -> float:
    """When files came to or went from a directory. Tor itself makes an empty one soon after its start."""
    return _changed(directory) - (0 if disk.listed(directory) else EMPTY_GRACE)


def addresses(state: action.State) -> t.Dict[str, str]:
    """Directory of each service to its address, as far as tor has made it."""
    found = {path: (disk.read_text(path + "/hostname") or "").strip() for path in state.services}
    return {path: address for path, address in found.items() if address}


def loaded_state(before: Present, unit: systemd.Unit, keywords: t.Iterable[str]) -> t.Optional[action.State]:
    """What a running tor has loaded, None when nothing tells.

    :param before: the configuration as it was before this run changed it.
    :param keywords: of daemon-wide options that tor is to be asked for, since it does not list its defaults.
    """
    recorded = record.read(before.name, unit)
    if recorded is not None:
        return recorded
    if before.newest < unit.started:
        return before.state
    try:
        with ControlPort(locations.control_socket(before.name), timeout=10) as control:
            return _asked(control, before, unit, keywords)
    except OnionfleetError:
        return None


def kept(name: str) -> bool:
    """Whether a keeper that runs tells this daemon when to publish."""
    try:
        services = json.loads(disk.read_text(locations.KEEPER_ROOT + "/config.json") or "{}").get("services", [])
    except ValueError:
        return False
    return os.path.exists(locations.KEEPER_STATUS) and any(
        daemon["name"] == name for service in services for daemon in service["daemons"]
    )


def stands_by(name: str) -> bool:
    """Whether a tor that runs was told to publish nothing; False where it cannot be asked."""
    try:
        with ControlPort(locations.control_socket(name), timeout=10) as control:
            return not publishing.publishes(control)
    except OnionfleetError:
        return False


def _asked(control: ControlPort, before: Present, unit: systemd.Unit, keywords: t.Iterable[str]) -> action.State:
    lines = configuration.parse(control.getinfo("config-text"))
    listed = {keyword.lower() for keyword, _value in lines}
    for keyword in sorted({keyword for keyword in keywords if keyword.lower() not in listed}):
        try:
            lines += [(name, value) for name, value in control.getconf(keyword) if value is not None]
        except ControlError:
            continue  # an option that this tor does not know is not loaded
    files = {path: content for path, content in before.files.items() if _changed(path) < unit.started}
    return action.state_of_lines(lines, files)


def revision(control: ControlPort, address: str) -> int:
    """The revision counter of a service's own current descriptor, 0 while it has none (control-spec, GETINFO)."""
    try:
        descriptor = control.getinfo("hs/service/desc/id/" + address[: -len(".onion")])
    except ControlError:
        return 0
    counter = re.search(r"^revision-counter (\d+)", descriptor, re.MULTILINE)
    return int(counter.group(1)) if counter else 0


def revisions(name: str, services: t.Mapping[str, str]) -> t.Dict[str, int]:
    """Name of each service to its revision counter; empty when its tor cannot be asked.

    :param services: names to addresses.
    """
    try:
        with ControlPort(locations.control_socket(name), timeout=10) as control:
            return {service: revision(control, address) for service, address in services.items()}
    except OnionfleetError:
        return {}
