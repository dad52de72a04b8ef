# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan costs grows with services and instances, and no faster.

Steps of the interpreter are counted: they are the same each time.
"""

from __future__ import annotations

import sys

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan

PORTS = [{"port": 80, "target": "127.0.0.1:8080"}]


def declaration(services, hosts, each, **fields):
    """Each service runs on so many hosts, which it names one by one, and has another target on all of them."""
    names = [f"host{number}" for number in range(hosts)]
    where = "backends" if fields["layout"] == "softmap" else "replicas"
    declared = [
        {
            "name": f"service{number}",
            "ports": PORTS,
            where: [names[(number + step) % hosts] for step in range(each)],
            **fields,
        }
        for number in range(services)
    ]
    return Declaration(
        services=declared,
        groups={"all": names, "ungrouped": names, "pub": names[:2]},
        targets={host: {service["name"]: {80: "127.0.0.1:81"} for service in declared if host in service[where]}
                 for host in names},
        drained=[f"host{number}" for number in range(each // 2)] if "keeper" in fields and each > 10 else [],
        keys_required=False,
    )


def steps(declared):
    count = 0

    def trace(frame, event, _argument):
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        make_plan(declared).as_dict()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "fields", [{"layout": "hardmap"}, {"layout": "hardmap", "keeper": True}, {"layout": "softmap", "publishers": "pub"}]
)
@pytest.mark.parametrize(
    "size",
    [lambda number: (number, 10 * number, 3), lambda number: (2, 2 * number, 2 * number)],
    ids=["services", "instances"],
)
def test_twice_as_much_takes_twice_as_long(size, fields):
    small, large = (steps(declaration(*size(number), **fields)) for number in (15, 30))
    assert large < 2.2 * small
