# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is replaced in Onionbalance and stem, each with its reason, and the check that it is all there.

    check()     everything that we call or replace, compared with what we know of it: a list of faults
    apply()     replace

Whatever else Onionbalance does stays as it is: keys, time periods, the ring of directories, certificates, signatures.
"""

from __future__ import annotations

import array
import bisect
import datetime
import hashlib
import importlib
import inspect
import sys
from collections.abc import Iterator
from typing import Any

# Callables, and the names of their parameters.
SIGNATURES = {
    "onionbalance.common.descriptor:upload_descriptor": "controller signed_descriptor hsdirs v3_onion_address",
    "onionbalance.hs_v3.consensus:Consensus.__init__": "self do_refresh_consensus",
    "onionbalance.hs_v3.consensus:Consensus._get_srv_phase_duration": "self",
    "onionbalance.hs_v3.consensus:Consensus.get_blinding_param": "self identity_pubkey time_period_number",
    "onionbalance.hs_v3.consensus:Consensus.get_start_time_of_current_srv_run": "self",
    "onionbalance.hs_v3.consensus:Consensus.get_start_time_of_previous_srv_run": "self",
    "onionbalance.hs_v3.consensus:Consensus.get_time_period_length": "self",
    "onionbalance.hs_v3.consensus:Consensus.get_time_period_num": "self valid_after",
    "onionbalance.hs_v3.consensus:Consensus.is_live": "self",
    "onionbalance.hs_v3.consensus:Consensus.refresh": "self",
    "onionbalance.hs_v3.descriptor:OBDescriptor.__init__": (
        "self onion_address identity_priv_key blinding_param intro_points is_first_desc"
    ),
    "onionbalance.hs_v3.descriptor:OBDescriptor._get_revision_counter": "self identity_priv_key is_first_desc",
    "onionbalance.hs_v3.ext.ed25519_exts_ref:publickeyFromESK": "h",
    "onionbalance.hs_v3.hashring:_get_hash_ring_for_descriptor": "is_first_descriptor",
    "onionbalance.hs_v3.hashring:_get_hidden_service_index": "blinded_pubkey replica_num is_first_descriptor",
    "onionbalance.hs_v3.hashring:get_srv_and_time_period": "is_first_descriptor",
    "onionbalance.hs_v3.service:OnionbalanceService.__init__": "self service_config_data config_path",
    "onionbalance.hs_v3.service:OnionbalanceService._get_identity_pubkey_bytes": "self",
    "onionbalance.hs_v3.stem_controller:StemController.get_md_consensus": "self",
    "onionbalance.hs_v3.tor_ed25519:_blinded_sign_with_tor_key": "msg identity_key blinded_key blinding_nonce",
    "stem.control:Controller._handle_event": "self event_message",
    "stem.control:Controller.get_microdescriptors": "self default",
    "stem.control:BaseController.msg": "self message",
    "stem.descriptor.microdescriptor:_parse_file": "descriptor_file validate kwargs",
    "stem.descriptor.hidden_service:_blinded_pubkey": "identity_key blinding_nonce",
    "stem.descriptor.hidden_service:_blinded_sign": "msg identity_key blinded_key blinding_nonce",
    "stem.descriptor.hidden_service:InnerLayer.create": "attr exclude validate sign introduction_points",
    "stem.socket:ControlSocketFile.__init__": "self path connect",
    "stem.util.ed25519:scalarmult_B": "e",
    "stem.util.ed25519:encodepoint": "P",
}
# Other attributes.
ATTRIBUTES = (
    "onionbalance.hs_v3.descriptor:BadDescriptor",
    "onionbalance.hs_v3.descriptor:InnerLayer",
    "onionbalance.hs_v3.onionbalance:my_onionbalance",
    "onionbalance.hs_v3.service:BadServiceInit",
    "stem.util.ed25519:l",
)
VERSION = "0.2.4"


def check() -> list[str]:
    """What is not as this program expects it; empty where it may start."""
    return list(_faults())


def _faults() -> Iterator[str]:
    try:
        version = importlib.import_module("onionbalance").__version__
    except Exception as error:  # whatever a foreign module raises, it is not the one we know
        yield f"onionbalance: {error}"
        return
    if version != VERSION:
        yield f"onionbalance: is {version}, and this program is made for {VERSION}"
    for place, parameters in SIGNATURES.items():
        found = _find(place)
        if found is None:
            yield f"{place}: is not there"
        elif " ".join(inspect.signature(found).parameters) not in (parameters, parameters.removeprefix("self ")):
            yield f"{place}: takes {inspect.signature(found)}, and not ({parameters.replace(' ', ', ')})"
    yield from (f"{place}: is not there" for place in ATTRIBUTES if _find(place) is None)


def _find(place: str) -> Any:
    module, _other, path = place.partition(":")
    try:
        found = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except Exception:
        return None
    return found


class FlowControl:
    """Stands for stem's InnerLayer where Onionbalance creates one: it adds the line `flow-control`, without which
    clients do not negotiate congestion control. `offered` is set before each creation.
    """

    offered: str | None = None

    @classmethod
    def create(cls, introduction_points: list[Any]) -> Any:
        from stem.descriptor.hidden_service import InnerLayer

        attributes = {"flow-control": cls.offered} if cls.offered else {}
        return InnerLayer.create(attr=attributes, introduction_points=introduction_points)


class Counters:
    """Revision counters as tor's, greater than the service's last one even where the clock went back.

    Onionbalance's come from another key, so that directories would refuse either side for minutes when a service moves
    between publishers and replicas. With tor's, the later clock wins (tor: set_descriptor_revision_counter). `blinding`
    is that of the descriptor, set before each creation.
    """

    blinding: bytes = bytes(32)
    last: dict[tuple[bytes, int], int] = {}

    @classmethod
    def next(cls, identity: Any, is_first: bool) -> int:
        from onionbalance.hs_v3.onionbalance import my_onionbalance

        consensus = my_onionbalance.consensus
        began = int(
            consensus.get_start_time_of_previous_srv_run()
            if is_first
            else consensus.get_start_time_of_current_srv_run()
        )
        seconds = max(1, int(datetime.datetime.now(datetime.timezone.utc).timestamp()) - began + 1)
        counter = revision_counter(identity.private_bytes(), cls.blinding, seconds)
        key = (identity.public_key().public_bytes(), began)
        cls.last = {known: value for known, value in cls.last.items() if known[1] > began - 4 * 86400}
        cls.last[key] = max(counter, cls.last.get(key, 0) + 1)
        return cls.last[key]


def revision_counter(expanded_secret: bytes, blinding: bytes, seconds: int) -> int:
    """Seconds of the shared random run under order-preserving encryption (rend-spec-v3, F.2), summed up at once."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    # with the string's final zero, which tor hashes too
    secret = hashlib.sha3_256(b"rev-counter-generation\0" + _blinded_secret(expanded_secret, blinding)).digest()
    encryptor = Cipher(algorithms.AES(secret), modes.CTR(bytes(16))).encryptor()
    words = array.array("H", encryptor.update(bytes(2 * seconds)))
    if sys.byteorder == "big":
        words.byteswap()
    return sum(words) + seconds


