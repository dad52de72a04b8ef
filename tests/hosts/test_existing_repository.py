# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role in somebody's own plays, beside their own roles: tests/infrastructure."""

from __future__ import annotations

import pathlib

from onion_fleet import service

SITE = pathlib.Path(__file__).parents[1] / "infrastructure" / "site.yml"


def test_the_role_stands_alone_in_a_repository_with_other_roles(fresh):
    fresh.operator.declare(service("alpha"))
    fresh.operator.run("keys")
    fresh.operator.run(str(SITE))
    again = fresh.operator.run(str(SITE))
    assert again.changes == []
    assert again.results("Tell what was found")
    assert all(host.sh("cat /etc/motd") == "A web server of ours." for host in fresh.hosts)
