# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.reading import Template

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every string
    trust_as_template = str

# before 2.19 it is a variable
OMIT = {"omit": "__omit_place_holder__0123"} if trust_as_template is str else {}
UNDEFINED = trust_as_template("{{ nowhere }}")


@pytest.fixture(name="template")
def fixture_template():
    return Template(
        Templar(DataLoader(), variables={"port": 80, "names": ["a", "b"], "deep": {"undefined": UNDEFINED}})
    )


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


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (datetime.date(2026, 1, 1), "is a date; write a text (in quotes)"),
        (b"hi", "is binary data; write"),
        ({"x"}, "is a set; write"),
        pytest.param(10**5000, "is a number of more than 18 digits", id="large"),
        (float("nan"), "is no finite number"),
        (float("-inf"), "is no finite number"),
        ("\ud800", "half of a surrogate pair"),
        ({True: 1}, "has a key that is true or false; put it into quotes"),
        ({None: 1}, "has a key that is empty"),
        ({10**5000: 1}, "is a number of more than 18 digits"),
        ({80: 1, "80": 1}, "has the key '80' twice"),
        (trust_as_template("{{ 1 / 0 }}"), "division by zero"),
    ],
)
def test_what_is_no_plain_data_is_a_fault_of_its_place(template, value, words):
    read = template.read([{"name": "newsroom", "ports": [value], "workers": 2}], "onion_services")
    assert read == [{"name": "newsroom", "ports": [None], "workers": 2}]
    (fault,) = template.faults
    assert fault.startswith("service 'newsroom': ports entry 1: ") and words in fault


@pytest.mark.parametrize("name", ["", "x" * 5000, "No Label", 7, None])
def test_a_service_without_a_proper_name_is_named_by_its_number(template, name):
    template.read([{"name": name, "workers": UNDEFINED}], "onion_services")
    (fault,) = template.faults
    assert fault.startswith("onion_services entry 1: workers: ")


def test_an_anchor_that_holds_itself_is_a_fault_of_its_field(template):
    many, one = [], {"name": "newsroom", "workers": 2}
    many.extend([many] * 50)
    one.update(again=one, many=many)
    read = template.read([one], "onion_services")
    assert read == [{"name": "newsroom", "workers": 2, "again": None, "many": None}]
    assert [fault.split(": has values")[0] for fault in template.faults] == [
        "service 'newsroom': again",
        "service 'newsroom': many",
    ]


@pytest.mark.parametrize("place", ["field", "list", "variable"])
def test_omit_is_as_null(place):
    template = Template(Templar(DataLoader(), variables=OMIT))
    omit = trust_as_template("{{ nowhere | default(omit) }}")
    value, expected = {"field": ({"a": omit}, {"a": None}), "list": ([omit], [None]), "variable": (omit, None)}[place]
    assert template.read(value, "place") == expected
    assert template.faults == []


def test_a_broken_template_is_a_fault(template):
    assert template.read(trust_as_template("{{ port | no_such_filter }}"), "onion_services") is None
    assert len(template.faults) == 1
    assert "no_such_filter" in template.faults[0]