def _blinded_secret(expanded_secret: bytes, blinding: bytes) -> bytes:
    """The secret key of a time period (rend-spec-v3, A.2)."""
    from stem.util import ed25519

    factor = int.from_bytes(blinding, "little") & (2**254 - 8) | 2**254
    scalar = int.from_bytes(expanded_secret[:32], "little") * factor % ed25519.l
    rest = hashlib.sha512(b"Derive temporary signing key hash input" + expanded_secret[32:]).digest()[:32]
    return bytes(scalar.to_bytes(32, "little") + rest)


class Rings:
    """The ring of directories, worked out once for a consensus and period and not once for each descriptor."""

    known: dict[bool, tuple[Any, Any, Any, list[bytes]]] = {}
    original: Any = None

    @classmethod
    def ring(cls, is_first_descriptor: bool) -> Any:
        from onionbalance.hs_v3 import hashring
        from onionbalance.hs_v3.onionbalance import my_onionbalance

        period, nodes = hashring.get_srv_and_time_period(is_first_descriptor), my_onionbalance.consensus.nodes
        known = cls.known.get(is_first_descriptor)
        if known is None or known[0] != period or known[1] is not nodes:
            ring = cls.original(is_first_descriptor)
            known = cls.known[is_first_descriptor] = (period, nodes, ring, sorted(ring))
        return known[2]

    @classmethod
    def order(cls, is_first: bool) -> tuple[Any, list[bytes]]:
        """The ring, and its positions in order."""
        cls.ring(is_first)
        return cls.known[is_first][2:]


