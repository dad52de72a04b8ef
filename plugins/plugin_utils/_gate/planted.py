# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that a host must not set. Any module's result can carry facts, and Ansible makes variables of them that
beat role defaults and the inventory's; of a task that runs once, for all hosts.

Module Overview:

    planted         facts by host -> a fault for each that has the name of a variable of ours, or of Ansible itself
    planted_here    variables of a task -> the same for its host, by the host's true name
    without_facts   variables of a host -> the same without those whose value is a fact's
"""

from __future__ import annotations

import re
import typing as t

from ansible import constants as C
from ansible.vars.reserved import get_reserved_names

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
# Ansible lets a fact stand in for most of these, and for functions of its templates
_ANSIBLES = frozenset(
    {
        *C.INTERNAL_STATIC_VARS,
        *get_reserved_names(),
        "item",
        "lookup",
        "query",
        "q",
        "now",
        "omit",
        "undef",
        "dict",
        "range",
    }
) - {"gather_subset"}  # of ansible.builtin.setup
_SHOWN = re.compile(r"\w{1,64}", re.ASCII)


def planted(facts: t.Mapping[str, t.Any]) -> t.List[str]:
    """The faults of facts that have names of this collection's variables.

    :param facts: host -> its facts, as ``ansible_facts`` has them, without ``ansible_`` in their names.
    """
    return [
        f"host '{host}': its facts hold the variable '{_shown(name)}', which only you set; look at this host "
        "(docs/compromised.md), and run again; where facts are cached, with --flush-cache and without --limit"
        for host, of_host in facts.items()
        for name in (of_host if isinstance(of_host, t.Mapping) else ())
        if _OURS.match(str(name)) or str(name) in _ANSIBLES
    ]


def planted_here(variables: t.Mapping[str, t.Any]) -> t.List[str]:
    """The faults of the facts that a task's variables were made of.

    :param variables: of a task. Its ``inventory_hostname`` may be such a fact, so the owner is sought among all hosts.
    """
    faults = planted({str(variables.get("inventory_hostname", "?")): variables.get("ansible_facts")})
    hostvars = variables.get("hostvars")
    if not faults or hostvars is None:
        return faults
    hosts = (variables.get("groups") or {}).get("all", [])
    return planted({str(host): hostvars.raw_get(host).get("ansible_facts") for host in hosts}) or faults


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
