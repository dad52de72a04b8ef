# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file as data.

    parse(text)     the whole file, or ConfigFault with everything that is wrong in it
    Config          services and settings

The file is the one that stock Onionbalance reads, with fields of ours that it ignores.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import yaml


class ConfigFault(Exception):
    """The configuration cannot be used; the text names every fault."""


@dataclasses.dataclass(frozen=True)
class Instance:
    name: str
    address: str  # with ".onion"
    drained: bool = False


@dataclasses.dataclass(frozen=True)
class Service:
    name: str
    key: str  # path of tor's hs_ed25519_secret_key
    port: int | None  # of the backends, to probe; None: no probes
    instances: tuple[Instance, ...]


@dataclasses.dataclass(frozen=True)
class Settings:
    introduction_points: int = 20  # at most in one descriptor
    probe_interval: float = 20.0  # seconds between two probes of one backend
    probe_timeout: float = 15.0
    probe_failures: int = 2  # in a row, until a backend leaves the descriptor
    probes_per_minute: int = 120  # of this publisher, at most
    rotation_interval: float = 600.0  # seconds until the next backends get their turn, where more exist than fit
    testnet: bool = False  # tor's TestingTorNetwork: shorter time periods


@dataclasses.dataclass(frozen=True)
class Config:
    services: tuple[Service, ...]
    settings: Settings
    status_socket: str
    digest: str = ""  # SHA-256 of the file, hexadecimal


_BOUNDS: dict[str, tuple[float, float]] = {
    "introduction_points": (3, 20), "probe_interval": (5, 3600), "probe_timeout": (1, 300), "probe_failures": (1, 100),
    "probes_per_minute": (1, 6000), "rotation_interval": (60, 86400)}
_DEFAULT_SOCKET = "/run/onionfleet-publisher/status.sock"


def parse(text: str | bytes) -> Config:
    """The configuration in `text`.

    Raises ConfigFault. A file that begins with YAML's "---" must end with its "...": so one that was cut off anywhere
    is told from one that is merely shorter.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        data = yaml.safe_load(decoded)
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigFault("not YAML: " + " ".join(str(error).split())) from None
    lines = [line.rstrip() for line in decoded.splitlines() if line.strip()]
    if "---" in lines and lines[-1] != "...":
        raise ConfigFault("cut off: it begins with '---' and does not end with '...'")
    if not isinstance(data, dict):
        raise ConfigFault("not a mapping with 'services'")
    faults = list(_faults(data))
    if faults:
        raise ConfigFault("; ".join(faults))
    return dataclasses.replace(_config(data), digest=hashlib.sha256(decoded.encode()).hexdigest())


def _config(data: dict[str, Any]) -> Config:
    services = tuple(_service(one) for one in data["services"])
    given: dict[str, Any] = data.get("onionfleet") or {}
    whole = ("introduction_points", "probe_failures", "probes_per_minute")
    numbers: dict[str, Any] = {name: int(value) if name in whole else value for name, value in given.items()}
    return Config(services, Settings(**numbers), data.get("status-socket-location") or _DEFAULT_SOCKET)


def _service(data: dict[str, Any]) -> Service:
    instances = tuple(
        Instance(one.get("name") or one["address"], _full(one["address"]), bool(one.get("drained")))
        for one in data["instances"]
    )
    return Service(data.get("name") or data["key"], data["key"], (data.get("probe") or {}).get("port"), instances)


def _full(address: str) -> str:
    return address if address.endswith(".onion") else address + ".onion"


def _faults(data: dict[str, Any]) -> Iterator[str]:
    services = data.get("services")
    if not isinstance(services, list) or not services:
        yield "services: none"
        return
    for index, service in enumerate(services):
        place = f"services[{index}]"
        if not isinstance(service, dict):
            yield f"{place}: not a mapping"
        else:
            yield from (f"{place}: {fault}" for fault in _service_faults(service))
    yield from _duplicates(
        "services: name", [one.get("name") or one.get("key") for one in services if isinstance(one, dict)]
    )
    yield from _settings_faults(data.get("onionfleet"))
    if not isinstance(data.get("status-socket-location", ""), (str, type(None))):
        yield "status-socket-location: not a path"


def _service_faults(service: dict[str, Any]) -> Iterator[str]:
    if not isinstance(service.get("key"), str) or not service["key"].startswith("/"):
        yield "key: not an absolute path"
    yield from _name_faults(service)
    probe = service.get("probe")
    if probe is not None and (not isinstance(probe, dict) or not _is_port(probe.get("port"))):
        yield "probe: wants {port: 1 to 65535 or null}"
    instances = service.get("instances")
    if not isinstance(instances, list) or not instances:
        yield "instances: none"
        return
    for index, instance in enumerate(instances):
        yield from (f"instances[{index}]: {fault}" for fault in _instance_faults(instance))
    known = [one for one in instances if isinstance(one, dict)]
    yield from _duplicates("instances: address", [_full(str(one.get("address"))) for one in known])
    yield from _duplicates("instances: name", [one.get("name") or one.get("address") for one in known])


def _instance_faults(instance: Any) -> Iterator[str]:
    if not isinstance(instance, dict):
        yield "not a mapping"
    elif not is_address(instance.get("address")):
        yield "address: not a .onion address"
    elif not isinstance(instance.get("drained", False), bool):
        yield "drained: not true or false"
    else:
        yield from _name_faults(instance)


def _name_faults(data: dict[str, Any]) -> Iterator[str]:
    name = data.get("name") or "-"
    if not isinstance(name, str) or not name.isprintable() or len(name.encode()) > 200:
        yield "name: not a text of at most 200 printable characters"


def _settings_faults(given: Any) -> Iterator[str]:
    if given is None:
        return
    if not isinstance(given, dict):
        yield "onionfleet: not a mapping"
        return
    for name, value in given.items():
        if name == "testnet":
            if not isinstance(value, bool):
                yield "onionfleet: testnet: not true or false"
        elif name not in _BOUNDS:
            yield f"onionfleet: {name}: no such setting"
        elif (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not _BOUNDS[name][0] <= value <= _BOUNDS[name][1]
        ):
            yield "onionfleet: %s: not a number from %g to %g" % (name, *_BOUNDS[name])


def _duplicates(place: str, values: list[Any]) -> Iterator[str]:
    texts = [str(value) for value in values]
    yield from (f"{place} {value} twice" for value in sorted({value for value in texts if texts.count(value) > 1}))


def _is_port(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536)


def is_address(value: Any) -> bool:
    """Is this a version 3 onion address, with or without its ".onion"? (rend-spec, "Encoding onion addresses")"""
    if not isinstance(value, str) or not value.isascii():
        return False
    try:
        raw = base64.b32decode(value.removesuffix(".onion").upper())
    except (binascii.Error, ValueError):
        return False
    if len(raw) != 35 or value != value.lower():
        return False
    return raw[34] == 3 and hashlib.sha3_256(b".onion checksum" + raw[:32] + b"\x03").digest()[:2] == raw[32:34]
