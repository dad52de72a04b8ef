# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of onion services and of tor daemons: fields, torrc keywords, values, reload or restart.

Overview::

  service_faults        dict of a service -> list of faults
  daemon_option_faults  dict of daemon-wide options -> list of faults
  together_faults       dict of all daemon-wide options of one tor -> faults
  secret_faults         dict of options that hold passwords -> list of faults
  service_lines         dict of a service -> torrc lines
  daemon_lines          dict of daemon-wide options -> torrc lines
  restart_keywords      which changed lines a reload cannot bring about

Sources: tor(1) of 0.4.9, "HIDDEN SERVICE OPTIONS" and "GENERAL OPTIONS"; tor's
src/app/config/config.c, options_check_transition_cb().
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import near
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import is_address
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import parts
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import values as v

Line = t.Tuple[str, str]

UINT31 = 2**31 - 1


NODES = v.ListOf(
    v.Text(
        r"\{[a-z?]{2}\}|\$?[0-9a-f]{40}([=~][a-z0-9]{1,19})?|[a-z0-9]{1,19}|[0-9a-f.:*/\[\]]+",
        "a country such as '{de}', a fingerprint, a nickname or a network such as '192.0.2.0/24'",
    ),
    comma=True,
)
ADDRESSES = v.ListOf(
    v.Text(r"((accept|reject)6? )?[0-9a-f.:*/\[\]-]+", "'*:443', '192.0.2.0/24:*' or 'reject 192.0.2.1'"), comma=True
)


class Option(t.NamedTuple):
    """:ivar restart: tor takes it at its start only, or refuses the change while it runs."""

    keyword: str
    kind: t.Any
    restart: bool = False


SERVICE: t.Dict[str, t.Union[Option, t.Dict[str, Option]]] = {
    "allow_unknown_ports": Option("HiddenServiceAllowUnknownPorts", v.Flag()),
    "directory_group_readable": Option("HiddenServiceDirGroupReadable", v.Flag()),
    "export_circuit_id": Option("HiddenServiceExportCircuitID", v.Choice("haproxy")),
    "introduction_dos": {
        "enabled": Option("HiddenServiceEnableIntroDoSDefense", v.Flag()),
        "rate_per_second": Option("HiddenServiceEnableIntroDoSRatePerSec", v.Number(0, UINT31)),
        "burst_per_second": Option("HiddenServiceEnableIntroDoSBurstPerSec", v.Number(0, UINT31)),
    },
    "introduction_points": Option("HiddenServiceNumIntroductionPoints", v.Number(3, 20)),
    "max_streams": Option("HiddenServiceMaxStreams", v.Number(0, 65535)),
    "max_streams_close_circuit": Option("HiddenServiceMaxStreamsCloseCircuit", v.Flag()),
    "pow": {
        "enabled": Option("HiddenServicePoWDefensesEnabled", v.Flag()),
        "queue_rate": Option("HiddenServicePoWQueueRate", v.Number(0, UINT31)),
        "queue_burst": Option("HiddenServicePoWQueueBurst", v.Number(0, UINT31)),
    },
}
# tor refuses a burst below its rate; with the defaults of both
BURSTS = {
    "introduction_dos": ("rate_per_second", 25, "burst_per_second", 200),
    "pow": ("queue_rate", 250, "queue_burst", 2500),
}
USUAL_BANDWIDTH = 2**30
ONE_RELAY = re.compile(r"[^{.:*/\[\]]+\Z")  # of NODES, neither a country nor a network
PROXIES = ("https_proxy", "socks4_proxy", "socks5_proxy", "tcp_proxy")
SERVICE_SPECIAL = ("authorized_clients", "extra", "onionbalance_frontends", "ports", "single_hop")

