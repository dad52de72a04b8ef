# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import options as known_options
from hypothesis import given, settings
from hypothesis import strategies as st

PORTS = [{"port": 80, "target": "127.0.0.1:8080"}]
KEY = "NBWMNHGXC3D5ADAVXWFNFGHJ6ZJRWX2DEFDZ4ODNZHZ7FSLQGRKQ"


def one(service: dict[str, t.Any]) -> str:
    (fault,) = known_options.service_faults({"ports": PORTS, **service})
    return fault


@pytest.mark.parametrize(
    ("service", "wanted"),
    [
        ({"introduction_ponts": 5}, "did you mean introduction_points?"),
        ({"introduction_points": 2}, "introduction_points: is 2; write a number from 3 to 20"),
        ({"introduction_points": 21}, "from 3 to 20"),
        ({"introduction_points": True}, "the boolean true"),
        ({"introduction_points": "many"}, "the text 'many'"),
        ({"max_streams": 65536}, "from 0 to 65535"),
        ({"allow_unknown_ports": "perhaps"}, "write true or false"),
        ({"allow_unknown_ports": 1}, "the number 1"),
        ({"pow": {"enable": True}}, "did you mean enabled?"),
        ({"pow": {"queue_rate": -1}}, "pow.queue_rate: is -1"),
        ({"pow": True}, "write a mapping with enabled"),
        ({"export_circuit_id": "nginx"}, "write haproxy"),
        ({"ports": []}, "ports: is empty"),
        ({"ports": {}}, "write a list of mappings"),
        ({"ports": None}, "ports: is missing"),
        ({"ports": [{"port": 0, "target": "127.0.0.1:1"}]}, "ports[0].port: is 0"),
        ({"ports": [{"port": 80}]}, "give one of target and targets"),
        ({"ports": [{"port": 80, "target": "localhost:80"}]}, "an IP address is wanted"),
        ({"ports": [{"port": 80, "target": "127.0.0.1:65536"}]}, "not from 1 to 65535"),
        ({"ports": [{"port": 80, "target": "::1:80"}]}, "without brackets"),
        ({"ports": [{"port": 80, "target": "unix:run/x"}]}, "not absolute"),
        ({"ports": [{"port": 80, "target": "unix:/run/a b"}]}, "with a space"),
        ({"ports": [{"port": 80, "target": "unix:/" + "x" * 104}]}, "a path of 105 bytes"),
        ({"ports": PORTS + [{"port": "80", "target": "127.0.0.1:1"}]}, "port 80 is in ports[0] already"),
        ({"authorized_clients": [{"name": "a/b", "public_key": KEY}]}, "use letters, digits"),
        ({"authorized_clients": [{"name": "a", "public_key": "A" * 51}]}, "52 characters of base32"),
        ({"authorized_clients": [{"name": "a", "public_key": "A" * 52}]}, "small order"),
        (
            {"authorized_clients": [{"name": "a", "public_key": KEY}, {"name": "b", "public_key": KEY}]},
            "each client has its own",
        ),
        ({"extra": [{"option": "HiddenServiceDir", "value": "/x"}]}, "layout"),
        ({"extra": [{"option": "hiddenserviceport", "value": "1"}]}, "use 'ports'"),
        ({"extra": [{"option": "ORPort", "value": "1"}]}, "no option of a service"),
        ({"extra": [{"option": "HiddenServiceNew 1\nORPort", "value": "1"}]}, "the name of an option"),
        ({"onionbalance_frontends": ["x.onion"]}, "address of a frontend"),
    ],
)
def test_faults_of_services(service: dict[str, t.Any], wanted: str) -> None:
    assert wanted in one(service)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"safe_loging": True}, "did you mean safe_logging?"),
        ({"heartbeat_period": "6 hourz"}, "a time such as"),
        ({"max_mem_in_queues": "lots"}, "an amount such as"),
        ({"metrics_port": "9000 prometheus"}, "not from 1 to 65535"),
        ({"outbound_bind_address": ["eth0"]}, "write an IP address"),
        ({"log_level": "loud"}, "notice"),
        ({"extra": [{"option": "x" * 101, "value": "1"}]}, "write the name of an option of tor"),
        ({"extra": [{"option": "DataDir", "value": "/x"}]}, "layout"),
        ({"extra": [{"option": "User", "value": "root"}]}, "layout"),
        ({"extra": [{"option": "Socks5ProxyPassword", "value": "x"}]}, "holds a secret"),
        ({"extra": [{"option": "httpsproxyauth", "value": "x"}]}, "onion_option_secrets"),
        ({"extra": [{"option": "Socks5Proxy", "value": "x"}]}, "use 'socks5_proxy'"),
        ({"extra": [{"option": "%include", "value": "/x"}]}, "the name of an option"),
        ({"extra": [{"option": "HiddenServiceDir", "value": "/x"}]}, "belongs to a service"),
        ({"extra": [{"option": "SafeLogging", "value": "0"}]}, "use 'safe_logging'"),
    ],
)
def test_faults_of_daemons(options: dict[str, t.Any], wanted: str) -> None:
    (fault,) = known_options.daemon_option_faults(options)
    assert wanted in fault


