# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onionbalance at work: keys, the consensus, responsible directories, descriptors. Everything here may block.

    Engine.connect, refresh     tor's control socket; its consensus
    Engine.open_key             the key of a service
    Engine.places               time period and directories of a service's two descriptors
    Engine.publish              make a descriptor and give it to tor
    Engine.fetch, read          a backend's descriptor
"""

from __future__ import annotations

import base64
import dataclasses
import io
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import stem
import stem.control
import stem.descriptor.hidden_service
import stem.descriptor.microdescriptor
import stem.socket
from onionbalance.common.descriptor import upload_descriptor
from onionbalance.hs_v3 import consensus as ob_consensus
from onionbalance.hs_v3 import descriptor as ob_descriptor
from onionbalance.hs_v3 import hashring, params, stem_controller
from onionbalance.hs_v3 import service as ob_service
from onionbalance.hs_v3.onionbalance import my_onionbalance

from onionfleet_publisher import overrides, received

EVENTS = ("STATUS_CLIENT", "HS_DESC", "HS_DESC_CONTENT")
WHICH = ("first", "second")


class KeyFault(Exception):
    """The key of a service cannot be used."""


class NotMade(Exception):
    """A descriptor was not made or not given to tor; what is on the directories stays."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where one of the two descriptors of a service belongs."""

    period: int
    blinding: bytes
    hsdirs: tuple[str, ...]
    current: bool  # the one that clients ask for now


@dataclasses.dataclass(frozen=True)
class Network:
    """What tor says of the network."""

    live: bool  # a consensus that is not outdated
    directories: int  # relays on the ring
    missing: int  # relays whose microdescriptor has not arrived yet
    period: int | None = None  # the time period whose descriptors clients ask for


class _Controller(stem.control.Controller):  # type: ignore[misc]
    """stem's, which would let damaged descriptors end its event thread; ours takes events as they are."""

    def __init__(self, socket: Any, listener: Callable[[str], None]) -> None:
        self._listener = listener
        super().__init__(socket)

    def get_microdescriptors(self) -> Iterator[Any]:
        """As stem, which loses the end of the last one, and with it a directory."""
        yield from stem.descriptor.microdescriptor._parse_file(
            io.BytesIO(self.get_info("md/all", get_bytes=True) + b"\n")
        )

    def _handle_event(self, event_message: Any) -> None:
        try:
            self._listener("\n".join(content for _first, _second, content in event_message.content()))
        except Exception:
            logging.getLogger("onionfleet").debug("an event was not understood", exc_info=True)


