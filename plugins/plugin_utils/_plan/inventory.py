# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of groups and hosts, as the operator's inventory knows them; and the faults found while reading.

Module Overview:

    Faults      faults found so far, each naming its place, the field and the remedy
    Inventory   names of groups and hosts -> hosts
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import near
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.values import quoted, shown


class Faults(t.List[str]):
    """Faults found so far, in the form ``place: field: what is wrong; how to mend it``."""

    def add(self, place: str, field: str, what: str) -> None:
        """Note one fault."""
        self.append(f"{place}: {field}: {what}")


@dataclasses.dataclass(frozen=True)
class Inventory:
    """Group name -> host names, as in Ansible's ``groups``."""

    groups: t.Mapping[str, t.Sequence[str]]

    @functools.cached_property
    def hosts(self) -> t.FrozenSet[str]:
        """All hosts, also those of no group but ``all``."""
        return frozenset(str(host) for members in self.groups.values() for host in members)

    def hosts_of(self, names: t.Any, place: str, field: str, faults: Faults) -> t.List[str]:
        """The hosts that a name, or a list of names, of groups and hosts stands for, each once."""
        wanted = [names] if isinstance(names, str) else names
        if not isinstance(wanted, list) or not wanted:
            faults.add(place, field, "must name an inventory group or host, or a list of them")
            return []
        found: t.Dict[str, str] = {}
        for number, name in enumerate(wanted, 1):
            if not isinstance(name, str):
                faults.add(place, field, f"entry {number} is {shown(name)}; write the name of a group or host")
                continue
            for host in self._members(name, place, field, faults):
                if host in found:
                    faults.add(place, field, f"host '{host}' is in both '{found[host]}' and '{name}'; name it once")
                found.setdefault(host, name)
        return list(found)

    def _members(self, name: str, place: str, field: str, faults: Faults) -> t.List[str]:
        if name in self.groups:
            if not self.groups[name]:
                faults.add(place, field, f"group '{name}' is empty; add hosts to it in the inventory")
            return [str(host) for host in self.groups[name]]
        if name in self.hosts:
            return [name]
        hint = near(name, [*self.groups, *sorted(self.hosts)])
        faults.add(
            place,
            field,
            (
                f"{quoted(name)} is neither a group nor a host of the inventory{hint}; "
                "name one that is (patterns do not work)"
            ),
        )
        return []
