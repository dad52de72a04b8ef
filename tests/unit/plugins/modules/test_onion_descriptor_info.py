# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wiring of both modules: options, results, errors."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.modules import onion_descriptor_info, onion_probe


def run(module, capsys, **options):
    with patch_module_args(options), pytest.raises(SystemExit):
        module.main()
    return json.loads(capsys.readouterr().out)


def test_addresses(monkeypatch, capsys):
    monkeypatch.setattr(
        onion_descriptor_info, "held_by_hsdirs", lambda *arguments, **options: {"services": [arguments, options]}
    )
    found = run(onion_descriptor_info, capsys, addresses=["a"], credentials={"a": "secret"}, timeout=7)
    control = "/run/tor-instances/onionprobe/control"
    assert found["services"][0] == [["a"], control]
    assert found["services"][1]["timeout"] == 7
    assert found["changed"] is False
    assert "secret" not in str(found.get("invocation"))


def test_daemons(monkeypatch, capsys):
    monkeypatch.setattr(onion_descriptor_info, "made_by_daemons", lambda names, credentials, targets: names + [targets])
    monkeypatch.setattr(onion_descriptor_info, "HAS_CRYPTOGRAPHY", False)
    assert run(onion_descriptor_info, capsys, daemons=["w1"])["daemons"] == ["w1", False]
    assert run(onion_descriptor_info, capsys, daemons=["w1"], targets=True)["daemons"] == ["w1", True]


def test_the_hsdirs_need_cryptography(monkeypatch, capsys):
    monkeypatch.setattr(onion_descriptor_info, "HAS_CRYPTOGRAPHY", False)
    assert "cryptography" in run(onion_descriptor_info, capsys, addresses=["a"])["msg"]


def test_one_of_both(capsys):
    assert run(onion_descriptor_info, capsys)["failed"]
    assert run(onion_descriptor_info, capsys, addresses=["a"], daemons=["b"])["failed"]


@pytest.mark.parametrize("module", [onion_descriptor_info, onion_probe])
def test_faults_become_the_message(monkeypatch, capsys, module):
    def fail(*_arguments, **_options):
        raise OnionfleetError("one", "two")

    monkeypatch.setattr(module, "probe" if module is onion_probe else "held_by_hsdirs", fail)
    options = {"targets": [{"address": "a"}]} if module is onion_probe else {"addresses": ["a"]}
    assert run(module, capsys, **options)["msg"] == "one\ntwo"


def test_probe(monkeypatch, capsys):
    monkeypatch.setattr(onion_probe, "probe", lambda params: [params["targets"][0]["scheme"], params["fresh"]])
    found = run(onion_probe, capsys, targets=[{"address": "a"}], credentials={"a": "secret"}, _ansible_check_mode=True)
    assert found["targets"] == ["http", "circuit"]
    assert "secret" not in json.dumps(found)
