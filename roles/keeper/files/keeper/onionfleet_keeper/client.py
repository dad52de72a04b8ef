# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper's own tor client: what the HSDirs hold, and whether a service answers.

    Client      look(): some of a service's HSDirs, asked for its descriptor; probe(): one request
    Reading     what a look found
"""

from __future__ import annotations

import dataclasses
import random
import re
import threading
import time

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import hsdir as hsdir_ring
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import public_key_from_address
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.descriptor import parse_outer
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlPort
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.socks import Target, ask

from onionfleet_keeper.model import Probe
from onionfleet_keeper.settings import Asked

ASKED = 4  # HSDirs in one look, of usually 8: the newest descriptor is on nearly all of them
LOOK_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Reading:
    began: float  # monotonic
    answered: bool  # an HSDir did, with a descriptor or without
    period: int = 0
    revision: int | None = None
    blinded_key: bytes = b""
    signing_key: bytes = b""


class Client:
    """Paths of its sockets."""

    def __init__(self, control: str, socks: str) -> None:
        self._control, self._socks = control, socks
        self._lock = threading.Lock()
        self._known: tuple[str, hsdir_ring.Period, list[tuple[bytes, str]], dict[str, int]] | None = None

    def probe(self, address: str, asked: Asked) -> Probe:
        """One request over a circuit of its own."""
        began = time.monotonic()
        try:
            answer = ask(self._socks, Target(address, asked.port, asked.scheme, asked.path), timeout=asked.timeout)
        except OnionfleetError as error:
            return Probe(began, False, str(error))
        return Probe(began, not answer.error, answer.error)

    def authorize(self, address: str, key: str) -> None:
        """Give it the key (base64) of a restricted service's client. Raises OnionfleetError."""
        with ControlPort(self._control) as port:
            port.command(f"ONION_CLIENT_AUTH_ADD {address[: -len('.onion')]} x25519:{key}")

    def look(self, address: str) -> Reading:
        began = time.monotonic()
        try:
            with ControlPort(self._control, timeout=LOOK_SECONDS) as port:
                return self._look(port, address, began)
        except OnionfleetError:
            return Reading(began, False)

    def _look(self, port: ControlPort, address: str, began: float) -> Reading:
        _valid, period, ring, params = self._network(port)
        blinded = hsdir_ring.blind_public_key(public_key_from_address(address), period.number, period.length)
        hsdirs = [
            hsdir
            for hsdir, _replica in hsdir_ring.responsible_hsdirs(
                ring,
                blinded,
                period,
                replicas=params.get("hsdir_n_replicas", 2),
                spread=params.get("hsdir_spread_store", 4),
            )
        ]
        label, answered, found = address[: -len(".onion")], False, None
        waiting = set(random.sample(hsdirs, min(ASKED, len(hsdirs))))
        port.subscribe("HS_DESC", "HS_DESC_CONTENT")
        for hsdir in waiting:
            port.command(f"HSFETCH {label} SERVER=${hsdir}")
        while waiting and time.monotonic() < began + LOOK_SECONDS:
            event = port.next_event(began + LOOK_SECONDS - time.monotonic()) or ""
            hsdir, text = _answer(event, label)
            if hsdir in waiting and text:
                waiting.discard(hsdir)
                answered = answered or text != "failed"
                outer = parse_outer(text) if "\n" in text else None
                found = max((one for one in (found, outer) if one), key=lambda one: one.revision_counter, default=None)
        if found is None:
            return Reading(began, answered, period.number)
        return Reading(began, answered, period.number, found.revision_counter, found.blinded_key, found.signing_key)

    def _network(self, port: ControlPort) -> tuple[str, hsdir_ring.Period, list[tuple[bytes, str]], dict[str, int]]:
        """Period, ring and parameters of the present consensus, worked out once for each."""
        valid = port.getinfo("consensus/valid-after")
        with self._lock:
            if self._known is None or self._known[0] != valid:
                consensus = hsdir_ring.parse_consensus(
                    port.getinfo("dir/status-vote/current/consensus-microdesc"), port.getinfo("md/all")
                )
                period = hsdir_ring.fetch_period(
                    consensus, testing=port.getconf("TestingTorNetwork") == [("TestingTorNetwork", "1")]
                )
                self._known = valid, period, hsdir_ring.hash_ring(consensus, period), dict(consensus.params)
            return self._known


def _answer(event: str, label: str) -> tuple[str, str]:
    """HSDir and its answer: a descriptor, "none", "failed"; empty: the event is no answer (control-spec, HS_DESC)."""
    head, _newline, text = event.partition("\n")
    words = head.split() + [""] * 5
    if words[0] == "HS_DESC_CONTENT" and words[1] == label:
        return words[3][1:41], text.strip()
    if words[0] == "HS_DESC" and words[1] == "FAILED" and words[2] == label:
        reason = re.search(r" REASON=(\w+)", head)
        return words[4][1:41], "none" if reason and reason.group(1) == "NOT_FOUND" else "failed"
    return "", ""
