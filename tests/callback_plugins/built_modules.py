# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what Ansible builds of each module for its hosts, half a second each, which it throws away after each run."""

from __future__ import annotations

DOCUMENTATION = """
name: built_modules
type: aggregate
short_description: Share built modules between runs of the tests
description: See the module's docstring.
"""

import os

from ansible import constants
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """BUILT_MODULES is the folder; for runs of one version of ansible-core and of the collection only."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "built_modules"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        folder = os.environ["BUILT_MODULES"]
        os.makedirs(folder, exist_ok=True)
        os.symlink(folder, os.path.join(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache"))
