# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host where somebody's own tor was there first."""

from __future__ import annotations

from onion_fleet import service


def test_a_tor_in_use_is_left_alone(fresh):
    web1 = fresh.hosts[0]
    options = fresh.operator.network["onion_network_options"]
    web1.sh("systemctl mask -q tor.service tor@default.service; apt-get update -qq")
    web1.sh("DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends tor 2>&1")
    web1.sh("systemctl unmask -q tor.service tor@default.service")
    web1.write(
        "/etc/tor/torrc",
        "SocksPort 127.0.0.1:9050\n" + "".join(f"{each['option']} {each['value']}\n" for each in options),
    )
    web1.sh("systemctl start tor@default")
    before = web1.sh(
        "systemctl show -P MainPID -P InvocationID tor@default; "
        "systemctl is-enabled tor.service tor@default; cat /etc/tor/torrc",
        check=False,
    )
    fresh.operator.declare(service("alpha"))
    fresh.operator.run("keys")
    fresh.operator.deploy()
    after = web1.sh(
        "systemctl show -P MainPID -P InvocationID tor@default; "
        "systemctl is-enabled tor.service tor@default; cat /etc/tor/torrc",
        check=False,
    )
    assert after == before
    assert web1.sh("systemctl is-active tor@default") == "active"
    assert set(web1.daemons()) == {"default", "alphaw1", "onionprobe"}
