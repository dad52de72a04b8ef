# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few fields of declared services that concern keys; everything else in them stays untemplated."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.values import shown
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.planted import planted, without_facts
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.reading import Unreadable, resolve


@dataclasses.dataclass(frozen=True)
class Declared:
    """A declared service, as far as its key goes.

    :ivar layout: empty where none is declared.
    :ivar secret_key: calls for the key in the service's own field of this name; None without such a field.
    """

    name: str
    state: str
    address: str | None
    secret_key: t.Callable[[], key_file.SecretKey] | None
    layout: str = ""


def secret_from(content: t.Any) -> key_file.SecretKey:
    """Read a secret key from the value of a variable.

    :raises OnionfleetError: what is wrong with it.
    """
    return key_file.load_secret(str(content).encode(errors="surrogateescape"))


def read_declared(services: t.Any, templar: t.Any) -> list[Declared]:
    """Read services given as their names, or as in the declaration (templated or not).

    :raises OnionfleetError: not a list of services, or all templates that fail.
    """
    services = _templated(lambda: services, templar, "onion_services")
    if isinstance(services, str) or not isinstance(services, t.Sequence):
        raise OnionfleetError(f"onion_services: is {shown(services)}; write a list of services, each as '- name: …'")
    found, faults = [], []
    for index in range(len(services)):
        try:
            found.append(_read_service(services, index, templar))
        except OnionfleetError as error:
            faults += error.faults
    if faults:
        raise OnionfleetError(*faults)
    return found


def of_hosts(variables: t.Mapping[str, t.Any]) -> dict[str, t.Mapping[str, t.Any]]:
    """Host to its variables, untemplated; it takes a while for a large fleet.

    :param variables: of a task, on whatever host.
    """
    return {str(host): variables["hostvars"].raw_get(host) for host in variables["groups"].get("all", [])}


def declaring_variables(
    variables: t.Mapping[str, t.Any], raw: t.Mapping[str, t.Mapping[str, t.Any]]
) -> tuple[t.Mapping[str, t.Any], list[str]]:
    """The variables that hold the declaration; hosts outside of the fleet may lack it. No host's facts are among them.

    :param variables: of a task, on whatever host.
    :param raw: what ``of_hosts`` gives.
    :returns: the variables; and a fault where no host has the declaration, or where hosts have different ones.
    :raises OnionfleetError: a host set a variable of ours.
    """
    faults = planted({host: of_host.get("ansible_facts") for host, of_host in raw.items()})
    if faults:
        raise OnionfleetError(*faults)
    declaring = {host: of_host for host, of_host in raw.items() if "onion_services" in of_host}
    first = next(iter(declaring), None)
    own = without_facts(variables)
    if first is None:
        undefined = "onion_services: is not defined for any host; declare it in group_vars/all.yml"
        return own, [] if "onion_services" in own else [undefined]
    others = [
        host for host, of_host in declaring.items() if of_host["onion_services"] != declaring[first]["onion_services"]
    ]
    faults = [
        f"onion_services: hosts '{first}' and '{host}' have different ones; declare it once, for all hosts"
        for host in others[:1]
    ]
    return own if "onion_services" in own else {**own, **without_facts(declaring[first])}, faults


def operator_variable(name: str, variables: t.Mapping[str, t.Any], templar: t.Any, default: t.Any) -> t.Any:
    """The templated value of a variable; of a container its outermost level only."""
    return _templated(lambda: variables.get(name, default), templar, name)


def default_keys_dir(variables: t.Mapping[str, t.Any], templar: t.Any) -> str:
    """The store's folder for one host: its onion_keys_dir, or .onion_keys beside its inventory, or that of the others.

    :raises OnionfleetError: there is none.
    """
    return _own_keys_dir(variables, templar) or common_keys_dir(variables, of_hosts(variables), templar)


def common_keys_dir(
    variables: t.Mapping[str, t.Any], raw: t.Mapping[str, t.Mapping[str, t.Any]], templar: t.Any
) -> str:
    """The store's folder, which all hosts with the declaration share; hosts that are in no folder follow the others.

    :param variables: as ``declaring_variables`` gives them.
    :param raw: what ``of_hosts`` gives.
    :raises OnionfleetError: there is none, or more than one.
    """
    own, looked_at = _own_keys_dir(variables, templar), []
    found = {own: str(variables.get("inventory_hostname"))} if own else {}
    for host, of_host in raw.items():
        source = (of_host.get("onion_keys_dir"), of_host.get("inventory_dir"))
        if "onion_services" not in of_host or source in looked_at:
            continue
        looked_at.append(source)
        theirs = {**variables, **without_facts(of_host)}
        found.setdefault(_own_keys_dir(theirs, templar.copy_with_new_env(available_variables=theirs)), host)
    found.pop("", None)
    if not found:
        raise OnionfleetError("onion_keys_dir: is not set, and the inventory has no folder to keep keys beside; set it")
    if len(found) > 1:
        told = ", ".join(f"{folder} (host '{host}')" for folder, host in found.items())
        raise OnionfleetError(
            f"onion_keys_dir: hosts have different stores: {told}; one service would get several keys, and so several "
            "addresses; set onion_keys_dir to one folder for all hosts"
        )
    return next(iter(found))


def told_keys_dir(variables: t.Mapping[str, t.Any], templar: t.Any) -> str:
    """The folder that ``onion_keys_dir`` names; empty where it is not given.

    :raises OnionfleetError: it is no absolute path.
    """
    told = operator_variable("onion_keys_dir", variables, templar, None)
    if told is None:
        return ""
    if not isinstance(told, str) or not os.path.isabs(os.path.expanduser(told)):
        raise OnionfleetError(
            f"onion_keys_dir: is {told!r}; write one folder that begins with '/', '~/' or '{{{{ inventory_dir }}}}/'"
        )
    return os.path.normpath(os.path.expanduser(told))


def _own_keys_dir(variables: t.Mapping[str, t.Any], templar: t.Any) -> str:
    folder = variables.get("inventory_dir")
    return told_keys_dir(variables, templar) or (os.path.join(str(folder), ".onion_keys") if folder else "")


def _templated(read: t.Callable[[], t.Any], templar: t.Any, place: str) -> t.Any:
    """Template what is read, which in a lookup may itself template, and fail, on access."""
    try:
        return resolve(templar, read)
    except Unreadable as exc:
        raise OnionfleetError(f"{place}: {exc}") from None


def _read_service(services: t.Sequence[t.Any], index: int, templar: t.Any) -> Declared:
    place = f"onion_services entry {index + 1}"
    service = _templated(lambda: services[index], templar, place)
    if isinstance(service, str):
        return Declared(str(service), "present", None, None)
    if not isinstance(service, t.Mapping) or "name" not in service:
        raise OnionfleetError(f"{place}: a service with a name is expected")

    def field(key: str, default: str = "") -> str:
        return str(_templated(lambda: service.get(key), templar, f"{place}: {key}") or default)

    name = field("name")

    def secret_key() -> key_file.SecretKey:
        try:
            return secret_from(_templated(lambda: service["secret_key"], templar, "the template"))
        except OnionfleetError as exc:
            raise OnionfleetError(f"secret_key: {exc}") from None

    return Declared(
        name,
        field("state", "present"),
        field("address") or None,
        secret_key if _gives(service, "secret_key") else None,
        field("layout"),
    )


def _gives(service: t.Mapping[str, t.Any], key: str) -> bool:
    """Whether a field is there and not null, without templating it as a mapping might that does so on access."""
    return key in service and not (isinstance(service, dict) and dict.get(service, key, key) is None)