DAEMON: t.Dict[str, Option] = {
    "avoid_disk_writes": Option("AvoidDiskWrites", v.Flag()),
    "bandwidth_burst": Option("BandwidthBurst", v.Size(most=2**31)),
    "bandwidth_rate": Option("BandwidthRate", v.Size(most=2**31)),
    "circuit_build_timeout": Option("CircuitBuildTimeout", v.Interval()),
    "circuit_padding": Option("CircuitPadding", v.Flag()),
    "client_prefer_ipv6_or_port": Option("ClientPreferIPv6ORPort", v.Flag("auto")),
    "client_use_ipv4": Option("ClientUseIPv4", v.Flag()),
    "client_use_ipv6": Option("ClientUseIPv6", v.Flag()),
    "compiled_pow_hash": Option("CompiledProofOfWorkHash", v.Flag("auto")),
    "conn_limit": Option("ConnLimit", v.Number(1, UINT31), restart=True),
    "connection_padding": Option("ConnectionPadding", v.Flag("auto")),
    "constrained_socket_size": Option("ConstrainedSockSize", v.Size(2048, 262144, 1024)),
    "constrained_sockets": Option("ConstrainedSockets", v.Flag()),
    "disable_all_swap": Option("DisableAllSwap", v.Flag(), restart=True),
    "disable_debugger_attachment": Option("DisableDebuggerAttachment", v.Flag(), restart=True),
    "entry_nodes": Option("EntryNodes", NODES),
    "exclude_nodes": Option("ExcludeNodes", NODES),
    "heartbeat_period": Option("HeartbeatPeriod", v.Interval()),
    "hs_layer2_nodes": Option("HSLayer2Nodes", NODES),
    "hs_layer3_nodes": Option("HSLayer3Nodes", NODES),
    "https_proxy": Option("HTTPSProxy", v.Socket()),
    "keepalive_period": Option("KeepalivePeriod", v.Interval(1)),
    "learn_circuit_build_timeout": Option("LearnCircuitBuildTimeout", v.Flag()),
    "log_level": Option("Log", v.Choice("debug", "info", "notice", "warn", "err")),
    "max_circuit_dirtiness": Option("MaxCircuitDirtiness", v.Interval()),
    "max_mem_in_queues": Option("MaxMemInQueues", v.Size()),
    "metrics_port": Option("MetricsPort", v.Socket(bare=True)),
    "metrics_port_policy": Option(
        "MetricsPortPolicy",
        v.ListOf(v.Text(r"(accept|reject) [0-9A-Fa-f.:/*\[\]]+", "'accept 192.0.2.1' or 'reject *'")),
    ),
    "middle_nodes": Option("MiddleNodes", NODES),
    "no_exec": Option("NoExec", v.Flag(), restart=True),
    "num_cpus": Option("NumCPUs", v.Number(0, 256), restart=True),
    "num_entry_guards": Option("NumEntryGuards", v.Number(0, 100)),
    "num_primary_guards": Option("NumPrimaryGuards", v.Number(0, 100)),
    "outbound_bind_address": Option("OutboundBindAddress", v.ListOf(v.Address(), most=2)),
    "protocol_warnings": Option("ProtocolWarnings", v.Flag()),
    "publish_descriptors": Option("PublishHidServDescriptors", v.Flag()),
    "reachable_addresses": Option("ReachableAddresses", ADDRESSES),
    "reduced_connection_padding": Option("ReducedConnectionPadding", v.Flag()),
    "safe_logging": Option("SafeLogging", v.Flag("relay")),
    "sandbox": Option("Sandbox", v.Flag(), restart=True),
    "socks4_proxy": Option("Socks4Proxy", v.Socket()),
    "socks5_proxy": Option("Socks5Proxy", v.Socket()),
    "strict_nodes": Option("StrictNodes", v.Flag()),
    "tcp_proxy": Option("TCPProxy", v.Text(r"haproxy [^ ]+:[0-9]+", "'haproxy 192.0.2.1:3128'")),
    "vanguards_lite": Option("VanguardsLiteEnabled", v.Flag("auto")),
}

# tor refuses to change these while it runs, and with them the whole reload
FIXED = frozenset(
    (
        "acceldir",
        "accelname",
        "cachedirectory",
        "datadirectory",
        "hardwareaccel",
        "hiddenservicenonanonymousmode",
        "hiddenservicesinglehopmode",
        "keepbindcapabilities",
        "keydirectory",
        "pidfile",
        "runasdaemon",
        "syslogidentitytag",
        "testingtornetwork",
        "tokenbucketrefillinterval",
        "user",
    )
)
# and these while its Sandbox is on (new files and sockets were not foreseen when it was closed)
FIXED_IN_SANDBOX = frozenset(
    (
        "address",
        "connlimit",
        "cookieauthfile",
        "dirportfrontpage",
        "log",
        "extorportcookieauthfile",
        "hiddenservicedir",
        "serverdnsresolvconffile",
    )
)


