# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onionfleet.balance.plugins.filter.private_tor_network import FilterModule

private_tor_network = FilterModule().filters()["private_tor_network"]


def test_a_network():
    assert list(private_tor_network({"net1": "192.0.2.1"})["hosts"]) == ["net1"]


def test_faults_are_those_of_a_filter():
    with pytest.raises(AnsibleFilterError, match="name at least one host"):
        private_tor_network({})
