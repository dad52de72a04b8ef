# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is to change about one daemon of a host, as it comes together."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils import _decide, _files, _host, _present
from ansible_collections.onionfleet.balance.plugins.module_utils._files import Node
from ansible_collections.onionfleet.balance.plugins.module_utils._instances import Daemon


@dataclasses.dataclass
class Change:
    """``config``, ``files``: what tor will read. ``nodes``, ``removed``: what differs on disk. ``shred``: directories."""

    daemon: Daemon
    before: _present.Present
    wanted: bool = False
    config: t.Dict[str, str] = dataclasses.field(default_factory=dict)
    files: t.Dict[str, bytes] = dataclasses.field(default_factory=dict)
    nodes: t.List[Node] = dataclasses.field(default_factory=list)
    removed: t.List[str] = dataclasses.field(default_factory=list)
    shred: t.List[str] = dataclasses.field(default_factory=list)
    kept_keys: t.List[str] = dataclasses.field(default_factory=list)
    faults: t.List[str] = dataclasses.field(default_factory=list)
    warnings: t.List[str] = dataclasses.field(default_factory=list)
    decision: _decide.Decision = dataclasses.field(default_factory=lambda: _decide.Decision(None, []))

    @property
    def orphans(self) -> t.List[str]:
        declared = {service.name for service in self.daemon.services}
        return [name for name in self.before.service_names if name not in declared]

    @property
    def new_user(self) -> bool:
        return self.wanted and _files.user_id(self.daemon.user) is None

    @property
    def enable(self) -> bool:
        return self.wanted and not _host.enabled(self.daemon.name)

    @property
    def changed(self) -> bool:
        return bool(self.nodes or self.removed or self.shred or self.new_user or self.enable)

    @property
    def state(self) -> t.Optional[_decide.State]:
        return _decide.state_of(self.daemon.torrc, self.config, self.files) if self.wanted else None