_MEASURED = {option.keyword.lower(): option.kind for option in DAEMON.values() if hasattr(option.kind, "plain")}


def plain(keyword: str, value: str) -> str:
    """A value of a daemon-wide option without a unit, as tor itself tells it."""
    kind = _MEASURED.get(keyword.lower())
    return kind.plain(value) if kind else value


def restart_keywords(sandbox: bool) -> t.FrozenSet[str]:
    """Lower-case keywords whose change needs a restart, with or without tor's system call sandbox."""
    ours = {option.keyword.lower() for option in DAEMON.values() if option.restart}
    return FIXED | ours | (FIXED_IN_SANDBOX if sandbox else frozenset())


def _keywords(table: t.Mapping[str, t.Any], prefix: str = "") -> t.Iterator[t.Tuple[str, str]]:
    for field, option in table.items():
        if isinstance(option, dict):
            yield from _keywords(option, field + ".")
        else:
            yield option.keyword, prefix + field


SERVICE_KEYWORDS = dict(
    _keywords(SERVICE),
    HiddenServicePort="ports",
    HiddenServiceSingleHopMode="single_hop",
    HiddenServiceNonAnonymousMode="single_hop",
    HiddenServiceOnionBalanceInstance="onionbalance_frontends",
)
DAEMON_KEYWORDS = dict(_keywords(DAEMON))


def _frontend_faults(value: object) -> t.Iterator[str]:
    if not isinstance(value, list):
        yield f"onionbalance_frontends: is {v.shown(value)}; write a list of .onion addresses"
        return
    for index, address in enumerate(value):
        if not is_address(address):
            yield f"onionbalance_frontends[{index}]: is {v.shown(address)}; write the .onion address of a frontend"


