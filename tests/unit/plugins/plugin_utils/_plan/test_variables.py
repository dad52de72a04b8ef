# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misspelt variables are named with the one that was meant."""

from __future__ import annotations

import pathlib
import re

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.variables import _MADE, READ, unknown

ROOT = pathlib.Path(__file__).parents[5]
NO_VARIABLES = {path.stem for path in (ROOT / "plugins").glob("*/onion_*")}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("onion_keepr", "onion_keeper"),
        ("onion_drain", "onion_drained"),
        ("onion_service", "onion_services"),
        ("onion_daemon_option", "onion_daemon_options"),
        ("onion_client_credential", "onion_client_credentials"),
        ("onion_key_dir", "onion_keys_dir"),
    ],
)
def test_a_misspelt_variable_is_a_fault_that_names_the_one_that_was_meant(name, meant):
    faults, hints = unknown(["onion_services", name, "other"])
    assert faults == [f"{name}: no such variable is read (did you mean '{meant}'?); rename or remove it"]
    assert hints == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [("roll_upgade", "roll_upgrade"), ("verify_redact", "verify_redacted"), ("switch_timout", "switch_timeout")],
)
def test_a_misspelt_variable_of_a_role_is_a_fault_too(name, meant):
    fault = f"{name}: no such variable is read (did you mean '{meant}'?); rename or remove it"
    assert unknown([name], [name, "other"]) == ([fault], [])


def test_operators_have_variables_that_begin_like_those_of_roles():
    assert unknown(["verify_tls", "roll_window", "tor_contact", "keeper_of_the_seals", "retire_date"]) == ([], [])


def test_no_name_that_roles_and_playbooks_use_themselves_is_called_misspelt():
    files = [
        *(ROOT / "playbooks").rglob("*.yml"),
        *(path for path in (ROOT / "roles").rglob("*") if path.suffix in (".yml", ".j2")),
    ]
    prefixes = "|".join(path.name for path in (ROOT / "roles").iterdir())
    names = {
        name for path in files for name in re.findall(rf"(?<![\w./-])(?:{prefixes})_[a-z_]+\b", path.read_text())
    }
    assert len(names) > 100 and unknown(names)[0] == []


def test_an_operators_own_variable_is_mentioned():
    faults, (hint,) = unknown(["onion_htdocs", "onions", "http_onion_port"])
    assert faults == []
    assert hint.startswith("onion_htdocs: no such variable is read")


def test_what_is_read_is_known():
    assert unknown([*READ, *_MADE]) == ([], [])


def test_every_variable_that_playbooks_roles_and_plugins_read_is_known():
    files = [
        *(ROOT / "playbooks").rglob("*.yml"),
        *(ROOT / "roles").glob("*/tasks/*.yml"),
        *(ROOT / "inventory.example").rglob("*.yml"),
    ]
    # no address of a page or a role, and no part of a longer name
    named = {name for path in files for name in re.findall(r"(?<![\w./-])onion_[a-z_]+\b", path.read_text())}
    assert named <= {*READ, *_MADE, *NO_VARIABLES}
