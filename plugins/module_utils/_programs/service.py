# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publisher and keeper as services of systemd.

Overview::

  bring   have a unit enabled and running, or neither
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._host import systemd


def bring(unit: str, act: str, *, check: bool) -> t.List[str]:
    """Have a unit enabled and running, or neither.

    :param unit: path of its file. :param act: ``start``, ``reload`` or ``restart`` what runs, or ``stop``.
    :param check: whether only to say what would be done.
    :returns: what systemctl had to do, in its words; nothing where all is as it should be.
    :raises OnionfleetError: systemd refused, or the program did not start.
    """
    name = os.path.basename(unit)
    verbs = _verbs(*_now(name), act)
    if verbs and not check:
        systemd.run("systemctl", "daemon-reload", timeout=60)
        for verb in verbs:
            systemd.run("systemctl", verb, name, "--quiet", timeout=400)
    return verbs


def _now(name: str) -> t.Tuple[bool, bool]:
    """Whether a unit is enabled, and whether it runs; neither where there is none."""
    output = systemd.run("systemctl", "show", "--property=UnitFileState,ActiveState", name, timeout=30)
    values = dict(line.partition("=")[::2] for line in output.splitlines())
    return values.get("UnitFileState") == "enabled", values.get("ActiveState") in ("active", "activating", "reloading")


def _verbs(enabled: bool, active: bool, act: str) -> t.List[str]:
    if act == "stop":
        return ["disable"] * enabled + ["stop"] * active
    return ["enable"] * (not enabled) + (["start"] if not active else [act] if act != "start" else [])