def _burst_faults(given: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Of fields that are sound each by itself."""
    for field, (rate, usual_rate, burst, usual_burst) in BURSTS.items():
        group = given.get(field, {})
        rates = int(group.get(rate, usual_rate)), int(group.get(burst, usual_burst))
        if str(group.get("enabled")).lower() == "true" and rates[1] < rates[0]:
            yield (
                f"{field}.{burst}: is {rates[1]}, less than {rate}, {rates[0]}, which tor refuses; "
                "write at least as much"
            )


def service_faults(service: t.Mapping[str, t.Any], also_known: t.FrozenSet[str] = frozenset()) -> t.List[str]:
    """Everything that is wrong with the options of one onion service.

    :param service: fields as the operator declares them; a field with None counts as not given.
    :param also_known: further fields that belong there and are checked by the caller.
    :return: faults, each ``FIELD: what is wrong; how to mend it``; empty when tor will understand all of it.
    """
    given = {field: value for field, value in service.items() if value is not None}
    faults = list(parts.unknown(service, set(SERVICE) | set(SERVICE_SPECIAL) | also_known))
    for field, option in SERVICE.items():
        if field in given:
            faults += (
                parts.group_faults(field, option, given[field])
                if isinstance(option, dict)
                else parts.field_faults(field, option.kind, given[field])
            )
    faults += [] if faults else _burst_faults(given)
    faults += parts.port_faults(given["ports"]) if "ports" in given else ["ports: is missing; give at least one port"]
    if "authorized_clients" in given:
        faults += parts.client_faults(given["authorized_clients"])
    if "extra" in given:
        faults += parts.extra_faults(given["extra"], SERVICE_KEYWORDS, service=True)
    if "single_hop" in given:
        faults += parts.field_faults("single_hop", v.Flag(), given["single_hop"])
    if "onionbalance_frontends" in given:
        faults += _frontend_faults(given["onionbalance_frontends"])
    return faults


def daemon_option_faults(options: t.Mapping[str, t.Any]) -> t.List[str]:
    """Everything that is wrong with the daemon-wide options of one tor; as ``service_faults``."""
    given = {field: value for field, value in options.items() if value is not None}
    faults = list(parts.unknown(options, set(DAEMON) | {"extra"}))
    for field, option in DAEMON.items():
        if field in given:
            faults += parts.field_faults(field, option.kind, given[field])
    if "extra" in given:
        faults += parts.extra_faults(given["extra"], DAEMON_KEYWORDS, service=False)
    return faults


def together_faults(options: t.Mapping[str, t.Any], single_hop: bool) -> t.Iterator[str]:
    """What tor refuses in the daemon-wide options of one tor, put together from all places that give some.

    :param options: fields that are sound each by itself. :param single_hop: of its services.
    """
    (rate, usual_rate), (burst, usual_burst) = _bandwidth(options, "rate"), _bandwidth(options, "burst")
    if burst < rate:
        yield (
            f"bandwidth_burst: is {burst} bytes{usual_burst}, less than bandwidth_rate, {rate}{usual_rate}, "
            "which tor refuses; "
            "write both, the burst at least as large as the rate"
        )
    proxies = [field for field in PROXIES if options.get(field) is not None]
    if len(proxies) > 1:
        yield f"{proxies[1]}: stands beside {proxies[0]}, and tor takes one proxy only; remove one"
    guards = options.get("entry_nodes") or []
    if len(guards) == 1 and ONE_RELAY.match(str(guards[0])):
        yield "entry_nodes: is one relay, which tor refuses for onion services; name several, or a country or network"
    if single_hop and guards:
        yield "entry_nodes: tor refuses them with single_hop, which uses no entry guards; remove one of the two"


def _bandwidth(options: t.Mapping[str, t.Any], name: str) -> t.Tuple[int, str]:
    """Bytes, and words that say where they come from if not from the operator."""
    given = options.get(f"bandwidth_{name}")
    return (USUAL_BANDWIDTH, " by default") if given is None else (int(v.Size().plain(str(given))), "")


def secret_faults(secrets: t.Mapping[str, t.Any]) -> t.List[str]:
    """Everything that is wrong with options that hold passwords, without showing any.

    :param secrets: tor's names of options to their values.
    """
    faults = [
        f"option_secrets: {name}: is none of {', '.join(parts.SECRET)}{near(name, parts.SECRET)}"
        for name in secrets
        if name not in parts.SECRET
    ]
    return faults + [
        f"option_secrets: {name}: is no text of 1 to 255 printable ASCII characters without spaces around it; "
        "give another"
        for name, value in secrets.items()
        if not isinstance(value, str) or not re.match(r"(?! )[ -~]{1,255}(?<! )\Z", value)
    ]


def _table_lines(table: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> t.Iterator[Line]:
    for field, option in sorted(table.items()):
        if given.get(field) is None:
            continue
        if isinstance(option, dict):
            yield from _table_lines(option, given[field])
        else:
            yield from ((option.keyword, text) for text in option.kind.texts(given[field]))


def _extra_lines(given: t.Mapping[str, t.Any]) -> t.Iterator[Line]:
    for item in given.get("extra") or ():
        value = item["value"]
        yield item["option"], str(int(value)) if isinstance(value, bool) else str(value)


def service_lines(service: t.Mapping[str, t.Any]) -> t.List[Line]:
    """The torrc lines of a service without faults, but for its HiddenServiceDir; ports first."""
    lines = [
        ("HiddenServicePort", "%d %s" % (int(port["port"]), target))
        for port in service.get("ports") or ()
        for target in parts.targets_of(port)
    ]
    if service.get("onionbalance_frontends"):
        lines.append(("HiddenServiceOnionBalanceInstance", "1"))
    return lines + list(_table_lines(SERVICE, service)) + list(_extra_lines(service))


def daemon_lines(options: t.Mapping[str, t.Any]) -> t.List[Line]:
    """The torrc lines of daemon-wide options without faults."""
    lines = [
        (keyword, text + " syslog" if keyword == "Log" else text) for keyword, text in _table_lines(DAEMON, options)
    ]
    return lines + list(_extra_lines(options))
