# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of rolling.py, which are documented one by one: concerned, handover, left_out, publish_now,
roll_batches, still_held, taken_away, worse."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible_collections.onionfleet.balance.plugins.filter import rolling

DOCUMENTS = pathlib.Path(rolling.__file__).parent


@pytest.mark.parametrize("name", sorted(rolling.FilterModule().filters()))
def test_each_filter_is_documented_and_its_example_uses_it(name):
    documented = yaml.safe_load((DOCUMENTS / f"{name}.yml").read_text())
    assert documented["DOCUMENTATION"]["name"] == name
    assert f"onionfleet.balance.{name}(" in documented["EXAMPLES"]
