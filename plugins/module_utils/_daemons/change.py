# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is to change about one daemon of a host, as it comes together."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import action, present
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.wanted import Daemon
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._host.disk import Node


@dataclasses.dataclass
class Change:
    """``config``, ``files``: what tor will read. ``nodes``, ``removed``: changes on disk. ``shred``: directories."""

    daemon: Daemon
    before: present.Present
    wanted: bool = False
    config: t.Dict[str, str] = dataclasses.field(default_factory=dict)
    files: t.Dict[str, bytes] = dataclasses.field(default_factory=dict)
    nodes: t.List[Node] = dataclasses.field(default_factory=list)
    removed: t.List[str] = dataclasses.field(default_factory=list)
    shred: t.List[str] = dataclasses.field(default_factory=list)
    kept_keys: t.List[str] = dataclasses.field(default_factory=list)
    faults: t.List[str] = dataclasses.field(default_factory=list)
    warnings: t.List[str] = dataclasses.field(default_factory=list)
    decision: action.Decision = dataclasses.field(default_factory=lambda: action.Decision(None, []))

    @property
    def orphans(self) -> t.List[str]:
        declared = {service.name for service in self.daemon.services}
        return [name for name in self.before.service_names if name not in declared]

    @property
    def new_user(self) -> bool:
        return self.wanted and disk.user_id(self.daemon.user) is None

    @property
    def enable(self) -> bool:
        return self.wanted and not systemd.enabled(self.daemon.name)

    @property
    def changed(self) -> bool:
        return bool(self.nodes or self.removed or self.shred or self.new_user or self.enable)

    @property
    def state(self) -> t.Optional[action.State]:
        return action.state_of(self.daemon.torrc, self.config, self.files) if self.wanted else None