def test_all_faults_at_once_and_fields_of_others() -> None:
    faults = known_options.service_faults({"ports": [{"port": 0}], "pow": 1, "layout": "x"})
    assert [fault.partition(":")[0] for fault in faults] == ["'layout'", "pow", "ports[0].port", "ports[0]"]
    assert known_options.service_faults({"ports": PORTS, "layout": "x"}, frozenset(["layout"])) == []


BAD = st.sampled_from(["\n", "\r", '"', "\\", "\0", "\x85", "\u2028", "\t", "é"])


@settings(max_examples=60, deadline=None)
@given(before=st.text("abc:/1.", max_size=5), bad=BAD, after=st.text("ab ", max_size=5))
def test_no_text_field_takes_what_could_end_a_line(before: str, bad: str, after: str) -> None:
    text = before + bad + after
    services: list[dict[str, t.Any]] = [
        {"ports": [{"port": 80, "target": text}]},
        {"ports": [{"port": 80, "target": "unix:/" + text}]},
        {"export_circuit_id": text},
        {"extra": [{"option": "HiddenServiceNew", "value": text}]},
        {"extra": [{"option": text, "value": "1"}]},
        {"authorized_clients": [{"name": text, "public_key": KEY}]},
        {"authorized_clients": [{"name": "a", "public_key": text}]},
        {"max_streams": text},
        {"allow_unknown_ports": text},
    ]
    for service in services:
        assert known_options.service_faults({"ports": PORTS, **service}), service
    for field, option in known_options.DAEMON.items():
        assert known_options.daemon_option_faults({field: text}), option
        assert known_options.daemon_option_faults({field: [text]}), option


def test_lines() -> None:
    service = {
        "ports": [{"port": "80", "targets": ["127.0.0.1:1", "[::1]:2"]}, {"port": 443, "target": "unix:/run/x"}],
        "pow": {"enabled": "True", "queue_rate": 5},
        "max_streams": None,
        "introduction_dos": {"enabled": False},
        "extra": [{"option": "HiddenServiceNew", "value": True}],
    }
    assert known_options.service_faults(service) == []
    assert known_options.service_lines(service) == [
        ("HiddenServicePort", "80 127.0.0.1:1"),
        ("HiddenServicePort", "80 [::1]:2"),
        ("HiddenServicePort", "443 unix:/run/x"),
        ("HiddenServiceEnableIntroDoSDefense", "0"),
        ("HiddenServicePoWDefensesEnabled", "1"),
        ("HiddenServicePoWQueueRate", "5"),
        ("HiddenServiceNew", "1"),
    ]
    options = {
        "log_level": "warn",
        "outbound_bind_address": ["192.0.2.1", "2001:db8::1"],
        "exclude_nodes": ["{aa}", "{bb}"],
        "safe_logging": "relay",
        "metrics_port": 9035,
        "heartbeat_period": "1 hour",
    }
    assert known_options.daemon_option_faults(options) == []
    assert known_options.daemon_lines(options) == [
        ("ExcludeNodes", "{aa},{bb}"),
        ("HeartbeatPeriod", "1 hour"),
        ("Log", "warn syslog"),
        ("MetricsPort", "9035"),
        ("OutboundBindAddress", "192.0.2.1"),
        ("OutboundBindAddress", "[2001:db8::1]"),
        ("SafeLogging", "relay"),
    ]


def test_restart_keywords_grow_with_the_sandbox() -> None:
    assert {"sandbox", "hiddenservicesinglehopmode", "connlimit"} <= known_options.restart_keywords(False)
    assert "log" in known_options.restart_keywords(True) - known_options.restart_keywords(False)


