# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import locations
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.authority import UNKNOWN, Authority
from ansible_collections.onionfleet.balance.plugins.modules import tor_authority_keys

KEYS = {"v3ident": "A" * 40, "fingerprint": "B" * 40}


class Module:
    """What the module's code uses of AnsibleModule; commands leave the files that the real ones would."""

    def __init__(self, *, check_mode=False):
        self.params = {"authorities": ["netauth1"]}
        self.check_mode = check_mode
        self.commands = []

    def run_command(self, command, **_options):
        self.commands.append(next(word for word in command if word.startswith(("tor", "mkdir"))))
        authority = Authority("netauth1")
        if "tor-gencert" in command:
            Path(authority.keys).mkdir(parents=True)
            Path(authority.certificate).write_text(f"dir-key-certificate-version 3\nfingerprint {KEYS['v3ident']}\n")
        elif "--list-fingerprint" in command:
            Path(authority.relay_fingerprint).write_text(f"netauth1 {KEYS['fingerprint']}\n")


@pytest.fixture(autouse=True)
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(locations, "DATA_ROOT", str(tmp_path))
    monkeypatch.setattr(tor_authority_keys.pwd, "getpwnam", lambda user: user)


def test_keys_are_made_once():
    first, second = Module(), Module()
    assert tor_authority_keys.run(first) == {
        "changed": True,
        "created": ["netauth1"],
        "authorities": {"netauth1": KEYS},
    }
    assert first.commands == ["mkdir", "tor-gencert", "tor"]
    assert tor_authority_keys.run(second) == {"changed": False, "created": [], "authorities": {"netauth1": KEYS}}
    assert second.commands == []


def test_check_mode_makes_nothing():
    module = Module(check_mode=True)
    assert tor_authority_keys.run(module) == {
        "changed": True,
        "created": ["netauth1"],
        "authorities": {"netauth1": UNKNOWN},
    }
    assert module.commands == []


def test_an_identity_key_that_is_there_is_used(monkeypatch):
    monkeypatch.setattr(tor_authority_keys.os.path, "exists", lambda path: path.endswith("identity_key"))
    module, commands = Module(), []
    monkeypatch.setattr(module, "run_command", lambda command, **_options: commands.extend(command))
    tor_authority_keys.make_keys(module, Authority("netauth1"))
    assert "tor-gencert" in commands
    assert "--create-identity-key" not in commands


def test_a_damaged_file_is_a_fault():
    tor_authority_keys.run(Module())
    Path(Authority("netauth1").certificate).write_text("nothing\n")
    with pytest.raises(OnionfleetError, match="authority_certificate: holds no fingerprint"):
        tor_authority_keys.run(Module())


def test_a_fifo_in_the_place_of_a_file_is_a_fault():
    tor_authority_keys.run(Module())
    Path(Authority("netauth1").certificate).unlink()
    os.mkfifo(Authority("netauth1").certificate)
    with pytest.raises(OnionfleetError, match="authority_certificate: is no regular file"):
        tor_authority_keys.run(Module())
