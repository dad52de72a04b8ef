# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a publisher has on the disk of its host.

Overview::

  user_faults   whether its user is there
  key_nodes     services and secrets -> files of the keys that are missing, and the faults of all keys
  configured    what its configuration says
  program_changed   when its program or unit was last written
  nodes         these and the configuration, in the order in which they are written
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import installed_key
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations
from ansible_collections.onionfleet.balance.plugins.module_utils._host.disk import Node
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import onionbalance

Data = t.Dict[str, t.Any]


def user_faults() -> t.Iterator[str]:
    """That the publisher's user or group is missing."""
    for kind, number in (("user", disk.user_id), ("group", disk.group_id)):
        if number(locations.PUBLISHER_USER) is None:
            yield (
                f"{kind} {locations.PUBLISHER_USER}: is missing on this host; "
                "run the role onionfleet.balance.softmap_publisher"
            )


def key_nodes(
    services: t.Sequence[Data], secrets: t.Mapping[str, t.Any], check: bool
) -> t.Tuple[t.List[Node], t.List[str]]:
    """The folders of all keys and the files that are missing in them; and the faults of the keys.

    :param services: each with a proper name and address.
    :param check: whether a key may be missing in ``secrets``, too.
    """
    found: t.List[Node] = []
    faults: t.List[str] = []
    for service in services:
        path, address = locations.publisher_key(service["name"]), service["address"]
        found.append(_private(path))
        found += [_private(f"{path}/{name}", b"", "key\n", kept=True) for name in installed_key.present_files(path)]
        try:
            files = installed_key.missing_files(path, address, secrets.get(service["name"]), check=check)
            found += [_private(f"{path}/{name}", content, f"the key of {address}\n") for name, content in files.items()]
        except OnionfleetError as error:
            faults += [f"service '{service['name']}': key: {fault}" for fault in error.faults]
    return found, faults


def nodes(keys: t.Sequence[Node], config: str) -> t.List[Node]:
    """Everything, the configuration last: what it names is then there."""
    root, group = locations.PUBLISHER_ROOT, locations.PUBLISHER_USER
    above = [os.path.dirname(root), os.path.dirname(locations.PUBLISHER_PROGRAM)]
    return [
        *disk.passages(above),
        Node(root, 0o750, "root", group),
        _private(root + "/keys"),
        *keys,
        Node(locations.PUBLISHER_CONFIG, 0o640, "root", group, config.encode()),
    ]


def configured() -> t.List[Data]:
    """The services of its configuration; see onionbalance.parse.

    :raises OnionfleetError: there is none, or it is torn.
    """
    text = disk.read_text(locations.PUBLISHER_CONFIG)
    if text is None:
        raise OnionfleetError(f"{locations.PUBLISHER_CONFIG}: is not there; deploy the publisher")
    return onionbalance.parse(text)


def program_changed() -> float:
    """Seconds since the epoch, 0 where there is none."""
    return disk.last_change([locations.PUBLISHER_UNIT, locations.PUBLISHER_PROGRAM])


def _private(path: str, content: t.Optional[bytes] = None, label: str = "", *, kept: bool = False) -> Node:
    user = locations.PUBLISHER_USER
    return Node(path, 0o700 if content is None else 0o600, user, user, content, label, kept)
