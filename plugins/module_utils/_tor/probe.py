# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A round of requests to onion services through a tor client.

Overview::

  ARGUMENTS         the options of onion_probe
  probe             one round over all targets
  checked_targets   targets with their defaults, or all their faults
  request_faults    the faults of one request
"""

from __future__ import annotations

import base64
import collections
import concurrent.futures
import contextlib
import re
import statistics
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import is_address
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import client_key
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlPort
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.socks import DEFAULT_PORTS, Answer, Target, ask

ARGUMENTS: dict[str, t.Any] = {
    "targets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str"},
            "address": {"type": "str", "required": True},
            "port": {"type": "int"},
            "scheme": {"type": "str", "choices": ["http", "https", "tcp"], "default": "http"},
            "path": {"type": "str", "default": "/"},
            "status": {"type": "list", "elements": "int", "default": []},
            "contains": {"type": "str", "default": ""},
            "send": {"type": "str", "default": ""},
            "capture": {"type": "str", "default": ""},
            "validate_certs": {"type": "bool", "default": False},
        },
    },
    "fresh": {"type": "str", "choices": ["circuit", "client", "first"], "default": "circuit"},
    "requests": {"type": "int", "default": 1},
    "timeout": {"type": "int", "default": 60},
    "body": {"type": "int", "default": 0},
    "until": {
        "type": "dict",
        "default": {},
        "options": {"answered": {"type": "str", "default": "all"}, "answered_by": {"type": "int", "default": 0}},
    },
    "wait": {"type": "int", "default": 0},
    "fail": {"type": "bool", "default": True},
    "control": {"type": "path", "default": "/run/tor-instances/onionprobe/control"},
    "socks": {"type": "path", "default": "/run/tor-instances/onionprobe/probe.sock"},
    "credentials": {"type": "dict", "default": {}, "no_log": True},
}
# tor postpones a NEWNYM that comes within 10 seconds of the last one.
_NEWNYM_SECONDS = 15
_PARALLEL = 16


def probe(params: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Ask every target, all in parallel, as often as wanted.

    :param params: options of onion_probe, with their defaults.
    :returns: ``targets`` as onion_probe returns them.
    :raises OnionfleetError: faulty targets, credentials of what is no address, or no tor client. A target whose
        credential is malformed has that for an error.
    """
    targets = checked_targets(params["targets"])
    keys = _client_keys(params["credentials"])
    malformed = params["credentials"].keys() - keys.keys()

    def answer(target: Target) -> Answer:
        return (
            Answer(0.0, "the client credential is malformed")
            if target.address in malformed
            else ask(params["socks"], target, timeout=params["timeout"])
        )

    answers: list[tuple[Answer, ...]] = []
    with ControlPort(params["control"]) as tor, concurrent.futures.ThreadPoolExecutor(_PARALLEL) as pool:
        tor.subscribe("SIGNAL")
        try:
            for number in range(params["requests"]):
                if params["fresh"] == "client" or (params["fresh"] == "first" and number == 0):
                    _forget(tor)
                _authorize(tor, keys)
                answers.append(tuple(pool.map(answer, targets.values())))
        finally:
            for address in keys:
                tor.command(f"ONION_CLIENT_AUTH_REMOVE {address[: -len('.onion')]}")
    return [
        _result(name, target, of_target, params["body"])
        for (name, target), of_target in zip(targets.items(), zip(*answers))
    ]


def checked_targets(given: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, Target]:
    """Targets by name.

    :raises OnionfleetError: whatever is wrong with any of them.
    """
    targets: dict[str, Target] = {}
    faults: list[str] = []
    for fields in given:
        port = fields["port"] or DEFAULT_PORTS.get(fields["scheme"], 0)
        name = fields["name"] or f"{fields['address']}:{port}"
        if not is_address(fields["address"]):
            faults.append(f"target {name!r}: address: is not an onion address of version 3; check it for typing errors")
        faults += [f"target {name!r}: {fault}" for fault in request_faults(port, fields["path"], fields["capture"])]
        if name in targets:
            faults.append(f"target {name!r}: name: is there twice; give each target a name of its own")
        taken = {key: fields[key] for key in ("address", "scheme", "path", "contains", "send", "capture")}
        targets[name] = Target(port=port, status=tuple(fields["status"]), verify=fields["validate_certs"], **taken)
    if faults:
        raise OnionfleetError(*faults)
    return targets


def request_faults(port: int, path: str, capture: str) -> t.Iterator[str]:
    """What is wrong with a request."""
    if not 1 <= port <= 65535:
        yield "port: has to be 1 to 65535"
    if not re.match(r"/[!-~]*\Z", path):
        yield "path: has to begin with / and to be percent-encoded, without spaces"
    try:
        if capture and re.compile(capture).groups != 1:
            yield "capture: needs exactly one group"
    except (
        re.error,
        OverflowError,
        RecursionError,
    ) as error:  # the last two of too large a repetition, too many brackets
        yield f"capture: is no regular expression: {error}; mend it"


def _client_keys(credentials: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Keys in base64, without those that are none."""
    strangers = [address for address in credentials if not is_address(address)]
    if strangers:
        raise OnionfleetError(*[f"credentials: {address!r} is not an onion address" for address in strangers])
    keys = {}
    for address, text in credentials.items():
        with contextlib.suppress(OnionfleetError):
            keys[address] = base64.b64encode(client_key(str(text))).decode()
    return keys


def _authorize(tor: ControlPort, keys: t.Mapping[str, str]) -> None:
    """Give the client its credentials, in memory only; a NEWNYM makes it forget them."""
    for address, key in keys.items():
        tor.command(f"ONION_CLIENT_AUTH_ADD {address[: -len('.onion')]} x25519:{key}")


def _forget(tor: ControlPort) -> None:
    """Make the client forget circuits, descriptors and failures, and wait until it did."""
    tor.signal("NEWNYM")
    if tor.next_event(_NEWNYM_SECONDS) != "SIGNAL NEWNYM":
        raise OnionfleetError(f"the tor client did not become a fresh one within {_NEWNYM_SECONDS} s of NEWNYM")


def _result(name: str, target: Target, answers: t.Sequence[Answer], body: int) -> dict[str, t.Any]:
    good = [answer for answer in answers if not answer.error]
    seconds = [round(answer.seconds, 3) for answer in good]
    result = {
        "name": name,
        "address": target.address,
        "port": target.port,
        "requests": len(answers),
        "answered": len(good),
        "failed": len(answers) - len(good),
        "errors": dict(collections.Counter(answer.error for answer in answers if answer.error)),
        "seconds": seconds,
        "median": round(statistics.median(seconds), 3) if seconds else None,
        "answered_by": dict(collections.Counter(answer.answered_by for answer in good if answer.answered_by)),
    }
    if body and good:
        result["body"] = good[-1].body[:body].decode("utf-8", "replace")
    return result
