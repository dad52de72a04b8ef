# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter picture, as operators write it; and what role picture makes of a file's name."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.onionfleet.balance.plugins.filter import picture

ROOT = pathlib.Path(__file__).parents[4]
SERVICES = {
    "newsroom": {
        "layout": "hardmap",
        "state": "present",
        "address": None,
        "replicas": [{"host": "web1", "daemon": "newsroomw1", "worker": 1}],
        "backends": [],
        "publishers": [],
        "ports": [80],
        "pow": False,
        "restricted": False,
    }
}


@pytest.mark.parametrize(
    ("format", "begins"), [("mermaid", "%%{init"), ("markdown", "```mermaid\n%%{init"), ("dot", "digraph ")]
)
def test_formats(format, begins):
    draw = picture.FilterModule().filters()["picture"]
    assert draw(SERVICES, format).startswith(begins)
    assert "web1" in draw(SERVICES, format)
    assert "web1" not in draw(SERVICES, format, redact=True)
    assert "host 1" in draw(SERVICES, format=format, redact=True)


def test_mermaid_is_the_default():
    assert picture.picture(SERVICES) == picture.picture(SERVICES, "mermaid")


def test_an_unknown_format_is_named_with_those_that_are_known():
    with pytest.raises(AnsibleFilterError, match="'pdf' is no format of a picture; use one of dot, markdown, mermaid"):
        picture.picture(SERVICES, "pdf")


def test_documentation_names_the_formats():
    documented = yaml.safe_load(picture.DOCUMENTATION)["options"]["format"]
    assert set(documented["choices"]) == set(picture.FORMATS)
    assert documented["default"] in picture.FORMATS


def test_endings_of_files_are_documented_and_of_known_formats():
    endings = yaml.safe_load((ROOT / "roles/picture/vars/main.yml").read_text())["picture_formats"]
    assert set(endings.values()) == set(picture.FORMATS)
    for file in ("docs/picture.md", "roles/picture/meta/argument_specs.yml"):
        assert [ending for ending in endings if ending not in (ROOT / file).read_text(encoding="utf-8")] == []
