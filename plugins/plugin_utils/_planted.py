# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that a host must not set. Any module's result can carry facts, and Ansible makes variables of them that beat role
defaults and the inventory's; of a task that runs once, for all hosts.

Module Overview:

    planted         facts by host -> a fault for each that has the name of a variable of ours
    without_facts   variables of a host -> the same without those whose value is a fact's
"""

from __future__ import annotations

import re
import typing as t

ROLES = (
    "daemons",
    "handover",
    "hardmap",
    "keeper",
    "picture",
    "preflight",
    "private_tor_network",
    "retire",
    "roll",
    "softmap_backend",
    "softmap_publisher",
    "switch",
    "tor",
    "verify",
)
_OURS = re.compile(f"(?:onion|{'|'.join(ROLES)})_")
_SHOWN = re.compile(r"\w{1,64}", re.ASCII)


def planted(facts: t.Mapping[str, t.Any]) -> t.List[str]:
    """The faults of facts that have names of this collection's variables.

    :param facts: host -> its facts, as ``ansible_facts`` has them.
    """
    return [
        f"host '{host}': its facts hold the variable '{_shown(name)}', which only you set; look at this host "
        "(docs/compromised.md), and run again without it, or with --flush-cache where facts are cached"
        for host, of_host in facts.items()
        for name in (of_host if isinstance(of_host, t.Mapping) else ())
        if _OURS.match(str(name))
    ]


def _shown(name: t.Any) -> str:
    found = _SHOWN.match(str(name))
    return found[0] if found else "?"


def without_facts(variables: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """The variables without those whose value is that of a fact of the same name; ``ansible_…`` ones stay facts.

    :param variables: of one host, with its ``ansible_facts``.
    """
    facts = variables.get("ansible_facts")
    if not isinstance(facts, t.Mapping):
        return dict(variables)
    return {
        name: value
        for name, value in variables.items()
        if name.startswith("ansible_") or name not in facts or _differs(value, facts[name])
    }


def _differs(one: t.Any, other: t.Any) -> bool:
    try:
        return bool(one != other)
    except Exception:  # a value that cannot be compared is no fact's: those are plain data
        return True
