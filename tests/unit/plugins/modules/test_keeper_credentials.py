# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of clients' keys that a keeper reads (keeper_credentials)."""

from __future__ import annotations

import base64
import json
import os

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.modules import keeper_credentials

ADDRESS, KEY = "a" * 56 + ".onion", bytes(range(32))
BASE32, BASE64 = base64.b32encode(KEY).decode().rstrip("="), base64.b64encode(KEY).decode()


@pytest.fixture(name="path")
def fixture_path(tmp_path, monkeypatch):
    path = tmp_path / "keeper" / "credentials.json"
    monkeypatch.setattr(locations, "KEEPER_CREDENTIALS", str(path))
    return path


@pytest.fixture(name="given")
def fixture_given(path, capfd):
    def run(credentials, check=False, code=0):
        with patch_module_args({"credentials": credentials, "_ansible_check_mode": check}), pytest.raises(
            SystemExit
        ) as ended:
            keeper_credentials.main()
        output = capfd.readouterr().out
        assert KEY.hex() not in output and BASE32 not in output and BASE64 not in output
        assert ended.value.code == code, output
        return json.loads(output)

    return run


def test_check_write_and_again(given, path):
    assert given({ADDRESS: BASE32}, check=True)["changed"]
    assert not path.exists()
    first = given({ADDRESS: BASE32})
    assert (first["changed"], first["diff"][0]["after"]) == (True, f"{ADDRESS}\n")
    assert json.loads(path.read_text()) == {ADDRESS: BASE64}
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert not given({ADDRESS: BASE64})["changed"]


def test_another_key_of_the_same_client_is_a_change_that_shows_none(given):
    given({ADDRESS: BASE32})
    again = given({ADDRESS: base64.b64encode(KEY[::-1]).decode()})
    assert again["changed"]
    assert "hidden value differs" in again["diff"][0]["after"]


def test_what_is_not_named_goes(given, path):
    assert not given({})["changed"]
    assert not path.exists()
    given({ADDRESS: BASE32})
    assert given({})["changed"]
    assert json.loads(path.read_text()) == {}


def test_what_is_no_key_is_refused(given, path):
    assert "no x25519 private key" in given({ADDRESS: "nonsense"}, code=1)["msg"]
    assert not path.exists()
