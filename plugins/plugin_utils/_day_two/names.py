# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that the operator gives to a playbook, on the command line or in a file.

Module Overview:

    names   the value of a variable -> names
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.values import shown


def names(value: t.Any, variable: str) -> t.List[str]:
    """The names in a list, or in a text with commas, each once and without spaces around it.

    :param value: of the variable. :param variable: its name, for the fault.
    :raises OnionfleetError: it is neither, or the list holds something else than texts.
    """
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)):
        raise OnionfleetError(f"{variable}: is {shown(value)}; write a list of names, or names with commas between")
    faults = [
        f"{variable}: entry {number} is {shown(name)}; write a name"
        for number, name in enumerate(given, 1)
        if not isinstance(name, str)
    ]
    if faults:
        raise OnionfleetError(*faults)
    return [name for name in dict.fromkeys(str(each).strip() for each in given) if name]
