# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import types

import pytest
from ansible import constants as C
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.action.plan import ActionModule
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import generate

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every string
    trust_as_template = str

ADDRESS = generate().address
# before 2.19 it is a variable
OMIT = {"omit": "__omit_place_holder__0123"} if trust_as_template is str else {}
UNDEFINED = trust_as_template("{{ nowhere }}")


def newsroom(**fields):
    ports = [{"port": 80, "target": "127.0.0.1:8080"}]
    return {"name": "newsroom", "layout": "hardmap", "replicas": "web", "address": ADDRESS, "ports": ports, **fields}


class HostVars(dict):
    """Ansible's hostvars, as far as the action uses them."""

    raw_get = dict.__getitem__


@pytest.fixture(name="plan")
def fixture_plan(tmp_path):
    def plan(
        *services, of_hosts=None, check=False, arguments=None, groups=None, strategy="linear", raw=None, **variables
    ):
        declared = {"onion_services": list(services), "inventory_dir": str(tmp_path), **variables}
        hosts = of_hosts or {"web1": {}, "web2": {}}
        of_all = {
            **({} if raw else declared),
            "groups": groups or {"all": list(hosts), "web": list(hosts)},
            "hostvars": raw or HostVars({host: {**declared, **of_host} for host, of_host in hosts.items()}),
        }
        play = Play()
        play.strategy = strategy
        loader, task = DataLoader(), Task(block=Block(play=play))
        task.args, task.check_mode = arguments or {}, check
        connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=""))
        return ActionModule(task, connection, None, loader, Templar(loader, variables=of_all), None).run(
            task_vars=of_all
        )

    return plan


def test_a_plan(plan):
    told = plan(newsroom())
    assert set(told) == {"changed", "hosts", "services", "probe_hosts", "hints"}
    assert told["changed"] is False
    assert [daemon["name"] for daemon in told["hosts"]["web2"]["daemons"]] == ["newsroomw1"]
    assert told["services"]["newsroom"]["address"] == ADDRESS
    assert told["probe_hosts"] == ["web1"]


def test_all_faults_come_at_once(plan):
    told = plan(newsroom(workers=0, polite=True), newsroom(), onion_daemon_options={"sandbx": True})
    assert told["failed"]
    first, *faults = told["msg"].splitlines()
    assert first == "The declaration has faults; nothing was touched."
    for words in ("workers", "polite", "sandbx"):
        assert any(words in fault for fault in faults), words


@pytest.mark.parametrize(
    ("strategy", "refused"),
    [
        ("free", True),
        ("ansible.builtin.host_pinned", True),
        ("mitogen_free", True),
        ("linear", False),
        ("ansible.builtin.linear", False),
    ],
)
def test_hosts_must_wait_for_each_other(plan, strategy, refused):
    told = plan(newsroom(), strategy=strategy)
    assert told.get("failed", False) is refused
    assert not refused or f"strategy: is '{strategy}'" in told["msg"] and "'strategy: linear'" in told["msg"]


def test_undefined_variables_hide_no_other_fault(plan):
    message = plan(newsroom(ports=UNDEFINED, workers=0))["msg"]
    assert "service 'newsroom': ports: 'nowhere' is undefined" in message
    assert "service 'newsroom': workers" in message


def test_a_value_that_cannot_be_read_is_not_missing_too(plan):
    message = plan(newsroom(ports=UNDEFINED))["msg"]
    assert message.count("service 'newsroom': ports: ") == 1


def test_a_folder_of_keys_that_cannot_be_read_hides_no_other_fault(plan):
    keyless = newsroom(workers=0)
    del keyless["address"]
    _first, *faults = plan(keyless, onion_keys_dir=UNDEFINED)["msg"].splitlines()
    assert len(faults) == 2
    assert faults[0] == "onion_keys_dir: 'nowhere' is undefined; define it, or mend the template"
    assert faults[1].startswith("service 'newsroom': workers: ")


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        (None, None),
        ({}, None),
        (7, "is the number 7; write a mapping"),
        ("x", "is the text 'x'; write a mapping"),
        ([1], "write a mapping"),
        ({ADDRESS: UNDEFINED}, None),
        ({"x.onion": "secret"}, "onion_client_credentials: x.onion: "),
        (UNDEFINED, "'nowhere' is undefined"),
    ],
)
def test_credentials_are_looked_at_by_address_only(plan, credentials, words):
    told = plan(newsroom(), onion_client_credentials=credentials)
    assert ("onion_client_credentials: " in told.get("msg", "")) == bool(words)
    assert words is None or words in told["msg"] and "secret" not in told["msg"]


@pytest.mark.parametrize("null", [None, trust_as_template("{{ omit }}")])
def test_a_null_variable_is_not_given(plan, null):
    names = (
        "daemon_options",
        "daemons",
        "network_options",
        "probe_hosts",
        "publisher",
        "keeper",
        "drained",
        "client_credentials",
    )
    nulls = {f"onion_{name}": null for name in names}
    told = plan(newsroom(), **OMIT, **nulls, of_hosts={"web1": {"onion_targets": null}, "web2": {}})
    assert told == plan(newsroom())


def test_a_secret_is_never_evaluated(plan):
    assert "failed" not in plan(newsroom(secret_key=UNDEFINED))


def test_a_key_is_required_in_check_mode_too(plan):
    keyless = newsroom()
    del keyless["address"]
    expected = "service 'newsroom': key: there is none yet; run the playbook onionfleet.balance.keys first"
    assert plan(keyless)["msg"].splitlines()[1] == expected
    assert plan(keyless, check=True)["msg"].splitlines()[1] == expected
    assert plan(keyless, arguments={"keys_required": False})["services"]["newsroom"]["address"] is None


