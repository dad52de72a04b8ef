# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a publisher is told to publish, and what it says that it does, whatever that is."""

from __future__ import annotations

import json
import random

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.module_utils._programs import (
    onionbalance,
    publisher_files,
    status_socket,
)
from ansible_collections.onionfleet.balance.plugins.modules import onionbalance_info
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan import backend_addresses
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status import publisher as publishing_side
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status import softmap_status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OWN, BACKEND = key_file.generate().address, key_file.generate().address
INSTANCE = {"name": "app1/archiveb1", "address": BACKEND, "drained": True}
CONFIG = onionbalance.render([{"name": "archive", "address": OWN, "port": 80, "instances": [INSTANCE]}], {})
ANSWER = json.dumps(
    {
        "started": 1.5,
        "loaded": "0" * 64,
        "services": [
            {
                "name": "archive",
                "address": OWN,
                "descriptors": [{"signing_key": "c2lnbmluZw==", "uploaded": 8}, {"signing_key": None}],
                "instances": [{"name": "app1/archiveb1", "address": BACKEND, "state": "up", "listed_keys": ["QUJD"]}],
            }
        ],
    }
)
PLANNED = {
    "publishers": [{"host": "pub1"}],
    "backends": [{"host": "app1", "daemon": "archiveb1", "worker": 1}],
    "directory": "x",
}


@pytest.fixture(name="told")
def fixture_told(tmp_path, monkeypatch, capfd):
    """Runs the module; ``told.config`` is the file that it reads."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    monkeypatch.setattr(locations, "PUBLISHER_CONFIG", str(config))

    def run(**parameters):
        with patch_module_args(parameters), pytest.raises(SystemExit) as ended:
            onionbalance_info.main()
        result = json.loads(capfd.readouterr().out)
        assert ended.value.code == 0, result
        assert (result["changed"], set(result) >= {"configured", "status", "error"}) == (False, True)
        return result

    run.config = config
    return run


def test_all_is_well(told, publisher):
    publisher.answers(ANSWER.encode())
    found = told()
    assert found["configured"] == [{"name": "archive", "instances": [INSTANCE]}]
    assert found["status"] == json.loads(ANSWER)
    assert found["error"] == ""


def test_never_deployed(told):
    told.config.unlink()
    found = told()
    assert (found["configured"], found["status"]) == ([], None)
    assert "config.yaml: is not there; deploy the publisher; " in found["error"]
    assert "nobody listens" in found["error"]


def test_a_silent_publisher_hides_no_configuration(told, publisher):
    publisher.answers(b"", hang=True)
    found = told(timeout=1)
    assert found["configured"][0]["instances"] == [INSTANCE]
    assert found["status"] is None
    assert found["error"] == f"{publisher.path}: timed out; see 'journalctl -u onionfleet-publisher'"


@pytest.mark.parametrize("kept", [0, 1, len(CONFIG) // 2, len(CONFIG) - 2])
def test_a_torn_configuration_hides_no_status(told, publisher, kept):
    told.config.write_text(CONFIG[:kept])
    publisher.answers(ANSWER.encode())
    found = told()
    assert found["configured"] == []
    assert found["status"] == json.loads(ANSWER)
    assert "config.yaml: is torn or not ours" in found["error"]
    assert "; deploy to have it written anew" in found["error"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 100_000, b"services: []\n"], ids=["bytes", "deep", "YAML"])
def test_a_configuration_that_is_none(told, content):
    told.config.write_bytes(content)
    assert "is torn or not ours" in told()["error"]


def test_something_else_in_its_place(told):
    told.config.unlink()
    told.config.mkdir()
    assert "is no regular file" in told()["error"]


def test_nobody_may_read_it(told, monkeypatch, capfd):
    monkeypatch.setattr(
        publisher_files.disk,
        "read_text",
        lambda path: (_nothing for _nothing in ()).throw(PermissionError(13, "Permission denied", path)),
    )
    with patch_module_args({}), pytest.raises(SystemExit):
        onionbalance_info.main()
    assert json.loads(capfd.readouterr().out)["msg"] == f"{told.config}: Permission denied"


# --- fuzzing: the module tells of any answer, and what it lets through harms nobody who reads it

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _places(value, path=()):
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*path, key))


@st.composite
def changed_answers(draw):
    """The answer with other JSON in one to three places."""
    answer = json.loads(ANSWER)
    for _each in range(draw(st.integers(1, 3))):
        path, other = draw(st.sampled_from(list(_places(answer)))), draw(_json)
        if not path:
            return json.dumps(other)
        holder = answer
        for key in path[:-1]:
            holder = holder[key]
        if draw(st.booleans()):
            holder[path[-1]] = other
        else:
            del holder[path[-1]]
    return json.dumps(answer)


@st.composite
def damaged_answers(draw):
    """The bytes of the answer: some changed, some left out, some twice."""
    chance, answer = random.Random(draw(st.integers())), bytearray(ANSWER.encode())
    for _each in range(chance.randrange(1, 8)):
        at = chance.randrange(len(answer))
        how = chance.randrange(4)
        if how == 0:
            answer[at] = chance.randrange(256)
        elif how == 1:
            del answer[at : at + chance.randrange(1, 40)]
        elif how == 2:
            answer[at:at] = answer[at : at + chance.randrange(40)]
        else:
            answer[at:] = b""
        if not answer:
            break
    return bytes(answer)


@given(changed_answers().map(str.encode) | damaged_answers() | st.binary(max_size=60))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_answer_breaks_it(told, monkeypatch, answer):
    monkeypatch.setattr(status_socket, "_received", lambda *_arguments: answer)
    found = told()
    assert (found["status"] is None) == bool(found["error"])
    by_host = {"pub1": found}
    rows = softmap_status.backend_rows("archive", PLANNED, {}, by_host, [{"introduction_keys": ["QUJD"]}])
    assert [row["host"] for row in rows] == ["app1"]
    softmap_status.publisher_rows("archive", PLANNED["publishers"], by_host, [])
    hsdir = {"signing_key": "c2lnbmluZw==", "introduction_points": None}
    assert len(publishing_side.match([hsdir], softmap_status.made_by("archive", PLANNED["publishers"], by_host))) == 1


@given(_json | st.builds(lambda service: {"services": [service]}, _json))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_configuration_breaks_it(told, configuration):
    told.config.write_text(json.dumps(configuration))
    assert isinstance(backend_addresses.with_addresses([], {}, {"pub1": told()}, {}), list)