class Engine:
    """One publisher's Onionbalance. Its methods are called from one thread at a time."""

    def __init__(self, *, testnet: bool = False) -> None:
        logging.getLogger("onionbalance").setLevel(logging.CRITICAL)
        overrides.apply()
        my_onionbalance.is_testnet = testnet
        my_onionbalance.controller = stem_controller.StemController.__new__(stem_controller.StemController)
        my_onionbalance.consensus = ob_consensus.Consensus(do_refresh_consensus=False)
        self._consensus = my_onionbalance.consensus
        self._blinded: dict[tuple[bytes, int], bytes] = {}
        self._blinding: dict[tuple[bytes, int], bytes] = {}
        self._places: dict[bytes, dict[str, Place]] = {}

    # --- tor ---

    def connect(self, path: str, listener: Callable[[str], None]) -> Any:
        """Connect to tor; `listener` gets events' texts in another thread. Raises stem.ControllerError or OSError."""
        controller = _Controller(stem.socket.ControlSocketFile(path), listener)
        try:
            controller.authenticate()
            controller.set_caching(False)
            if not controller.msg("SETEVENTS " + " ".join(EVENTS)).is_ok():
                raise stem.OperationFailed(message="tor does not tell events")
        except BaseException:
            controller.close()
            raise
        return controller

    def use(self, controller: Any) -> None:
        """Work with this connection from now on."""
        my_onionbalance.controller.controller = controller

    @property
    def _controller(self) -> Any:
        return my_onionbalance.controller.controller

    def own_tor(self) -> bool:
        """Does our tor believe that it can build circuits?"""
        return bool(
            self._controller.get_info("status/circuit-established") == "1"
            and self._controller.get_info("network-liveness") == "up"
        )

    def bootstrap(self) -> str:
        """Tor's own words on how far it is."""
        words: str = self._controller.get_info("status/bootstrap-phase")
        return (
            words.partition("PROGRESS=")[2].partition(" ")[0]
            + " %: "
            + words.partition('SUMMARY="')[2].partition('"')[0]
        )

    def wake(self) -> None:
        """Keep tor from going dormant: nobody else uses it."""
        self._controller.signal("ACTIVE")

    def refresh(self) -> Network:
        """Read the consensus and microdescriptors that tor has."""
        self._places = {}
        try:
            self._consensus.refresh()
        except (stem.OperationFailed, stem.InvalidArguments, stem.DescriptorUnavailable, ValueError):
            pass  # none yet
        if not self._consensus.is_live() or not self._consensus.nodes:
            return Network(False, 0, 0)
        given = self._consensus.consensus.params or {}
        params.HSDIR_N_REPLICAS, params.HSDIR_SPREAD_STORE = (
            given.get("hsdir_n_replicas", 2),
            given.get("hsdir_spread_store", 4),
        )
        nodes, ring = self._consensus.nodes, hashring._get_hash_ring_for_descriptor(True)
        return Network(
            bool(ring),
            len(ring),
            len(self._consensus.get_routerstatuses()) - len(nodes),
            self._consensus.get_time_period_num(),
        )

    # --- services ---

    def open_key(self, path: str) -> Any:
        """Onionbalance's service with the key in `path`, in tor's format."""
        try:
            service = ob_service.OnionbalanceService({"key": path, "instances": []}, path)
        except (ob_service.BadServiceInit, ValueError, TypeError, OSError) as error:
            raise KeyFault(f"{path}: cannot be read as tor's hs_ed25519_secret_key {error}".strip()) from None
        if not service.is_priv_key_in_tor_format:
            raise KeyFault(f"{path}: is not in tor's format; the two formats cannot be mixed")
        return service

    def places(self, identity: bytes) -> dict[str, Place]:
        """Both descriptors of the service with this public key; {} where the ring is empty."""
        if identity not in self._places:
            self._places[identity] = {which: self._place(identity, which == "first") for which in WHICH}
        return self._places[identity]

    def _place(self, identity: bytes, is_first: bool) -> Place:
        _other, period = hashring.get_srv_and_time_period(is_first)
        blinded = self._blind(identity, period)
        hsdirs = overrides.responsible_hsdirs(blinded, is_first)
        return Place(
            period, self._blinding[identity, period], tuple(hsdirs), period == self._consensus.get_time_period_num()
        )

    def _blind(self, identity: bytes, period: int) -> bytes:
        """The blinded public key; worked out once, for it takes milliseconds."""
        key = identity, period
        if key not in self._blinded:
            self._forget_before(period - 3)
            self._blinding[key] = self._consensus.get_blinding_param(identity, period)
            self._blinded[key] = stem.descriptor.hidden_service._blinded_pubkey(identity, self._blinding[key])
        return self._blinded[key]

    def _forget_before(self, period: int) -> None:
        for known in (self._blinded, self._blinding):
            for key in [key for key in known if key[1] < period]:
                del known[key]

    def publish(
        self, service: Any, which: str, points: Sequence[Any], flow_control: str | None, hsdirs: Iterable[str]
    ) -> tuple[int, str]:
        """Make a descriptor with these introduction points and let tor upload it: revision counter and signing key.

        It is read again as a client would before it leaves. Raises NotMade, TooBig, stem.ControllerError.
        """
        identity = service._get_identity_pubkey_bytes()
        place = self.places(identity)[which]
        overrides.FlowControl.offered, overrides.Counters.blinding = flow_control, place.blinding
        try:
            made = ob_descriptor.OBDescriptor(
                service.onion_address, service.identity_priv_key, place.blinding, list(points), which == "first"
            )
        except ob_descriptor.BadDescriptor:
            raise TooBig(f"{len(points)} introduction points make too big a descriptor") from None
        text = str(made.v3_desc)
        try:
            check = received.read(text, service.onion_address, [self._blind(identity, place.period)])
        except received.Rejected as error:
            raise NotMade(f"the descriptor made is {error}") from None
        if (
            set(check.points) != {received.point_identity(point) for point in points}
            or check.flow_control != flow_control
        ):
            raise NotMade("the descriptor made does not read as it was meant")
        upload_descriptor(self._controller, made.v3_desc, hsdirs=list(hsdirs), v3_onion_address=service.onion_address)
        return check.counter, base64.b64encode(made.v3_desc.signing_cert.key).decode()

    # --- backends ---

    def fetch(self, address: str, tries: int) -> str:
        """Ask one of the backend's directories for its descriptor, the next one with each try; returns its fingerprint.

        The directory is named, so tor's limit of one request per directory and quarter of an hour does not apply.
        """
        current = next(place for place in self.places(_public_key(address)).values() if place.current)
        if not current.hsdirs:
            raise stem.OperationFailed(message="no directory")
        hsdir = current.hsdirs[tries % len(current.hsdirs)]
        answer = self._controller.msg(f"HSFETCH {address.removesuffix('.onion')} SERVER={hsdir}")
        if not answer.is_ok():
            raise stem.OperationFailed(message=str(answer))
        return hsdir

    def read(self, address: str, text: str) -> received.Received:
        """A backend's descriptor that tor fetched. Raises received.Rejected."""
        identity = _public_key(address)
        period = self._consensus.get_time_period_num()
        return received.read(
            text, address, [self._blind(identity, number) for number in (period - 1, period, period + 1)]
        )


class TooBig(NotMade):
    """Fewer introduction points would do."""


def _public_key(address: str) -> bytes:
    key: bytes = stem.descriptor.hidden_service.HiddenServiceDescriptorV3.identity_key_from_address(address)
    return key
