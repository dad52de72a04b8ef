# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator can mend, as an error of ansible-core.

Module Overview:

    as_filter   a function that raises OnionfleetError -> one that raises AnsibleFilterError
"""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError


def as_filter(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """The function as a filter, whose faults fail a task with their own words."""

    @functools.wraps(function)
    def filtered(*arguments: t.Any, **options: t.Any) -> t.Any:
        try:
            return function(*arguments, **options)
        except OnionfleetError as error:
            raise AnsibleFilterError(str(error)) from None

    return filtered
