# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet with keys for all tests of hosts that lie."""

from __future__ import annotations

import pytest
from hostile.fleet import HONEST, Fleet, lightened
from hostile.verdict import ordered


@pytest.fixture(scope="session")
def deployed(tmp_path_factory):
    """A fleet with keys that was deployed once, honestly: its files are known, so that later runs copy few."""
    fleet = Fleet(tmp_path_factory.mktemp("honest"), lightened(tmp_path_factory.mktemp("collections")))
    made = fleet.run("keys")
    assert made.code == 0, made.output
    fleet.declare()  # with credentials, now that there are addresses
    fleet.prepare()
    done = fleet.run("deploy")
    assert done.code == 0, done.output
    fleet.learn()
    fleet.orders = {host: ordered(done, host) for host in HONEST}
    return fleet
