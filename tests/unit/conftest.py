# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-core 2.18 has no ansible.module_utils.testing; its tests get the part that they use."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import types
from unittest import mock

from ansible.module_utils import basic


@contextlib.contextmanager
def patch_module_args(args=None):
    """As in ansible-core 2.19."""
    given = json.dumps({"ANSIBLE_MODULE_ARGS": args or {}}).encode()
    with mock.patch.object(basic, "_ANSIBLE_ARGS", given):
        yield


if importlib.util.find_spec("ansible.module_utils.testing") is None:
    stand_in = types.ModuleType("ansible.module_utils.testing")
    stand_in.patch_module_args = patch_module_args
    sys.modules[stand_in.__name__] = stand_in
