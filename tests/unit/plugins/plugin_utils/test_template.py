# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.plugin_utils._template import Template

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every string
    trust_as_template = str

UNDEFINED = trust_as_template("{{ nowhere }}")


@pytest.fixture(name="template")
def fixture_template():
    return Template(Templar(DataLoader(), variables={"port": 80, "names": ["a", "b"], "deep": {"undefined": UNDEFINED}}))


def test_plain_data_stay(template):
    data = {"a": [1, 2.5, True, None, "text"], "b": {"c": ("x", "y")}}
    assert template.read(data, "place") == {"a": [1, 2.5, True, None, "text"], "b": {"c": ["x", "y"]}}
    assert template.faults == []


def test_templates_are_read_at_any_depth_and_keep_their_types(template):
    value = {"ports": [{"port": trust_as_template("{{ port }}")}], "hosts": trust_as_template("{{ names }}")}
    assert template.read(value, "place") == {"ports": [{"port": 80}], "hosts": ["a", "b"]}


def test_types_are_pythons_own(template):
    read = template.read({trust_as_template("key"): trust_as_template("{{ names | first }}")}, "place")
    assert [(type(key), type(value)) for key, value in read.items()] == [(str, str)]


def test_skipped_keys_are_never_read(template):
    assert template.read([{"name": "a", "secret_key": UNDEFINED}], "place", skip=("secret_key",)) == [{"name": "a"}]
    assert template.faults == []


def test_an_undefined_leaf_is_named_by_its_service_and_field(template):
    services = [{"name": "newsroom", "ports": [{"port": 80}, {"port": UNDEFINED}], "workers": 2}]
    read = template.read(services, "onion_services")
    assert read == [{"name": "newsroom", "ports": [{"port": 80}, {"port": None}], "workers": 2}]
    (fault,) = template.faults
    assert fault.startswith("service 'newsroom': ports entry 2: port: ")
    assert "'nowhere' is undefined" in fault
    assert fault.endswith("; define it, or mend the template")


def test_elsewhere_it_is_named_by_its_place(template):
    template.read({"newsroom": {80: UNDEFINED}}, "host 'web1': onion_targets")
    assert template.faults[0].startswith("host 'web1': onion_targets: newsroom: 80: ")


def test_all_faults_are_collected(template):
    template.read([{"name": "a", "workers": UNDEFINED}, {"name": UNDEFINED}], "onion_services")
    assert len(template.faults) == 2
    assert template.faults[1].startswith("onion_services entry 2: name: ")


def test_a_broken_template_is_a_fault(template):
    assert template.read(trust_as_template("{{ port | no_such_filter }}"), "onion_services") is None
    assert len(template.faults) == 1
    assert "no_such_filter" in template.faults[0]
