# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects descriptors, from the HSDirs and from the daemons that made them.

Overview::

  held_by_hsdirs    what each responsible HSDir holds, asked through a tor client
  made_by_daemons   what tor daemons of this host made themselves
"""

from __future__ import annotations

import base64
import collections
import contextlib
import os
import re
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk, locations
from ansible_collections.onionfleet.balance.plugins.module_utils._host.targets import refusals
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import descriptor
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import hsdir as hsdir_ring
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import (
    is_address,
    public_key_from_address,
)
from ansible_collections.onionfleet.balance.plugins.module_utils._tor import publishing
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlError, ControlPort

# Requests in flight: enough to hide circuits' latency, few enough not to flood the client's guard.
_IN_FLIGHT = 40

Answers = t.Dict[t.Tuple[str, str], str]


def held_by_hsdirs(
    addresses: t.Sequence[str], control: str, *, credentials: t.Mapping[str, str], timeout: float
) -> dict[str, t.Any]:
    """Ask every responsible HSDir of the current period for each service's descriptor.

    :param control: control socket of a tor client.
    :param credentials: client credentials (base32) by address.
    :param timeout: seconds for all answers together.
    :returns: ``period`` and ``services``, as onion_descriptor_info returns them.
    :raises OnionfleetError: faulty addresses, no client, or one that has no consensus yet.
    """
    keys = _checked(addresses, public_key_from_address)
    secrets = _client_keys(credentials)
    with ControlPort(control) as tor:
        consensus, testing = _consensus(tor)
        period = hsdir_ring.fetch_period(consensus, testing=testing)
        ring = hsdir_ring.hash_ring(consensus, period)
        responsible = {
            address: hsdir_ring.responsible_hsdirs(
                ring,
                hsdir_ring.blind_public_key(key, period.number, period.length),
                period,
                replicas=consensus.params.get("hsdir_n_replicas", 2),
                spread=consensus.params.get("hsdir_spread_store", 4),
            )
            for address, key in zip(addresses, keys)
        }
        questions = [(address, hsdir) for address, hsdirs in responsible.items() for hsdir, _replica in hsdirs]
        answers = _ask(tor, questions, timeout)
    services = []
    for address, key in zip(addresses, keys):
        hsdirs = [
            {"fingerprint": hsdir, "replica": replica, **_read(answers[address, hsdir], key, secrets.get(address))}
            for hsdir, replica in responsible[address]
        ]
        services.append({"address": address, "hsdirs": hsdirs, **_summary(hsdirs)})
    return {
        "period": {"number": period.number, "length": period.length, "random_value": period.random_name},
        "services": services,
    }


def _checked(values: t.Sequence[str], check: t.Callable[[str], bytes]) -> list[bytes]:
    checked, faults = [], []
    for value in values:
        try:
            checked.append(check(value))
        except OnionfleetError as error:
            faults += error.faults
    if faults:
        raise OnionfleetError(*faults)
    return checked


def _client_keys(credentials: t.Mapping[str, t.Any]) -> dict[str, bytes]:
    """The keys, without those that are none: their services are seen as without a key, and others as ever."""
    _checked(list(credentials), public_key_from_address)
    keys = {}
    for address, text in credentials.items():
        with contextlib.suppress(OnionfleetError):
            keys[address] = descriptor.client_key(str(text))
    return keys


def _consensus(tor: ControlPort) -> tuple[hsdir_ring.Consensus, bool]:
    try:
        text = tor.getinfo("dir/status-vote/current/consensus-microdesc")
        microdescriptors = tor.getinfo("md/all")
    except ControlError as error:
        raise OnionfleetError(
            f"the tor client has no consensus yet ({error.text}); wait until it has bootstrapped"
        ) from error
    testing = tor.getconf("TestingTorNetwork") == [("TestingTorNetwork", "1")]
    return hsdir_ring.parse_consensus(text, microdescriptors), testing


def _ask(tor: ControlPort, questions: t.Iterable[tuple[str, str]], timeout: float) -> Answers:
    """Descriptor, or why there is none (one word), by address and HSDir."""
    deadline = time.monotonic() + timeout
    waiting = collections.deque(questions)
    answers: Answers = {}
    asked: set[tuple[str, str]] = set()
    tor.subscribe("HS_DESC", "HS_DESC_CONTENT")
    while (waiting or asked) and time.monotonic() < deadline:
        while waiting and len(asked) < _IN_FLIGHT:
            address, hsdir = waiting.popleft()
            asked.add((address, hsdir))
            tor.command(f"HSFETCH {address[: -len('.onion')]} SERVER=${hsdir}")
        question, answer = _answer(tor.next_event(max(deadline - time.monotonic(), 0)) or "")
        if answer and question in asked:
            asked.remove(question)
            answers[question] = answer
    answers.update((question, "TIMEOUT") for question in [*waiting, *asked])
    return answers


def _answer(event: str) -> tuple[tuple[str, str], str]:
    """What an event answers, and the answer: empty for what is none (control-spec, HS_DESC and HS_DESC_CONTENT)."""
    head, _newline, text = event.partition("\n")
    words = head.split() + [""] * 5
    if words[0] == "HS_DESC_CONTENT":
        return (words[1] + ".onion", words[3][1:41]), text.strip()
    reason = re.search(r" REASON=(\w+)", head)
    return (words[2] + ".onion", words[4][1:41]), reason.group(1) if reason else ""


def _read(answer: str, public_key: bytes, credential: bytes | None) -> dict[str, t.Any]:
    try:
        outer = descriptor.parse_outer(answer) if "\n" in answer else None
    except descriptor.UNREADABLE:
        outer, answer = None, "BAD_DESC"
    points = outer and _points(outer, public_key, credential)
    return {
        "held": outer is not None,
        "error": None if outer else answer,
        "revision_counter": outer and outer.revision_counter,
        "blinded_key": outer and base64.b64encode(outer.blinded_key).decode(),
        "signing_key": outer and base64.b64encode(outer.signing_key).decode(),
        "age_hours": outer and max(int(time.time() - outer.signed_after) // 3600 - 1, 0),
        "introduction_points": points and [point.relay for point in points],
        "introduction_keys": points and [point.key for point in points],
    }


def _points(
    outer: descriptor.Outer, public_key: bytes, credential: bytes | None
) -> list[descriptor.IntroductionPoint] | None:
    try:
        return descriptor.introduction_points(outer, public_key, credential)
    except descriptor.UNREADABLE:
        return None


def _summary(hsdirs: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    counters = [hsdir["revision_counter"] for hsdir in hsdirs if hsdir["held"]]
    highest = max(counters, default=None)
    return {
        "responsible": len(hsdirs),
        "held": len(counters),
        "revision_counter": highest,
        "newest": counters.count(highest),
    }


def made_by_daemons(
    names: t.Sequence[str], credentials: t.Mapping[str, str], *, targets: bool = False
) -> list[dict[str, t.Any]]:
    """What each daemon made: see ``daemons`` as onion_descriptor_info returns them; silent ones have an ``error``.

    :param targets: whether to look whether the services' targets accept connections.
    :raises OnionfleetError: a credential of what is no address.
    """
    secrets = _client_keys(credentials)
    found = []
    for name in names:
        services: list[dict[str, t.Any]] = []
        error = None
        try:
            with ControlPort(locations.control_socket(name)) as tor:
                circuits = tor.getinfo("circuit-status")
                for folder, leads_to in _configured(tor).items():
                    address = _address(folder)
                    silent = list(refusals(leads_to).values()) if targets else []
                    made = _made(tor, address, circuits, secrets.get(address))
                    services.append({"directory": os.path.basename(folder), **made, "silent_targets": silent})
        except OnionfleetError as problem:
            error = str(problem)
        found.append({"name": name, "error": error, "services": services})
    return found


def _configured(tor: ControlPort) -> dict[str, list[str]]:
    """The folder of each service to its targets."""
    found: dict[str, list[str]] = {}
    folder = ""
    for option, value in tor.getconf("HiddenServiceOptions"):
        if option == "HiddenServiceDir" and value:
            folder = value.rstrip("/")
            found[folder] = []
        elif option == "HiddenServicePort" and value and folder:
            found[folder].append(_target(*value.replace('"', "").split(None, 1)))
    return found


def _target(port: str, target: str = "") -> str:
    """As ADDRESS:PORT or unix:PATH what HiddenServicePort may abbreviate."""
    if target.startswith("unix:"):
        return target
    if not target or target.isdigit():
        return f"127.0.0.1:{target or port}"
    return target if re.search(r"(^[^:]+|\]):\d+$", target) else f"{target}:{port}"


def _address(folder: str) -> str:
    try:
        text = disk.read_text(f"{folder}/hostname")
    except OSError as error:
        raise OnionfleetError(f"{folder}/hostname: {in_english(error)}") from error
    if text is None:
        raise OnionfleetError(f"{folder}/hostname: is missing; deploy writes it anew, unless tor has just been started")
    address = text.strip()
    if not is_address(address):
        raise OnionfleetError(
            f"{folder}/hostname: holds no address; remove it and restart the daemon, which writes it anew"
        )
    return address


def _made(tor: ControlPort, address: str, circuits: str, credential: bytes | None) -> dict[str, t.Any]:
    label = address[: -len(".onion")]
    try:
        outer: descriptor.Outer | None = descriptor.parse_outer(tor.getinfo("hs/service/desc/id/" + label))
    except descriptor.UNREADABLE:
        outer = None
    points = outer and descriptor.HAS_CRYPTOGRAPHY and _points(outer, public_key_from_address(address), credential)
    paths = publishing.introduction_circuits(circuits, label)
    return {
        "address": address,
        "revision_counter": outer and outer.revision_counter,
        "blinded_key": outer and base64.b64encode(outer.blinded_key).decode(),
        "signing_key": outer and base64.b64encode(outer.signing_key).decode(),
        "introduction_points": [point.relay for point in points] if points else None,
        "introduction_keys": [point.key for point in points] if points else None,
        "introduction_circuits": [path.split(",")[-1][1:41] for path in paths],
    }
