# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import pathlib
import typing as t

import pytest
from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.lookup.onion_secrets import LookupModule
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import store
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store.vault import Vault

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every string, and templates whatever a template names
    trust_as_template = str
    LAZY = False
else:
    LAZY = True

KEY, OWN, OTHER = key_file.generate(), key_file.generate(), key_file.generate()
UNDEFINED = trust_as_template("{{ undefined_variable }}")
Find = t.Callable[..., t.Any]


@pytest.fixture(name="find")
def fixture_find(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Find:
    monkeypatch.setattr(lookup_loader, "get", lambda _name, **with_: LookupModule(**with_))
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(b"password"))])
    wanted = [
        store.Wanted("newsroom", given=lambda: KEY),
        store.Wanted("own", given=lambda: OWN, kept_elsewhere=True),
    ]
    store.complete(str(tmp_path / ".onion_keys"), wanted, Vault(loader), check=False)

    def find(
        names: str, own: str = "{{ from_elsewhere }}", services: str = "", password: bool = True, **more: t.Any
    ) -> t.Any:
        if not password:
            loader.set_vault_secrets([])
        declaration = [
            {"name": "newsroom", "ports": UNDEFINED},
            {"name": "own", "secret_key": trust_as_template(own), "ports": UNDEFINED},
            {"name": "other", "secret_key": UNDEFINED},
        ]
        variables = {
            "inventory_dir": str(tmp_path),
            "onion_services": declaration,
            "from_elsewhere": base64.b64encode(OWN.expanded).decode(),
            **more,
        }
        call = f"{{{{ lookup('onionfleet.balance.onion_secrets', {names} {services}) }}}}"
        return Templar(loader, variables=variables).template(trust_as_template(call))

    return find


@pytest.mark.parametrize("services", ["", ", services=onion_services"] if LAZY else [""])
def test_secrets_of_the_services_asked_for(find: Find, services: str) -> None:
    expected = {
        name: base64.b64encode(key.to_tor_file()).decode() for name, key in {"newsroom": KEY, "own": OWN}.items()
    }
    assert find("['newsroom', 'own']", services=services) == expected
    assert find("['own']", services=services, password=False) == {"own": expected["own"]}
    assert find("[]", services=services) == {}


@pytest.mark.parametrize(
    ("names", "options", "why"),
    [
        ("['newsroom']", {"password": False}, "no vault password"),
        ("['missing']", {}, "run the keys playbook"),
        ("['../x']", {}, "name: a-z"),
        ("['other']", {}, "secret_key: the template"),
        ("['own']", {"from_elsewhere": base64.b64encode(OTHER.expanded).decode()}, "secret_key is the key of"),
        ("['newsroom']", {"onion_services": [{"name": "newsroom", "address": OTHER.address}]}, "the store says"),
        ("['newsroom']", {"onion_keys_dir": "/nowhere"}, "is not in /nowhere"),
    ],
)
def test_the_fault_says_what_is_wrong(find: Find, names: str, options: dict[str, t.Any], why: str) -> None:
    with pytest.raises(AnsibleError, match=why) as caught:
        find(names, **options)
    assert base64.b64encode(OTHER.expanded).decode()[:30] not in str(caught.value)


def test_all_faults_at_once(find: Find) -> None:
    with pytest.raises(AnsibleError) as caught:
        find("['missing', 'other', 'newsroom']", password=False)
    for name in ("missing", "other", "newsroom"):
        assert f"service '{name}': key: " in str(caught.value)


def test_no_secret_for_a_host_that_sets_variables_of_ours(find: Find) -> None:
    assert find("['own']", ansible_facts={"distribution": "Debian"})
    with pytest.raises(AnsibleError, match="host 'web3': its facts hold the variable 'onion_keys_dir'"):
        find("['own']", inventory_hostname="web3", ansible_facts={"onion_keys_dir": "/tmp"})


def test_a_declaration_that_is_a_fact_is_none(find: Find) -> None:
    declaration = [{"name": "newsroom", "secret_key": "a fact's"}]
    with pytest.raises(AnsibleError, match="its facts hold the variable 'onion_services'"):
        find("['newsroom']", onion_services=declaration, ansible_facts={"onion_services": declaration})


@pytest.mark.parametrize("setting", ["DEFAULT_KEEP_REMOTE_FILES", "DEFAULT_DEBUG", "DISPLAY_ARGS_TO_STDOUT"])
def test_no_secret_where_ansible_shows_or_keeps_it(find: Find, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    assert find("['own']")
    monkeypatch.setattr(C, setting, True)
    with pytest.raises(AnsibleError, match="the secrets would "):
        find("['own']")
