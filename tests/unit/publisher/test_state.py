# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime
import time
import types

import pytest
from fake_tor import Backend, point
from onionfleet_publisher import received, settings, state
from onionfleet_publisher.state import Clock

NOW = Clock(100.0, time.time())
LATER = Clock(NOW.now + 60 * 3600, NOW.wall + 60 * 3600)
ADDRESSES = [Backend().address for _index in range(3)]


def _config(*drained: int, names: tuple[str, ...] = ("archive",), count: int = 3) -> settings.Config:
    instances = tuple(
        settings.Instance(f"app{number}/w1", address, number in drained)
        for number, address in enumerate(ADDRESSES[:count])
    )
    return settings.Config(
        tuple(settings.Service(name, f"/{name}", 80, instances) for name in names), settings.Settings(), "/x", ""
    )


def _key(path: str) -> types.SimpleNamespace:
    return types.SimpleNamespace(onion_address=path[1:] + ".onion")


def _service() -> state.ServiceState:
    service = state.merge(_config(), {}, _key, NOW.now)["archive"]
    for one in service.backends.values():
        points = [point(number) for number in range(3)]
        one.received = received.Received(b"k", 1, {received.point_identity(each): each for each in points}, "1-2 31")
        one.received_at = NOW.now
        one.health.move("up", NOW.now)
    return service


def _expiring(service: state.ServiceState, at: float) -> None:
    then = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).replace(tzinfo=None)
    for backend in service.backends.values():
        for each in backend.received.points.values():
            each.auth_key_cert.expiration = each.enc_key_cert.expiration = then


def test_points_whose_certificates_run_out_are_left_out_but_never_all_of_them() -> None:
    service = _service()
    _expiring(service, NOW.wall + 3600)
    service.decide(NOW, settings.Settings(), 0.0)
    before = dict(service.chosen)
    assert before
    service.decide(LATER, settings.Settings(), 0.0)
    assert (service.chosen, set(service.listing.addresses)) == (before, set(ADDRESSES))


def test_a_new_configuration_keeps_what_is_known() -> None:
    known = state.merge(_config(names=("archive", "other")), {}, _key, 1.0)
    known["archive"].backends[ADDRESSES[0]].health.move("up", 5.0)
    merged = state.merge(_config(0, count=2), known, _key, 9.0)
    assert list(merged) == ["archive"]
    assert merged["archive"] is known["archive"]
    assert [(one.instance.drained, one.health.state) for one in merged["archive"].backends.values()] == [
        (True, "up"),
        (False, "unknown"),
    ]
    moved = state.merge(_config(), known, lambda path: types.SimpleNamespace(onion_address="new.onion"), 9.0)
    assert moved["archive"] is not known["archive"]


def test_a_configuration_that_cannot_be_used_changes_nothing() -> None:
    known = state.merge(_config(), {}, _key, 1.0)

    def refuse(path: str) -> types.SimpleNamespace:
        if path == "/other":
            raise settings.ConfigFault("no key")
        return _key(path)

    with pytest.raises(settings.ConfigFault):
        state.merge(_config(0, names=("archive", "other")), known, refuse, 2.0)
    assert not any(one.instance.drained for one in known["archive"].backends.values())


def test_a_backend_is_known_once_it_answered_or_is_lost_or_is_to_be_left_out() -> None:
    backend = _service().backends[ADDRESSES[0]]
    assert backend.known
    backend.health.move("unknown", NOW.now)
    assert not backend.known and backend.status(NOW, {})["known"] is False
    backend.health.move("down", NOW.now)
    assert backend.known
    backend.health.move("unknown", NOW.now)
    backend.instance = dataclasses.replace(backend.instance, drained=True)
    assert backend.known
    backend.instance, backend.port = dataclasses.replace(backend.instance, drained=False), None
    assert backend.known, "without probes its descriptor is all that can come"


def test_the_first_publication_waits_for_those_that_have_not_answered_but_not_for_long() -> None:
    service = _service()
    assert service.may_publish(NOW)
    service.backends[ADDRESSES[0]].health.move("unknown", NOW.now)
    assert not service.may_publish(NOW)
    service.first_received = NOW.now - state.FIRST_WAIT
    assert service.may_publish(NOW)
    for backend in service.backends.values():
        backend.health.move("unknown", NOW.now)
        backend.health.failed(NOW.now)
    assert not service.may_publish(NOW), "nobody answers"
    service.backends[ADDRESSES[0]].health.forget()
    assert not service.may_publish(NOW), "one has not been asked yet"
    service.first_received = NOW.now - state.LAST_WAIT
    assert service.may_publish(NOW)
    service.first_received = None
    for backend in service.backends.values():
        backend.health.move("up", NOW.now)
    service.backends[ADDRESSES[0]].health.move("down", NOW.now)
    assert service.may_publish(NOW)


def test_without_probes_a_backend_is_down_when_all_directories_say_so_for_long() -> None:
    backend = _service().backends[ADDRESSES[0]]
    backend.port = None
    assert backend.view(LATER).state == "unknown"
    backend.misses = 8
    assert backend.view(NOW).state == "unknown"
    assert backend.view(LATER).state == "down"


def test_other_points_settle_and_who_is_gone_leaves_at_once() -> None:
    service = _service()
    service.decide(NOW, settings.Settings(), 0.0)
    service.settled_at = 0.0
    more = [point(number) for number in range(10, 13)]
    service.backends[ADDRESSES[0]].received = received.Received(
        b"k", 2, {received.point_identity(each): each for each in more}, "1-2 31"
    )
    service.decide(NOW, settings.Settings(), 0.0)
    assert service.settled_at == NOW.now + state.SETTLE_SECONDS
    service.backends[ADDRESSES[0]].health.move("down", NOW.now)
    service.decide(NOW, settings.Settings(), 0.0)
    assert service.settled_at == NOW.now
    assert ADDRESSES[0] not in service.chosen