def test_secrets_are_for_secret_options_and_never_shown() -> None:
    assert (
        known_options.secret_faults({"Socks5ProxyPassword": 'a "b" \\ # c', "HTTPSProxyAuthenticator": "user:password"})
        == []
    )
    for secret in ("", "hunt\ner", "hunter\0", "h\u00fcnter", 5, "x" * 256, " hunter"):
        (fault,) = known_options.secret_faults({"Socks5ProxyPassword": secret})
        assert fault.startswith("option_secrets: Socks5ProxyPassword: ")
        assert "hunt" not in fault
    assert "did you mean" in known_options.secret_faults({"Socks5ProxyPasword": "x"})[0]
    assert "ORPort" in known_options.secret_faults({"ORPort": "x"})[0]


@pytest.mark.parametrize(
    ("service", "faults"),
    [
        (
            {"introduction_dos": {"enabled": True, "rate_per_second": 300}},
            ["introduction_dos.burst_per_second: is 200, less than"],
        ),
        (
            {"introduction_dos": {"enabled": "True", "burst_per_second": "18"}},
            ["introduction_dos.burst_per_second: is 18, less than"],
        ),
        ({"introduction_dos": {"enabled": False, "burst_per_second": 18}}, []),
        ({"introduction_dos": {"enabled": True, "burst_per_second": 25}}, []),
        (
            {"pow": {"enabled": True, "queue_rate": 7, "queue_burst": 6}},
            ["pow.queue_burst: is 6, less than queue_rate, 7, which tor refuses"],
        ),
        ({"pow": {"enabled": True, "queue_rate": 7, "queue_burst": 7}}, []),
    ],
)
def test_tor_refuses_a_burst_below_its_rate(service: dict[str, t.Any], faults: list[str]) -> None:
    found = known_options.service_faults({"ports": PORTS, **service})
    assert len(found) == len(faults)
    assert all(fault.startswith(expected) for fault, expected in zip(found, faults))


@pytest.mark.parametrize(
    ("options", "single_hop", "faults"),
    [
        ({}, True, []),
        ({"bandwidth_rate": "2 MBytes"}, False, []),
        ({"bandwidth_burst": "4 MBytes"}, False, ["bandwidth_burst: is 4194304 bytes, less than bandwidth_rate, 1"]),
        ({"bandwidth_rate": "2 GByte", "bandwidth_burst": None}, False, ["bandwidth_burst: is 1073741824 bytes by"]),
        ({"bandwidth_rate": 4096, "bandwidth_burst": "4 KB"}, False, []),
        ({"bandwidth_rate": "8 KBits", "bandwidth_burst": 1023}, False, ["bandwidth_burst: is 1023 bytes, less than"]),
        ({"socks5_proxy": "192.0.2.1:9", "https_proxy": None}, False, []),
        (
            {"socks5_proxy": "192.0.2.1:9", "https_proxy": "192.0.2.1:8"},
            False,
            ["socks5_proxy: stands beside https_proxy, and tor takes one proxy only"],
        ),
        ({"entry_nodes": ["{de}"]}, False, []),
        ({"entry_nodes": ["192.0.2.1"]}, False, []),
        ({"entry_nodes": ["moria1", "$" + "A" * 40]}, False, []),
        ({"entry_nodes": ["moria1"]}, False, ["entry_nodes: is one relay, which tor refuses for onion services"]),
        ({"entry_nodes": ["A" * 40 + "~x"]}, False, ["entry_nodes: is one relay"]),
        ({"entry_nodes": ["{de}"]}, True, ["entry_nodes: tor refuses them with single_hop"]),
    ],
)
def test_what_tor_refuses_together(options: dict[str, t.Any], single_hop: bool, faults: list[str]) -> None:
    assert known_options.daemon_option_faults(options) == []
    found = list(known_options.together_faults(options, single_hop))
    assert len(found) == len(faults)
    assert all(fault.startswith(expected) for fault, expected in zip(found, faults))


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("entry_nodes", ["{de}", "{??}", "$" + "A" * 40, "B" * 40 + "~moria1", "moria1", "192.0.2.0/24"], "nobody!"),
        ("reachable_addresses", ["*:443", "192.0.2.0/24:*", "reject [2001:db8::]/32:80-443", "accept6 *"], "foo"),
    ],
)
def test_lists_of_relays_and_addresses(field: str, good: list[str], bad: str) -> None:
    assert known_options.daemon_option_faults({field: good}) == []
    assert bad in known_options.daemon_option_faults({field: [*good, bad]})[0]


def test_frontends_that_are_no_list() -> None:
    assert known_options.service_faults({"ports": PORTS, "onionbalance_frontends": 7}) == [
        "onionbalance_frontends: is the number 7; write a list of .onion addresses"
    ]
