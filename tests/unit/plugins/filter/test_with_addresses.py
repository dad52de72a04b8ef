# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter with_addresses, as the role writes it."""

from __future__ import annotations

import jinja2
from ansible_collections.onionfleet.balance.plugins.filter import with_addresses

SERVICES = [
    {
        "name": "archive",
        "address": "front",
        "port": 80,
        "instances": [
            {"name": "app1/archiveb1", "directory": "archive-backend", "drained": False},
            {"name": "app2/archiveb1", "directory": "archive-backend", "drained": False},
        ],
    }
]


def test_with_addresses():
    filters = with_addresses.FilterModule().filters()
    assert set(filters) == {"with_addresses"}
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.filters.update({f"onionfleet.balance.{name}": function for name, function in filters.items()})
    expression = "services | onionfleet.balance.with_addresses(own, configured, plan.services)"
    render = environment.compile_expression(expression)
    found = {"daemons": [{"name": "archiveb1", "services": [{"directory": "archive-backend", "address": "one"}]}]}
    instance = {"name": "app2/archiveb1", "address": "two", "drained": False}
    before = {"configured": [{"name": "archive", "instances": [instance]}]}
    plan = {"services": {"archive": {"publishers": [{"host": "pub1"}, {"host": "pub2"}]}}}
    own, configured = {"app1": found, "app2": {}}, {"pub1": before, "pub2": {}}
    (service,) = render(services=SERVICES, own=own, configured=configured, plan=plan)
    assert [entry["address"] for entry in service["instances"]] == ["one", "two"]
