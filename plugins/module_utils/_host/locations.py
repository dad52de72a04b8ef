# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are on a host: Debian's layout for several tor instances."""

from __future__ import annotations

import os

INSTANCES_ROOT = "/etc/tor/instances"
DATA_ROOT = "/var/lib/tor-instances"
RUN_ROOT = "/run/tor-instances"
RECORDS_ROOT = "/var/lib/onionfleet/loaded"
PUBLISHER_ROOT = "/etc/onionfleet/publisher"
PUBLISHER_CONFIG = PUBLISHER_ROOT + "/config.yaml"
PUBLISHER_STATUS = "/run/onionfleet-publisher/status.sock"
PUBLISHER_PROGRAM = "/usr/local/lib/onionfleet/publisher"
PUBLISHER_UNIT = "/etc/systemd/system/onionfleet-publisher.service"
PUBLISHER_USER = "_onionpublisher"
KEEPER_CREDENTIALS = "/etc/onionfleet/keeper/credentials.json"
KEEPER_STATUS = "/run/onionfleet-keeper/status.sock"
KEEPER_ROOT = "/etc/onionfleet/keeper"
KEEPER_CONFIG = "/etc/onionfleet/keeper/config.json"
KEEPER_PROGRAM = "/usr/local/lib/onionfleet/keeper"
KEEPER_UNIT = "/etc/systemd/system/onionfleet-keeper.service"
# records of ours about a host: what its daemons loaded, and what the role tor changed about the host's own tor
HOST_ROOT = "/var/lib/onionfleet"
# there until the host is rebooted
REBOOT_WANTED = "/run/onionfleet-reboot"
MARKER = "# Managed by onionfleet.balance"


def daemon_user(daemon: str) -> str:
    """The system user that an instance runs as."""
    return f"_tor-{daemon}"


def torrc_path(daemon: str) -> str:
    """The main configuration file of an instance."""
    return os.path.join(INSTANCES_ROOT, daemon, "torrc")


def service_directory(daemon: str, directory: str) -> str:
    """The folder with a service's key."""
    return os.path.join(DATA_ROOT, daemon, directory)


def publisher_key(service: str) -> str:
    """The folder with the key of a service that this host publishes."""
    return os.path.join(PUBLISHER_ROOT, "keys", service)


def control_socket(daemon: str) -> str:
    """The control port of an instance."""
    return os.path.join(RUN_ROOT, daemon, "control")


def is_managed(torrc: str) -> bool:
    """Whether we wrote this torrc."""
    with open(torrc, encoding="utf-8", errors="replace") as lines:
        return lines.readline().startswith(MARKER)
