# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A status socket in every state that it can be in."""

from __future__ import annotations

import copy
import json
import os
import socket
import time

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import publisher_status, status_socket
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.publisher_status import (
    NotRunning,
    read_status,
)
from hypothesis import given
from hypothesis import strategies as st


def ask(publisher, timeout=5.0):
    return read_status(publisher.path, timeout)


def fault(publisher, timeout=5.0):
    """The one fault, which names the socket and what to do."""
    with pytest.raises(OnionfleetError) as caught:
        ask(publisher, timeout)
    (text,) = caught.value.faults
    assert text.startswith(f"{publisher.path}: ")
    assert "; see " in text
    assert not isinstance(caught.value, NotRunning), "somebody does listen"
    return text


def test_an_answer(publisher):
    publisher.says(more=[1])
    answer = ask(publisher)
    assert answer["services"][0]["instances"][0]["state"] == "up"
    assert answer["more"] == [1]


def test_an_answer_in_many_pieces(publisher):
    publisher.says()
    (whole,) = publisher.pieces
    publisher.answers(*(whole[at : at + 40] for at in range(0, len(whole), 40)), pause=0.001)
    assert ask(publisher) == json.loads(whole)


def test_no_socket_and_a_dead_one_are_no_running_publisher(publisher):
    with pytest.raises(NotRunning, match="No such file"):
        ask(publisher)
    publisher.says()
    publisher.dies()
    assert os.path.exists(publisher.path)
    with pytest.raises(NotRunning, match="nobody listens .*journalctl"):
        ask(publisher)


def test_a_file_that_is_no_socket_is_no_running_publisher(publisher):
    with open(publisher.path, "w", encoding="ascii"):
        pass
    with pytest.raises(NotRunning):
        ask(publisher)


@pytest.mark.parametrize("said", [[b""], [b'{"services": ']], ids=["nothing", "half"])
def test_silence(publisher, said):
    publisher.answers(*said, hang=True)
    began = time.monotonic()
    assert "timed out" in fault(publisher, 0.2)
    assert time.monotonic() - began < 2


def test_a_trickle_does_not_outlast_the_timeout(publisher):
    publisher.answers(*[b" "] * 400, pause=0.02)
    began = time.monotonic()
    assert fault(publisher, 0.3)
    assert time.monotonic() - began < 2


def test_no_time_at_all(publisher):
    publisher.says()
    assert "does not answer in time" in fault(publisher, 0)


def test_a_publisher_that_takes_no_more_calls(publisher):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(publisher.path)
        listener.listen(0)
        first.connect(publisher.path)
        fault(publisher, 0.2)


def test_too_much(publisher, monkeypatch):
    monkeypatch.setattr(status_socket, "_LIMIT", 200_000)
    publisher.answers(*[b" " * 65536] * 8)
    assert "too long" in fault(publisher)


def test_all_that_a_thousand_backends_say_is_read(publisher):
    instance = {
        "name": "application-server-1/archiveb1",
        "address": "b" * 62,
        "state": "up",
        "listed_keys": ["x" * 64] * 6,
    }
    publisher.says(services=[{**publisher.usual["services"][0], "instances": [instance] * 1000}])
    assert len(ask(publisher)["services"][0]["instances"]) == 1000


@pytest.mark.parametrize(
    "answer",
    [b"", b"garbage", b"\xff\xfe\x00", b'{"services": [', b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000],
    ids=["empty", "garbage", "bytes", "torn", "deep", "deep mapping", "long number"],
)
def test_garbage(publisher, answer):
    publisher.answers(answer)
    fault(publisher)


def changed(usual, place, value):
    """The usual answer with something else in one place; Ellipsis takes it away."""
    answer = copy.deepcopy(usual)
    *way, last = place
    holder = answer
    for key in way:
        holder = holder[key]
    holder[last] = value
    if value is ...:
        del holder[last]
    return answer


SERVICE = ("services", 0)
INSTANCE = (*SERVICE, "instances", 0)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("services",), None),
        (("services",), {}),
        (SERVICE, "archive"),
        (SERVICE, {}),
        ((*SERVICE, "name"), 3),
        ((*SERVICE, "descriptors"), {}),
        ((*SERVICE, "descriptors", 0, "signing_key"), 3),
        ((*SERVICE, "descriptors", 0, "signing_key"), ...),
        ((*SERVICE, "instances"), None),
        ((*INSTANCE, "name"), None),
        ((*INSTANCE, "address"), ...),
        ((*INSTANCE, "state"), ["up"]),
        ((*INSTANCE, "listed_keys"), [[]]),
        ((*INSTANCE, "listed_keys"), ...),
        (("started",), "yesterday"),
        (("started",), ...),
        (("loaded",), 5),
    ],
    ids=str,
)
def test_what_no_publisher_says(publisher, place, value):
    publisher.answers(json.dumps(changed(publisher.usual, place, value)).encode())
    assert "is not a publisher's" in fault(publisher)


@pytest.mark.parametrize("place", [("loaded",), (*SERVICE, "descriptors", 0, "signing_key")])
def test_what_it_does_not_know_yet_is_null(publisher, place):
    answer = changed(publisher.usual, place, None)
    publisher.answers(json.dumps(answer).encode())
    assert ask(publisher) == answer


@given(
    st.one_of(
        st.none(), st.booleans(), st.floats(), st.text(), st.lists(st.integers()), st.dictionaries(st.text(), st.none())
    )
)
def test_other_json_is_no_answer(answer):
    assert not status_socket._fits(answer, publisher_status._SHAPE)
