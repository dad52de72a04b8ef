#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rolling_info
short_description: What a host waits for, of what a rolling restart does
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Finds tor daemons whose program has been replaced since they started, as by an upgrade of the package, and a
    publisher that is older than its program or unit.
  - Finds instances that the host's publisher or keeper leaves out, by which a run that was stopped is known.
  - Finds out whether somebody asked for a reboot, by the file C(/run/onionfleet-reboot), which a reboot removes.
extends_documentation_fragment:
  - onionfleet.balance.attributes.read_only
  - onionfleet.balance.internal
  - onionfleet.balance.host
  - onionfleet.balance.host.daemons
options:
  daemons:
    required: true
"""

EXAMPLES = r"""
- name: See who runs an old tor
  onionfleet.balance.rolling_info:
    daemons: [newsroomw1, newsroomw2]
  register: found
"""

RETURN = r"""
outdated:
  description: Daemons that run, and whose program on the disk is another one by now.
  returned: success
  type: list
  elements: str
publisher:
  description: Whether the publisher's program or unit is newer than the publisher that runs.
  returned: success
  type: bool
left_out:
  description: >-
    Instances, as C(host/daemon), that the publisher is configured to leave out, or that the running keeper takes no
    turn with.
  returned: success
  type: list
  elements: str
reboot:
  description: Whether the host is to be rebooted.
  returned: success
  type: bool
"""

import contextlib
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations, systemd
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import keeper_status, publisher_files
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.publisher_status import read_status


def run(daemons: t.Sequence[str]) -> t.Dict[str, t.Any]:
    return {
        "outdated": [name for name, pid in systemd.processes(daemons).items() if pid and replaced(pid)],
        "publisher": publisher_outdated(),
        "left_out": [*left_out()],
        "reboot": os.path.exists(locations.REBOOT_WANTED),
    }


def replaced(pid: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith(" (deleted)")
    except FileNotFoundError:  # it has just ended
        return False


def publisher_outdated() -> bool:
    try:
        return publisher_files.program_changed() > read_status(locations.PUBLISHER_STATUS, 5)["started"]
    except OnionfleetError:  # one that does not run is the matter of a deployment
        return False


def left_out() -> t.Iterator[str]:
    with contextlib.suppress(OnionfleetError):
        for service in publisher_files.configured():
            yield from (each["name"] for each in service["instances"] if each["drained"])
    with contextlib.suppress(OnionfleetError):
        for service in keeper_status.read_status(locations.KEEPER_STATUS, 5)["services"]:
            yield from (each["name"] for each in service["replicas"] if each["drained"])


def main() -> None:
    module = AnsibleModule({"daemons": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True)
    if os.geteuid() != 0:
        module.fail_json(msg="which program a daemon runs is seen by root only; set become: true")
    with errors_fail(module):
        found = run(module.params["daemons"])
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