def test_addresses_come_from_the_store(plan, tmp_path):
    key = generate()
    (tmp_path / ".onion_keys").mkdir()
    (tmp_path / ".onion_keys" / "newsroom.yml").write_text(
        f"address: {key.address}\npublic_key: {base64.b64encode(key.public_key).decode()}\n"
    )
    declared = newsroom()
    del declared["address"]
    assert plan(declared)["services"]["newsroom"]["address"] == key.address


def test_two_inventories_have_one_store(plan, tmp_path):
    told = plan(
        newsroom(), of_hosts={"web1": {"inventory_dir": str(tmp_path)}, "web2": {"inventory_dir": "/srv/other"}}
    )
    assert f"onion_keys_dir: hosts have different stores: {tmp_path}/.onion_keys " in told["msg"]


def test_a_malformed_clients_key_is_told_with_the_other_faults(plan):
    message = plan(newsroom(workers=0), onion_client_credentials={ADDRESS: "hunter2"})["msg"]
    assert f"onion_client_credentials: {ADDRESS}: " in message and "hunter2" not in message
    assert "service 'newsroom': workers" in message


def test_a_hosts_own_targets(plan):
    told = plan(newsroom(), of_hosts={"web1": {}, "web2": {"onion_targets": {"newsroom": {80: "127.0.0.1:9"}}}})
    ports = [told["hosts"][host]["daemons"][0]["services"][0]["ports"] for host in ("web1", "web2")]
    assert ports == [[{"port": 80, "target": "127.0.0.1:8080"}], [{"port": 80, "target": "127.0.0.1:9"}]]


def test_targets_are_templated_with_the_variables_of_their_host(plan):
    targets = {"newsroom": {80: trust_as_template("{{ inner_address }}:9")}}
    hosts = {f"web{n}": {"inner_address": f"192.0.2.{n}", "onion_targets": targets} for n in (1, 2)}
    told = plan(newsroom(), of_hosts=hosts, inner_address="192.0.2.1")
    ports = [told["hosts"][host]["daemons"][0]["services"][0]["ports"] for host in hosts]
    assert [port[0]["target"] for port in ports] == ["192.0.2.1:9", "192.0.2.2:9"]


def test_undefined_targets_are_named_by_their_host(plan):
    told = plan(newsroom(), of_hosts={"web1": {"onion_targets": {"newsroom": {80: UNDEFINED}}}, "web2": {}})
    assert "host 'web1': onion_targets: newsroom: 80: 'nowhere' is undefined" in told["msg"]


def test_one_declaration_for_all_hosts(plan):
    told = plan(newsroom(), of_hosts={"web1": {}, "web2": {"onion_services": []}})
    assert "hosts 'web1' and 'web2' have different ones" in told["msg"]


def test_different_declarations_hide_no_other_fault(plan):
    hosts = {"web1": {}, "web2": {"onion_services": []}, "web3": {"onion_targets": 7}}
    message = plan(
        newsroom(workers=0),
        of_hosts=hosts,
        onion_keepr={},
        onion_keys_dir="keys",
        onion_daemon_options={"sandbx": True},
    )["msg"]
    for words in (
        "hosts 'web1' and 'web2' have different ones",
        "service 'newsroom': workers",
        "sandbx",
        "onion_keepr",
        "onion_keys_dir: is 'keys'",
    ):
        assert words in message, words


def test_a_misspelt_declaration_is_told_by_its_name(plan):
    hosts = HostVars({host: {"onion_service": [newsroom()]} for host in ("web1", "web2")})
    told = plan(raw=hosts)
    assert "onion_services: is not defined for any host" in told["msg"]
    assert "onion_service: no such variable is read (did you mean 'onion_services'?)" in told["msg"]


# --- facts: what hosts say of themselves


def test_a_host_whose_facts_hold_a_variable_of_ours_is_refused_by_name(plan):
    lying = {"ansible_facts": {"onion_services": [], "distribution": "Debian"}}
    message = plan(newsroom(), of_hosts={"web1": {}, "web2": lying})["msg"]
    assert "host 'web2': its facts hold the variable 'onion_services', which only you set" in message
    assert "web1" not in message


def test_a_fact_is_no_variable_of_the_declaration(plan):
    declared = newsroom(ports=[{"port": 80, "target": trust_as_template("{{ my_target }}")}])
    facts = {"my_target": "127.0.0.1:9", "other": 1}
    message = plan(declared, my_target="127.0.0.1:9", ansible_facts=facts)["msg"]
    assert "service 'newsroom': ports" in message and "'my_target' is undefined" in message
    assert "failed" not in plan(declared, my_target="127.0.0.1:8080", ansible_facts=facts)
    read = newsroom(ports=[{"port": 80, "target": trust_as_template("{{ ansible_facts['my_target'] }}")}])
    assert "failed" not in plan(read, ansible_facts=facts)


def test_nor_of_a_hosts_own_targets(plan):
    targets = {"newsroom": {80: trust_as_template("{{ my_target }}")}}
    lying = {"onion_targets": targets, "my_target": "127.0.0.1:9", "ansible_facts": {"my_target": "127.0.0.1:9"}}
    assert (
        "host 'web1': onion_targets: newsroom: 80: 'my_target' is undefined"
        in plan(newsroom(), of_hosts={"web1": lying, "web2": {}})["msg"]
    )


@pytest.mark.parametrize("on", [True, False])
def test_facts_as_variables_are_mentioned(plan, monkeypatch, on):
    monkeypatch.setattr(C, "INJECT_FACTS_AS_VARS", on)
    assert any("inject_facts_as_vars is on" in hint for hint in plan(newsroom())["hints"]) == on
