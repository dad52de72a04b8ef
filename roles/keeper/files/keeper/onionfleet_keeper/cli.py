# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, and the loop that lets each service do what is due."""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import logging
import os
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.onionfleet.balance.plugins.module_utils._programs import outlets

from onionfleet_keeper import daemon, report, settings, status_socket
from onionfleet_keeper.client import Client
from onionfleet_keeper.watch import Watch

TURN_SECONDS, METRICS_SECONDS = 1.0, 15.0
THREADS = 5  # for each service: three probes, a reading, the targets
REFUSED = 1
log = logging.getLogger("onionfleet")


def main(arguments: Sequence[str]) -> int:
    """Run until told to end; 1: refused to start, with one line that says why."""
    options = _parser().parse_args(arguments)
    outlets.log_to([log])
    log.setLevel(logging.INFO)
    try:
        config = settings.parse(options.config.read_bytes())
    except (OSError, settings.ConfigFault) as error:
        log.critical("Refused to start: %s: %s", options.config, error)
        return REFUSED
    if options.release:
        for fault in daemon.release(
            daemon.Daemon(one.control, service.address, one.pow)
            for service in config.services
            for one in service.daemons
        ):
            log.warning("Left as it is: %s", fault)
    elif not options.check:
        _run(config)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onionfleet-keeper", description="Keeps a healthy replica of each hardmap published."
    )
    parser.add_argument(
        "config", nargs="?", type=pathlib.Path, default=pathlib.Path("/etc/onionfleet/keeper/config.json")
    )
    parser.add_argument("--check", action="store_true", help="check the configuration, and end")
    parser.add_argument(
        "--release",
        action="store_true",
        help="bring the daemons back to tor's own behaviour, and end (after the keeper did)",
    )
    return parser


def _run(config: settings.Config) -> None:
    ended, run = threading.Event(), pathlib.Path(config.run)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_other: ended.set())
    with concurrent.futures.ThreadPoolExecutor(THREADS * max(len(config.services), 1)) as pool:
        client = Client(config.control, config.socks)
        watches = [Watch(service, client, pool) for service in config.services]

        turned = time.monotonic()

        def status() -> dict[str, Any]:
            return {
                "time": time.time(),
                "turned": time.monotonic() - turned,
                "services": [watch.status() for watch in watches],
            }

        status_socket.serve(run / "status.sock", lambda: json.dumps(status()) + "\n")
        outlets.notify("READY=1")
        log.info("Keeper of %d services", len(watches))
        told = float("-inf")
        while not ended.wait(TURN_SECONDS):
            for watch in watches:
                _safely(watch)
                outlets.notify("WATCHDOG=1")
            turned = time.monotonic()
            if time.monotonic() - told > METRICS_SECONDS:
                told = time.monotonic()
                outlets.replace(run / "metrics.prom", report.metrics(status()))
        outlets.notify("STOPPING=1")
        sys.stderr.flush()
        os._exit(0)  # a probe that waits for a tor that hangs must not keep us


def _safely(watch: Watch) -> None:
    try:
        watch.turn()
    except Exception:
        log.exception("%s: this should not happen; going on", watch.config.name)
