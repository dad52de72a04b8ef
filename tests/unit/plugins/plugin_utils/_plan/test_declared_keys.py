# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import generate
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan import declared_keys

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every string
    trust_as_template = str

# before 2.19 it is a variable
OMIT = {"omit": "__omit_place_holder__0123"} if trust_as_template is str else {}
KEY = generate()
BLOB = base64.b64encode(KEY.expanded).decode()
UNDEFINED = trust_as_template("{{ nowhere }}")


def templar(**variables):
    return Templar(DataLoader(), variables=variables)


def read(*services, **variables):
    return declared_keys.read_declared(list(services), templar(**variables))


def test_names_alone_are_services():
    assert read("newsroom") == [declared_keys.Declared("newsroom", "present", None, None)]


def test_only_what_concerns_keys_is_read():
    name = trust_as_template("{{ label }}")
    (found,) = read({"name": name, "state": "absent", "address": KEY.address, "ports": UNDEFINED}, label="archive")
    assert found == declared_keys.Declared("archive", "absent", KEY.address, None)


def test_a_null_and_omit_are_not_given():
    omit = trust_as_template("{{ omit }}")
    expected = declared_keys.Declared("newsroom", "present", None, None)
    assert read({"name": "newsroom", "state": None, "address": None, "secret_key": None}) == [expected]
    assert read({"name": "newsroom", "state": omit, "address": omit}, **OMIT) == [expected]


def test_all_entries_that_cannot_be_read_are_named():
    with pytest.raises(OnionfleetError) as caught:
        read({"name": UNDEFINED}, 7, {"name": "newsroom", "address": trust_as_template("{{ 1 / 0 }}")})
    assert [fault.split(": ")[0] for fault in caught.value.faults] == [
        f"onion_services entry {number}" for number in (1, 2, 3)
    ]


def test_a_secret_is_read_when_it_is_called_for():
    (found,) = read({"name": "newsroom", "secret_key": trust_as_template("{{ blob }}")}, blob=BLOB)
    assert found.secret_key().address == KEY.address
    (undefined,) = read({"name": "newsroom", "secret_key": UNDEFINED})
    with pytest.raises(OnionfleetError, match="^secret_key: .*'nowhere' is undefined"):
        undefined.secret_key()


@pytest.mark.parametrize("services", ["newsroom", None, {"newsroom": {}}])
def test_services_are_a_list(services):
    with pytest.raises(OnionfleetError, match="onion_services: is .*; write a list of services"):
        declared_keys.read_declared(services, templar())


@pytest.mark.parametrize("service", [{}, 1, ["newsroom"]])
def test_services_have_a_name(service):
    with pytest.raises(OnionfleetError, match="entry 2: a service with a name is expected"):
        read("newsroom", service)


def test_undefined_variables_are_named_by_their_place():
    with pytest.raises(OnionfleetError, match="onion_services entry 1: name: 'nowhere' is undefined"):
        read({"name": UNDEFINED})


class HostVars(dict):
    raw_get = dict.__getitem__


def store(variables, of_hosts=None):
    """The store for all hosts, whose task runs on the first."""
    hosts = HostVars({host: {"onion_services": [], **of_host} for host, of_host in (of_hosts or {}).items()})
    of_task = {**variables, "groups": {"all": list(hosts)}, "hostvars": hosts}
    return declared_keys.common_keys_dir(of_task, declared_keys.of_hosts(of_task), templar(**variables))


def test_the_store_is_beside_the_inventory_unless_told():
    assert store({"inventory_dir": "/srv/fleet"}) == "/srv/fleet/.onion_keys"
    told = {"onion_keys_dir": trust_as_template("{{ base }}/keys"), "inventory_dir": "/srv/fleet", "base": "/safe"}
    assert store(told) == "/safe/keys"
    assert declared_keys.default_keys_dir(told, templar(**told)) == "/safe/keys"
    assert store({"inventory_dir": "/srv/fleet", "onion_keys_dir": None}) == "/srv/fleet/.onion_keys"


def test_the_store_may_be_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/op")
    assert store({"onion_keys_dir": "~/keys"}) == "/home/op/keys"


@pytest.mark.parametrize("wrong", ["", "keys", "./keys", ["/srv/keys"], {"path": "/srv"}, 7, True])
def test_what_is_no_folder_is_no_store(wrong):
    with pytest.raises(
        OnionfleetError,
        match="^onion_keys_dir: is .*; write one folder that begins with '/', '~/' or '{{ inventory_dir }}/'",
    ):
        store({"inventory_dir": "/srv/fleet", "onion_keys_dir": wrong})


def test_an_inventory_without_a_folder_has_no_store():
    with pytest.raises(OnionfleetError, match="the inventory has no folder to keep keys beside; set it"):
        store({"inventory_dir": None}, {"web1": {"inventory_dir": None}})


@pytest.mark.parametrize("told", [{}, {"onion_keys_dir": trust_as_template("{{ inventory_dir }}/keys")}])
def test_hosts_of_two_inventories_share_one_store(told):
    hosts = {
        host: {"inventory_dir": f"/srv/{place}", **told}
        for host, place in (("web1", "a"), ("web2", "b"), ("web3", "b"))
    }
    for first in hosts:
        with pytest.raises(
            OnionfleetError, match="hosts have different stores: .*; set onion_keys_dir to one folder"
        ) as caught:
            store({"inventory_hostname": first, **hosts[first]}, hosts)
        assert (
            "/srv/a/" in str(caught.value)
            and "/srv/b/" in str(caught.value)
            and "web3" not in str(caught.value).replace(f"'{first}'", "")
        )
    one = {host: {**of_host, "onion_keys_dir": "/srv/keys"} for host, of_host in hosts.items()}
    assert store(one["web2"], one) == "/srv/keys"


def test_a_host_without_a_folder_follows_the_others():
    hosts = {"new": {"inventory_dir": None}, "web1": {"inventory_dir": "/srv/a"}}
    assert store(hosts["new"], hosts) == store(hosts["web1"], hosts) == "/srv/a/.onion_keys"


def test_secrets_of_any_format_and_what_is_none():
    assert declared_keys.secret_from(BLOB).address == KEY.address
    with pytest.raises(OnionfleetError) as caught:
        declared_keys.secret_from(BLOB[:-8])
    assert BLOB[:20] not in str(caught.value)
