# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The laboratory of softmaps: two publishers, and hosts of backends."""

from __future__ import annotations

import json
import pathlib

from laboratory import Laboratory, say, wait_for

PUBLISHERS = ("pub1", "pub2")
STATUS = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(5); "
    "s.connect('/run/onionfleet-publisher/status.sock'); print(''.join(iter(lambda: s.recv(65536).decode(), '')))"
)


class SoftmapLaboratory(Laboratory):
    """With hosts app1, app2 and so on."""

    def __init__(self, folder: pathlib.Path, apps: int, **settings) -> None:
        names = (*PUBLISHERS, *(f"app{number}" for number in range(1, apps + 1)))
        super().__init__(folder, dict.fromkeys(names, "bookworm"), **settings)

    def status(self, publisher: str, service: str) -> dict:
        """What a publisher says of a service; empty while it does not."""
        answer = self.hosts[publisher].sh(f'python3 -c "{STATUS}"', check=False)
        services = json.loads(answer)["services"] if answer.startswith("{") else []
        return next((each for each in services if each["name"] == service), {})

    def states(self, publisher: str, service: str) -> dict[str, str]:
        """Backend -> state."""
        return {each["name"]: each["state"] for each in self.status(publisher, service).get("instances", [])}

    def wait_until_up(self, service: str, backends: int, publishers=PUBLISHERS, timeout: float = 300) -> None:
        say(f"waiting until {' and '.join(publishers)} see {backends} backends of {service}, and uploads are through")

        def up() -> bool:
            for publisher in publishers:
                status = self.status(publisher, service)
                states = [each["state"] for each in status.get("instances", [])]
                if states != ["up"] * backends or any(
                    each["uploaded"] < each["hsdirs"] or not each["hsdirs"] for each in status["descriptors"]
                ):
                    return False
            return True

        wait_for(up, f"all backends of {service} are up", timeout)

    def backends(self, service: str) -> dict[str, str]:
        """Backend (host/daemon) -> its own address."""
        config = json.loads(self.hosts[PUBLISHERS[0]].sh("cat /etc/onionfleet/publisher/config.yaml"))
        instances = next(each["instances"] for each in config["services"] if each["name"] == service)
        return {each["name"]: each["address"] for each in instances}
