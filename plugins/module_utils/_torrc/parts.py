# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a service's declaration that are lists or mappings: ports, clients, further options.

Each function yields faults of one part, ``PLACE: what is wrong; how to mend it``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, nearest
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.client_key import decode_public
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import values as v

CLIENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")
EXTRA_NAME = re.compile(r"[A-Za-z0-9_]{1,100}\Z")

# the layout of an instance: what tells tor who it is and where its files are, and how it is controlled
LAYOUT = (
    "CacheDirectory", "ControlPort", "ControlPortWriteToFile", "ControlSocket", "CookieAuthentication",
    "CookieAuthFile", "DataDirectory", "HashedControlPassword", "KeyDirectory", "PidFile", "RunAsDaemon",
    "SocksPort", "SyslogIdentityTag", "User", "__ControlPort", "__DisableSignalHandlers",
    "__HashedControlSessionPassword", "__OwningControllerFD", "__OwningControllerProcess",
    "__ReloadTorrcOnSIGHUP", "__SocksPort",
)

# what begins with HiddenService, yet is no option of a service
DAEMON_WIDE = ("HiddenServiceStatistics",)

# passwords: a declaration is seen in plans, diffs and logs
SECRET = ("HTTPProxyAuthenticator", "HTTPSProxyAuthenticator", "Socks5ProxyPassword")


def unknown(names: t.Iterable[object], known: t.Iterable[str]) -> t.Iterator[str]:
    known = sorted(known)  # ties are broken the same way every time
    for name in names:
        if name in known:
            continue
        near = nearest(name, known)
        yield "{}: no such option; {}".format(
            v.shown(name).replace("the text ", ""), f"did you mean {near}?" if near
            else "use a field that exists, or 'extra' for an option of tor that has no field")


def field_faults(field: str, kind: t.Any, value: object) -> t.Iterator[str]:
    return (f"{field}: {fault}" for fault in kind.faults(value))


def group_faults(field: str, table: t.Mapping[str, t.Any], value: object) -> t.Iterator[str]:
    if not isinstance(value, dict):
        yield "{}: is {}; write a mapping with {}".format(field, v.shown(value), ", ".join(table))
        return
    yield from (f"{field}: {fault}" for fault in unknown(value, table))
    for name, option in table.items():
        if name in value:
            yield from field_faults(f"{field}.{name}", option.kind, value[name])


def _list_faults(field: str, value: object, wanted: str) -> t.Iterator[str]:
    if not isinstance(value, list):
        yield f"{field}: is {v.shown(value)}; write a list of mappings with {wanted}"
        return
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            yield f"{field}[{index}]: is {v.shown(item)}; write a mapping with {wanted}"


def _items(field: str, value: object) -> t.List[t.Tuple[str, t.Any]]:
    """Each mapping of a list with its place; what is none is a matter of ``_list_faults``."""
    items = value if isinstance(value, list) else []
    return [(f"{field}[{index}]", item) for index, item in enumerate(items) if isinstance(item, dict)]


def targets_of(port: t.Mapping[str, t.Any]) -> t.List[str]:
    """The targets of one entry of ``ports``, given as ``target`` or as ``targets``."""
    return list(port["targets"]) if "targets" in port else [port["target"]]


def port_faults(ports: object) -> t.Iterator[str]:
    seen: t.Dict[int, str] = {}
    yield from _list_faults("ports", ports, "port and target")
    for place, port in _items("ports", ports):
        yield from (f"{place}: {fault}" for fault in unknown(port, ("port", "target", "targets")))
        faults = list(field_faults(place + ".port", v.Number(1, 65535), port.get("port")))
        yield from faults
        if not faults:
            first = seen.setdefault(int(port["port"]), place)
            if first is not place:
                yield "{}: port {} is in {} already; give one entry several 'targets'".format(
                    place, port["port"], first
                )
        if ("target" in port) == ("targets" in port):
            yield "{}: has {}; give one of target and targets".format(
                place, "both" if "target" in port else "no target"
            )
        elif "target" in port:
            yield from field_faults(place + ".target", v.Socket(unix=True), port["target"])
        else:
            yield from field_faults(place + ".targets", v.ListOf(v.Socket(unix=True)), port["targets"])
    if ports == []:
        yield "ports: is empty; give at least one port"


def client_faults(clients: object) -> t.Iterator[str]:
    names: t.Dict[str, str] = {}
    keys: t.Dict[bytes, str] = {}
    yield from _list_faults("authorized_clients", clients, "name and public_key")
    for place, client in _items("authorized_clients", clients):
        yield from (f"{place}: {fault}" for fault in unknown(client, ("name", "public_key")))
        name = client.get("name")
        if not isinstance(name, str) or not CLIENT_NAME.match(name):
            yield f"{place}.name: is {v.shown(name)}; use letters, digits, - and _"
        elif names.setdefault(name, place) != place:
            yield f"{place}.name: {name} is in {names[name]} already; names must differ"
        try:
            key = decode_public(client.get("public_key"))
        except OnionfleetError as error:
            yield f"{place}.public_key: {error}"
        else:
            if keys.setdefault(key, place) != place:
                yield f"{place}.public_key: is in {keys[key]} already; each client has its own"


def _taken_for(option: str, names: t.Iterable[str]) -> t.Optional[str]:
    """The one of the names that tor would take ``option`` for: it ignores case and accepts unique beginnings."""
    lower = option.lower()
    near = [name for name in names if name.lower().startswith(lower)]
    return next((name for name in near if name.lower() == lower), near[0] if near else None)


def extra_faults(extra: object, fields: t.Dict[str, str], *, service: bool) -> t.Iterator[str]:
    layout = LAYOUT + (("HiddenServiceDir", "HiddenServiceVersion") if service else ())
    yield from _list_faults("extra", extra, "option and value")
    for place, item in _items("extra", extra):
        yield from (f"{place}: {fault}" for fault in unknown(item, ("option", "value")))
        name, value = item.get("option"), item.get("value")
        if not isinstance(name, str) or not EXTRA_NAME.match(name):
            yield f"{place}.option: is {v.shown(name)}; write the name of an option of tor"
        elif _taken_for(name, layout):
            yield f"{place}.option: {name} would change the layout of the instance; leave it out"
        elif _taken_for(name, fields):
            yield f"{place}.option: {name} has a field; use '{fields[t.cast(str, _taken_for(name, fields))]}'"
        elif _taken_for(name, SECRET):
            yield (
                f"{place}.option: {name} holds a secret, which plans, diffs and logs would show; give it in "
                "'onion_option_secrets' (with tor_instances alone, in 'option_secrets')"
            )
        elif service != (name.lower().startswith("hiddenservice") and not _taken_for(name, DAEMON_WIDE)):
            elsewhere = (
                "is no option of a service; put it into the daemon's options"
                if service
                else "belongs to a service; put it there"
            )
            yield f"{place}.option: {name} {elsewhere}"
        if not isinstance(value, int):
            yield from field_faults(place + ".value", v.Text(), value)
