# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import action as deciding
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons.action import State, decide

DIR = "/var/lib/tor-instances/x/shop"
FILE = DIR + "/authorized_clients/anna.auth"
LOADED = State([("SocksPort", "0"), ("SafeLogging", "1")], {DIR: [("HiddenServicePort", "80 127.0.0.1:1"),
               ("HiddenServiceNumIntroductionPoints", "5")]}, {FILE: "aa"})


def changed(**fields: object) -> State:
    return dataclasses.replace(LOADED, **fields)  # type: ignore[arg-type]


def service(*lines: tuple[str, str]) -> dict[str, list[tuple[str, str]]]:
    return {DIR: list(lines)}


@pytest.mark.parametrize(
    ("wanted", "action"),
    [
        (LOADED, None),
        (changed(options=list(reversed(LOADED.options))), None),
        (changed(options=[("socksport", "0"), ("safelogging", "1")]), None),
        (changed(options=[("SocksPort", "0")]), "reload"),
        (changed(options=LOADED.options + [("Sandbox", "1")]), "restart"),
        (changed(options=LOADED.options + [("HiddenServiceSingleHopMode", "1")]), "restart"),
        (changed(services={**LOADED.services, DIR + "2": []}), "reload"),
        (changed(services={}, files={}), "reload"),
        (
            changed(
                services=service(("HiddenServicePort", "80 127.0.0.1:2"), ("HiddenServiceNumIntroductionPoints", "5"))
            ),
            "reload",
        ),
        (
            changed(
                services=service(("HiddenServicePort", "80 127.0.0.1:1"), ("HiddenServiceNumIntroductionPoints", "6"))
            ),
            "reload",
        ),
        (
            changed(
                services=service(("HiddenServicePort", "80 127.0.0.1:1"), ("HiddenServiceNumIntroductionPoints", "4"))
            ),
            "restart",
        ),
        (changed(services=service(("HiddenServicePort", "80 127.0.0.1:1"))), "restart"),
        (changed(files={}), "reload"),
        (changed(files={FILE: "bb"}), "reload"),
        (changed(files={**LOADED.files, DIR + "/ob_config": "cc"}), "restart"),
        (changed(services=service(*LOADED.services[DIR], ("HiddenServiceOnionBalanceInstance", "1"))), "restart"),
        (
            changed(
                services={**LOADED.services, DIR + "2": [("HiddenServiceOnionBalanceInstance", "1")]},
                files={**LOADED.files, DIR + "2/ob_config": "cc"},
            ),
            "reload",
        ),
    ],
)
def test_decide_on_a_running_daemon(wanted: State, action: str | None) -> None:
    decision = decide(wanted, LOADED, active=True, enabled=True)
    assert decision.action == action
    assert bool(decision.reasons) == bool(action)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (("HeartbeatPeriod", "6 hours"), "21600"),
        (("heartbeatperiod", "1 day"), "86400"),
        (("KeepalivePeriod", "60"), "60"),
        (("MaxMemInQueues", "512 MBytes"), "536870912"),
        (("BandwidthRate", "1 MBit"), "131072"),
        (("BandwidthBurst", "2 GB"), "2147483648"),
    ],
)
def test_tor_tells_values_with_units_without(written: tuple[str, str], told: str) -> None:
    """By GETINFO config-text, where no record tells what it has loaded."""
    keyword, _value = written
    assert (
        decide(changed(options=[written]), changed(options=[(keyword, told)]), active=True, enabled=True).action is None
    )
    assert decide(
        changed(options=[written]), changed(options=[(keyword, told + "0")]), active=True, enabled=True
    ).reasons


def test_new_services_need_a_restart_in_the_sandbox() -> None:
    loaded = changed(options=LOADED.options + [("Sandbox", "1")])
    for wanted in ({**LOADED.services, DIR + "2": []}, LOADED.services):
        files = LOADED.files if wanted is not LOADED.services else {}
        decision = decide(dataclasses.replace(loaded, services=wanted, files=files), loaded, active=True, enabled=True)
        assert decision.action == "restart"
    assert (
        decide(dataclasses.replace(loaded, services={}, files={}), loaded, active=True, enabled=True).action == "reload"
    )


@pytest.mark.parametrize(
    ("wanted", "loaded", "active", "enabled", "action"),
    [
        (LOADED, None, False, True, "start"),
        (LOADED, None, True, True, "restart"),
        (None, LOADED, True, True, "stop"),
        (None, None, False, True, "stop"),
        (None, None, False, False, None),
    ],
)
def test_decide_by_the_unit(
    wanted: State | None, loaded: State | None, active: bool, enabled: bool, action: str | None
) -> None:
    assert decide(wanted, loaded, active=active, enabled=enabled).action == action


def test_state_of_follows_includes_in_order() -> None:
    config = {
        "/e/torrc": "SocksPort 0\nHiddenServiceSingleHopMode 1\n%include /e/services/\n",
        "/e/services/b.conf": "HiddenServiceDir /d/b/\nHiddenServicePort 80 127.0.0.1:1\n",
        "/e/services/a.conf": "HiddenServiceDir /d/a\nHiddenServicePort 81 127.0.0.1:1\n",
        "/e/services/.c.conf.new": "HiddenServiceDir /d/c\n",
        "/e/services/deep/d.conf": "HiddenServiceDir /d/d\n",
    }
    state = deciding.state_of("/e/torrc", config, {"/d/a/ob_config": b"x"})
    assert state.options == [("SocksPort", "0"), ("HiddenServiceSingleHopMode", "1")]
    assert list(state.services) == ["/d/a", "/d/b"]
    assert state.services["/d/b"] == [("HiddenServicePort", "80 127.0.0.1:1")]
    assert State.from_data(json.loads(json.dumps(state.to_data()))) == state
