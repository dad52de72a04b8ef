# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import generate
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.credentials import NAME, read_credentials

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every string
    trust_as_template = str

ADDRESS, OTHER = generate().address, generate().address
KEY = "A" * 52


def read(value, **variables):
    variables = {NAME: value, **variables}
    return read_credentials(variables, Templar(DataLoader(), variables=variables))


def test_addresses_alone_are_told():
    assert read({ADDRESS: KEY, OTHER: "A" * 43 + "="}) == ([ADDRESS, OTHER], [])
    assert read({ADDRESS: trust_as_template("{{ key }}")}, key=KEY) == ([ADDRESS], [])


@pytest.mark.parametrize("nothing", [None, {}])
def test_nothing_is_no_fault(nothing):
    assert read(nothing) == ([], [])
    assert read_credentials({}, Templar(DataLoader(), variables={})) == ([], [])


@pytest.mark.parametrize("malformed", ["hunter2", "", None, 7, ["A" * 52], {"key": KEY}, "descriptor:x25519:" + KEY])
def test_a_malformed_key_is_named_by_its_address_and_not_repeated(malformed):
    addresses, faults = read({ADDRESS: malformed, OTHER: KEY})
    assert addresses == [ADDRESS, OTHER]
    assert len(faults) == 1 and faults[0].startswith(f"{NAME}: {ADDRESS}: a client credential is no x25519 private key")
    assert "hunter2" not in faults[0] and KEY not in faults[0]


def test_a_wrong_address_is_named():
    for wrong in (ADDRESS.upper(), "newsroom", 7):
        assert read({wrong: KEY})[1][0].startswith(f"{NAME}: {wrong}: ")


def test_a_key_that_cannot_be_read_here_is_left_to_those_who_use_it():
    assert read({ADDRESS: trust_as_template("{{ lookup('ansible.builtin.file', '/nowhere/at/all') }}")}) == (
        [ADDRESS],
        [],
    )
    assert read({ADDRESS: trust_as_template("{{ nowhere }}")}) == ([ADDRESS], [])


@pytest.mark.parametrize("wrong", [7, "text", [ADDRESS], True])
def test_what_is_no_mapping(wrong):
    addresses, (fault,) = read(wrong)
    assert addresses == [] and fault.startswith(f"{NAME}: is ") and "write a mapping" in fault


def test_a_template_that_fails_as_a_whole():
    assert "'nowhere' is undefined" in read(trust_as_template("{{ nowhere }}"))[1][0]
