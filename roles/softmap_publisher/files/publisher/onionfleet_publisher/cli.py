# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import pathlib
import sys
import warnings
from collections.abc import Sequence

from ansible_collections.onionfleet.balance.plugins.module_utils._programs import outlets

from onionfleet_publisher import wheel

RUN = "/run/tor-instances/onionpublisher"
REFUSED = 1


def main(arguments: Sequence[str]) -> int:
    """Run until told to end; 1: refused to start, with one line that says why."""
    options = _parser().parse_args(arguments)
    _log(options.verbose)
    warnings.simplefilter("ignore")  # of what stem does in newer Pythons
    try:
        _engine(options.wheel_folder)
        return _run(options)
    except wheel.Refused as error:
        logging.getLogger("onionfleet").critical("Refused to start: %s", error)
        return REFUSED


def _parser() -> argparse.ArgumentParser:
    program = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        prog="onionfleet-publisher", description="Publishes onion services for their backends."
    )
    parser.add_argument(
        "config", nargs="?", type=pathlib.Path, default=pathlib.Path("/etc/onionfleet/publisher/config.yaml")
    )
    parser.add_argument(
        "--control", default=f"{RUN}/control", help="control socket of the publisher's tor (%(default)s)"
    )
    parser.add_argument(
        "--socks", default=f"{RUN}/probe.sock", help="SOCKS socket of that tor, for probes (%(default)s)"
    )
    parser.add_argument(
        "--wheel-folder", type=pathlib.Path, default=program, help="where Onionbalance's wheel is (%(default)s)"
    )
    parser.add_argument("--check", action="store_true", help="check program, configuration and keys, and end")
    parser.add_argument("--verbose", action="store_true", help="log each failed probe too")
    return parser


def _log(verbose: bool) -> None:
    """Libraries are not heard."""
    logging.getLogger().addHandler(logging.NullHandler())
    outlets.log_to(map(logging.getLogger, ("onionfleet", "asyncio")))
    logging.getLogger("onionfleet").setLevel(logging.DEBUG if verbose else logging.INFO)


def _engine(folder: pathlib.Path) -> None:
    """Make Onionbalance importable, and see that it is what we know."""
    wheel.add(folder)
    from onionfleet_publisher import overrides

    faults = overrides.check()
    if faults:
        raise wheel.Refused("Onionbalance or stem is not as this program knows it: " + "; ".join(faults))


def _run(options: argparse.Namespace) -> int:
    from onionfleet_publisher.engine import KeyFault
    from onionfleet_publisher.loop import Publisher
    from onionfleet_publisher.settings import ConfigFault

    try:
        publisher = Publisher(options.config, options.control, options.socks)
    except (OSError, ConfigFault, KeyFault) as error:
        raise wheel.Refused(f"{options.config}: {error}") from None
    if not options.check:
        try:
            asyncio.run(publisher.run())
        except OSError as error:  # the sockets of tor may come later, and ours must be possible now
            raise wheel.Refused(f"status socket: {error}") from None
        sys.stderr.flush()
        os._exit(0)  # a thread that waits for a tor that hangs must not keep us
    return 0