def responsible_hsdirs(blinded_key: bytes, is_first: bool) -> list[str]:
    """Fingerprints of a descriptor's directories (rend-spec-v3, 2.2.3).

    Instead of Onionbalance's get_responsible_hsdirs, which finds too few where it must go on at the beginning of
    the ring, and then publishes nothing on the real network; and which does not end where there are no more
    directories than replicas want.
    """
    from onionbalance.hs_v3 import hashring, params

    (ring, order), found = Rings.order(is_first), []
    for replica in range(1, params.HSDIR_N_REPLICAS + 1):
        start, wanted = (
            bisect.bisect_left(order, hashring._get_hidden_service_index(blinded_key, replica, is_first)),
            params.HSDIR_SPREAD_STORE,
        )
        for step in range(len(order)):
            fingerprint = ring[order[(start + step) % len(order)]].get_hex_fingerprint()
            if wanted and fingerprint not in found:
                found.append(fingerprint)
                wanted -= 1
            if not wanted:
                break
    return found


def _public_key(expanded_secret: bytes) -> bytes:
    """As Onionbalance's function, 30 times as fast."""
    from stem.util import ed25519

    return ed25519.encodepoint(ed25519.scalarmult_B(ed25519.decodeint(expanded_secret[:32])))


def _voting_interval(self: Any) -> int:
    """Seconds, by the consensus (tor: get_voting_interval); Onionbalance has 20 on test networks, which may differ."""
    return int((self.consensus.fresh_until - self.consensus.valid_after).total_seconds())


def _period_length(self: Any) -> int:
    """Minutes; 24 rounds on a testing network, else what the consensus says (rend-spec-v3, 2.2.1)."""
    from onionbalance.hs_v3.onionbalance import my_onionbalance

    if my_onionbalance.is_testnet:
        return 24 * _voting_interval(self) // 60
    return int((self.consensus.params or {}).get("hsdir_interval", 1440))


def _phase_duration(self: Any) -> int:
    return 12 * _voting_interval(self) // 60


def _current_run(self: Any) -> int:
    interval, valid_after = (
        _voting_interval(self),
        int(self.consensus.valid_after.replace(tzinfo=datetime.timezone.utc).timestamp()),
    )
    return valid_after // (24 * interval) * 24 * interval


def _previous_run(self: Any) -> int:
    return _current_run(self) - 24 * _voting_interval(self)


def apply() -> None:
    """Replace; check() has been asked before."""
    from onionbalance.hs_v3 import consensus, descriptor, hashring
    from onionbalance.hs_v3.ext import ed25519_exts_ref

    descriptor.InnerLayer = FlowControl
    descriptor.OBDescriptor._get_revision_counter = Counters.next
    ed25519_exts_ref.publickeyFromESK = _public_key
    if Rings.original is None:
        Rings.original = hashring._get_hash_ring_for_descriptor
    hashring._get_hash_ring_for_descriptor = Rings.ring
    consensus.Consensus.get_time_period_length = _period_length
    consensus.Consensus._get_srv_phase_duration = _phase_duration
    consensus.Consensus.get_start_time_of_current_srv_run = _current_run
    consensus.Consensus.get_start_time_of_previous_srv_run = _previous_run
