# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which HSDirs are responsible for a service (rend-spec-v3, sections 2.2 and A.2), as a tor client reckons it.

Overview::

  parse_consensus       a consensus (microdesc flavour) and microdescriptors -> Consensus
  fetch_period          the time period and shared random value that clients use now -> Period
  blind_public_key      a service's public key in a time period
  hash_ring             every HSDir by its index in a period
  responsible_hsdirs    where on the ring a service's descriptors are
"""

from __future__ import annotations

import base64
import bisect
import calendar
import dataclasses
import hashlib
import re
import time
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.ed25519 import multiply

_BASE_POINT_TEXT = (
    b"(15112221349535400772501151409588531511454012693041857206046113283949847762202, "
    b"46316835694926478169428394003475163141307993866256225615783033603165251855960)"
)
# A run of the shared random protocol: 12 rounds of commitment, 12 of revelation (srv-spec, section 2).
_ROUNDS_PER_PHASE = 12
_ROUNDS_PER_RUN = 24
_DEFAULT_PERIOD_MINUTES = 1440


@dataclasses.dataclass(frozen=True)
class Consensus:
    """What the hash ring needs of a consensus.

    :param valid_after: seconds since the epoch.
    :param voting_interval: seconds.
    :param params: network parameters.
    :param random_values: shared random values (32 bytes) by name, "current" and "previous".
    :param hsdirs: Ed25519 identity (32 bytes) of each HSDir by fingerprint (40 upper-case hexadecimal digits).
    """

    valid_after: int
    voting_interval: int
    params: t.Mapping[str, int]
    random_values: t.Mapping[str, bytes]
    hsdirs: t.Mapping[str, bytes]


@dataclasses.dataclass(frozen=True)
class Period:
    """A time period: its number, length in minutes, and the shared random value of its hash ring."""

    number: int
    length: int
    random_name: str
    random_value: bytes


def _base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _int8(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _timestamp(text: str, keyword: str) -> int:
    found = re.search(rf"^{keyword} (\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d)$", text, re.MULTILINE)
    if not found:
        raise OnionfleetError(f"tor's consensus has no {keyword}: it is damaged or of an unknown version")
    return calendar.timegm(time.strptime(found.group(1), "%Y-%m-%d %H:%M:%S"))


def _identities(microdescriptors: str) -> dict[bytes, bytes]:
    """Ed25519 identity by digest of the microdescriptor (dir-spec, section 3.3)."""
    identities = {}
    for body in re.split(r"^(?=onion-key$)", microdescriptors, flags=re.MULTILINE):
        found = re.search(r"^id ed25519 (\S+)$", body, re.MULTILINE)
        if found:
            identities[hashlib.sha256(body.rstrip("\n").encode() + b"\n").digest()] = _base64(found.group(1))
    return identities


def parse_consensus(consensus: str, microdescriptors: str) -> Consensus:
    """Read a client's view of the network.

    :param consensus: ``GETINFO dir/status-vote/current/consensus-microdesc``.
    :param microdescriptors: ``GETINFO md/all``; a relay whose microdescriptor is missing is on no client's ring.
    :raises OnionfleetError: it is no consensus.
    """
    identities = _identities(microdescriptors)
    hsdirs = {}
    for entry in re.split(r"^(?=r )", consensus, flags=re.MULTILINE)[1:]:
        fields = dict(line.partition(" ")[::2] for line in entry.splitlines())
        identity = identities.get(_base64(fields.get("m", "")))
        speaks = re.search(r"\bHSDir=(?:\d+-)?(\d+)", fields.get("pr", ""))
        if identity and "HSDir" in fields.get("s", "").split() and speaks and int(speaks.group(1)) >= 2:
            hsdirs[_base64(fields["r"].split()[1]).hex().upper()] = identity
    valid_after = _timestamp(consensus, "valid-after")
    params = re.search(r"^params (.*)$", consensus, re.MULTILINE)
    return Consensus(
        valid_after=valid_after,
        voting_interval=_timestamp(consensus, "fresh-until") - valid_after,
        params={key: int(value) for key, value in re.findall(r"(\S+)=(-?\d+)", params.group(1) if params else "")},
        random_values={
            name: _base64(value)
            for name, value in re.findall(r"^shared-rand-(current|previous)-value \d+ (\S+)$", consensus, re.MULTILINE)
        },
        hsdirs=hsdirs,
    )


def fetch_period(consensus: Consensus, *, testing: bool) -> Period:
    """The period and shared random value with which clients look for descriptors (rend-spec-v3, section 2.2.1).

    :param testing: whether the client has TestingTorNetwork set, which makes a period as long as a run.
    """
    interval = consensus.voting_interval
    length = consensus.params.get("hsdir_interval", _DEFAULT_PERIOD_MINUTES)
    if testing:
        length = _ROUNDS_PER_RUN * interval // 60
    offset = _ROUNDS_PER_PHASE * interval // 60

    def number_at(seconds: int) -> int:
        return (seconds // 60 - offset) // length

    number = number_at(consensus.valid_after)
    run_start = consensus.valid_after // interval // _ROUNDS_PER_RUN * _ROUNDS_PER_RUN * interval
    before_next_period = number == number_at(run_start)
    name = "previous" if before_next_period else "current"
    disaster = hashlib.sha3_256(b"shared-random-disaster" + _int8(length) + _int8(number)).digest()
    return Period(number, length, name, consensus.random_values.get(name, disaster))


def blind_public_key(public_key: bytes, period_number: int, period_length: int) -> bytes:
    """A service's blinded public key (rend-spec-v3, section A.2), 32 bytes.

    :param public_key: 32 bytes.
    :param period_length: minutes.
    :raises OnionfleetError: the public key is not a point of the curve.
    """
    nonce = b"key-blind" + _int8(period_number) + _int8(period_length)
    digest = hashlib.sha3_256(b"Derive temporary signing key\0" + public_key + _BASE_POINT_TEXT + nonce).digest()
    factor = int.from_bytes(digest, "little") & ~7 & (1 << 254) - 1 | 1 << 254
    return multiply(public_key, factor)


def hash_ring(consensus: Consensus, period: Period) -> list[tuple[bytes, str]]:
    """Index (32 bytes) and fingerprint of every HSDir, in the order of the ring (rend-spec-v3, section 2.2.3)."""
    suffix = period.random_value + _int8(period.number) + _int8(period.length)
    return sorted(
        (hashlib.sha3_256(b"node-idx" + identity + suffix).digest(), fingerprint)
        for fingerprint, identity in consensus.hsdirs.items()
    )


def responsible_hsdirs(
    ring: t.Sequence[tuple[bytes, str]], blinded_key: bytes, period: Period, *, replicas: int = 2, spread: int = 4
) -> list[tuple[str, int]]:
    """Fingerprint and replica (from 1) of the HSDirs that store a descriptor (rend-spec-v3, section 2.2.3).

    :param replicas: hsdir_n_replicas of the consensus.
    :param spread: hsdir_spread_store of the consensus.
    """
    chosen: dict[str, int] = {}
    for replica in range(1, replicas + 1):
        material = blinded_key + _int8(replica) + _int8(period.length) + _int8(period.number)
        start = bisect.bisect_left(ring, (hashlib.sha3_256(b"store-at-idx" + material).digest(), ""))
        walk = [fingerprint for _index, fingerprint in [*ring[start:], *ring[:start]] if fingerprint not in chosen]
        chosen.update((fingerprint, replica) for fingerprint in walk[:spread])
    return list(chosen.items())
