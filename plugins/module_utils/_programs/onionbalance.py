# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of a publisher: Onionbalance's, with the settings of our launcher beside it.

Overview::

  settings_faults   settings of the launcher -> list of faults
  service_faults    the services of a publisher -> list of faults
  render            services and settings -> text of config.yaml
  parse             text of config.yaml -> services; raises OnionfleetError

Source: Onionbalance 0.2.4, hs_v3/onionbalance.py, ``load_config_file``; it ignores keys that it does not know.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import is_address
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import parts
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import values as v
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.options import Option

Data = t.Dict[str, t.Any]

# clients refuse a descriptor with more than 20 introduction points (rend-spec-v3, tor's hs_descriptor.h)
SETTINGS: t.Mapping[str, Option] = {
    "introduction_points": Option("introduction_points", v.Number(3, 20)),
    "probe_failures": Option("probe_failures", v.Number(1, 100)),
    "probe_interval": Option("probe_interval", v.Number(5, 3600)),
    "probe_timeout": Option("probe_timeout", v.Number(1, 300)),
    "probes_per_minute": Option("probes_per_minute", v.Number(1, 6000)),
    "rotation_interval": Option("rotation_interval", v.Number(60, 86400)),
    "testnet": Option("testnet", v.Flag()),
}
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\Z")
# whatever an inventory calls its hosts, but for what would have to be escaped somewhere
_INSTANCE_NAME = re.compile(r"[ -!#-\[\]-~]{1,255}/[a-z0-9]{1,27}\Z")


def settings_faults(settings: t.Any, field: str = "settings") -> t.List[str]:
    """The faults of the launcher's settings, ``field: what is wrong; how to mend it``."""
    return list(parts.group_faults(field, SETTINGS, settings))


def service_faults(services: t.Sequence[Data], *, instances_required: bool = True) -> t.List[str]:
    """The faults of the services that a publisher is to publish, each naming its service.

    :param instances_required: whether a service whose backends have no address yet is a fault.
    """
    faults = [fault for service in services for fault in _service_faults(service, instances_required)]
    for field in ("name", "address"):
        faults += [f"service '{service['name']}': {field}: is that of another entry, too; remove or mend one"
                   for service in _repeating(services, field)]
    return faults


def render(services: t.Sequence[Data], settings: t.Mapping[str, t.Any]) -> str:
    """config.yaml, as JSON, which is YAML too and cannot be torn by a value.

    :param services: without faults; instances without an address are left out.
    """
    numbers = {name: int(SETTINGS[name].kind.texts(value)[0]) for name, value in settings.items()}
    if "testnet" in numbers:
        numbers["testnet"] = bool(numbers["testnet"])
    config = {
        "status-socket-location": locations.PUBLISHER_STATUS,
        "services": [
            {
                "name": service["name"],
                "key": f"{locations.publisher_key(service['name'])}/hs_ed25519_secret_key",
                "probe": {"port": int(service["port"])},
                "instances": [
                    {"name": instance["name"], "address": instance["address"], "drained": bool(instance["drained"])}
                    for instance in service["instances"]
                    if instance["address"]
                ],
            }
            for service in services
        ],
        "onionfleet": numbers,
    }
    return json.dumps(config, indent=1) + "\n"


def parse(text: str) -> t.List[Data]:
    """The services of a config.yaml that we wrote: name and instances, without an address where that is none.

    :raises OnionfleetError: it is not one of ours, or torn.
    """
    try:
        services = json.loads(text)["services"]
        return [
            {
                "name": str(service["name"]),
                "instances": [
                    {
                        "name": str(instance["name"]),
                        "address": _known(instance["address"]),
                        "drained": bool(instance["drained"]),
                    }
                    for instance in service["instances"]
                ],
            }
            for service in services
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        why = f"is torn or not ours ({type(error).__name__}: {error})"
        raise OnionfleetError(f"{locations.PUBLISHER_CONFIG}: {why}; deploy to have it written anew") from error


def _known(address: t.Any) -> t.Optional[str]:
    return str(address) if is_address(address) else None


def _service_faults(service: Data, required: bool) -> t.Iterator[str]:
    place = f"service '{service['name']}': "
    if not _NAME.match(service["name"]):
        yield f"{place}name: is {v.shown(service['name'])}; write at most 32 of a-z, 0-9 and inner hyphens"
    if not is_address(service.get("address")):
        yield f"{place}address: is {v.shown(service.get('address'))}; write the .onion address that its key has"
    yield from (place + fault for fault in parts.field_faults("port", v.Number(1, 65535), service.get("port")))
    instances = service["instances"]
    yield from (place + fault for instance in instances for fault in _instance_faults(instance, service.get("address")))
    for field in ("name", "address"):
        yield from (
            f"{place}instances: '{instance['name']}': {field}: is that of another backend, too; remove or mend one"
            for instance in _repeating(instances, field)
        )
    if required and not any(instance.get("address") for instance in instances):
        yield f"{place}instances: no backend has an address yet; deploy its backends, then its publishers"


def _instance_faults(instance: Data, own: t.Any) -> t.Iterator[str]:
    if not _INSTANCE_NAME.match(instance["name"]):
        yield f"instances: name: is {v.shown(instance['name'])}; write it as host/daemon"
    place = f"instances: '{instance['name']}': "
    address = instance.get("address")
    if address is not None and not is_address(address):
        yield f"{place}address: is {v.shown(address)}; write an .onion address, or null where none is known"
    if address is not None and address == own:
        yield f"{place}address: is that of the service itself; a backend has a key of its own"


def _repeating(entries: t.Sequence[Data], field: str) -> t.Iterator[Data]:
    """Those whose ``field``, if they have one, an earlier one has, too."""
    seen: t.Set[t.Any] = set()
    for entry in entries:
        value = entry.get(field)
        if value is not None and value in seen:
            yield entry
        seen.add(value)
