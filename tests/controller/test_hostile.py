# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that lies stays one host: one test for each way that there was, with real playbooks on hosts of the kit.

What the kit is: hostile/README.md. Each field of each answer: test_hostile_matrix.py.
"""

from __future__ import annotations

import base64
import json

import pytest
import yaml
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from hostile.fleet import CANARY, HONEST, PORTS, lie
from hostile.host import address
from hostile.verdict import leaks, noise, ordered, touched

ESCAPES = "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe"


@pytest.fixture
def fleet(deployed, tmp_path):
    fleet = deployed.copy(tmp_path)
    fleet.world["plan"] = deployed.world["plan"]
    return fleet


def harmless(outcome, *, asked=()):
    """What holds after each run. The output is kept, for whoever asks why."""
    (outcome.fleet.folder / "output").write_text(outcome.output, errors="surrogateescape")
    assert leaks(outcome) == []
    assert touched(outcome, asked=asked) == []
    assert noise(outcome) == []


def told(outcome, *words):
    """Whether a line of the output has all these words."""
    return any(all(word in line for word in words) for line in outcome.output.splitlines())


# --- C1: any service's key


def test_a_host_gets_no_key_that_the_plan_does_not_give_it(fleet):
    asked = [*fleet.secrets]
    lies = [lie(host, "preflight", set={"missing_keys": asked}) for host in ("app1", "pub2")]
    run = fleet.run("deploy", "--limit", "app1,pub2", lies=lies)
    assert {line.split(" ")[0] for line in run.lied} == {"app1", "pub2"}
    harmless(run)
    assert told(run, "app1", "'newsroom'") and told(run, "app1", "'library'")
    assert told(run, "pub2", "'newsroom'")


def test_a_host_gets_the_key_that_it_lacks(fleet):
    fleet.world["missing"] = {"web1": ["newsroom"], "pub1": ["archive"]}
    run = fleet.run("deploy", "--limit", "web,pub1")
    assert run.code == 0, run.output
    assert fleet.secrets["newsroom"] in run.bytes_to("web1") and fleet.secrets["newsroom"] not in run.bytes_to("web2")
    assert fleet.secrets["archive"] in run.bytes_to("pub1")
    harmless(run)


# --- C2: any file of the controller


def test_a_host_gets_no_file_of_the_controller(fleet):
    """By facts in the answer of a module of ours, and of two of ansible-core's."""
    planted = {
        "softmap_publisher_wheel": str(fleet.canary / "vault-password"),
        "keeper_utils": [str(fleet.canary / "vault-password")],
    }
    lies = [
        lie(host, module, add={"ansible_facts": planted})
        for host, module in (("pub2", "preflight"), ("pub1", "command"), ("web2", "stat"))
    ]
    run = fleet.run("deploy", "--limit", "pub1,pub2,web2", lies=lies)
    assert len(run.lied) >= 2
    harmless(run)


# --- H1: the declaration, and variables of other hosts


def test_the_probe_host_cannot_have_a_report_written(fleet):
    declared = fleet.inventory / "group_vars/all/onion.yml"
    planted = {"verify_report_file": str(declared), "verify_picture_file": str(declared.with_suffix(".md"))}
    run = fleet.run(
        "verify", "--limit", "web1,pub1", lies=[lie("web1", "onion_descriptor_info", add={"ansible_facts": planted})]
    )
    assert run.lied
    harmless(run)


def test_the_declaration_does_not_come_from_a_host(fleet):
    """Facts of a task with run_once are facts of all hosts, and a fact cache keeps them for the next run."""
    stolen = [
        {**service, "replicas": ["web2"]} if service["name"] == "members" else service for service in fleet.services()
    ]
    cache = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(fleet.folder / "facts")}
    planted = {"onion_services": stolen}
    # all hosts, or their declarations would differ, which the plan refuses
    harmless(fleet.run("verify", lies=[lie("web1", "onion_descriptor_info", add={"ansible_facts": planted})], **cache))
    run = fleet.run(
        "deploy", "--limit", "web", lies=[lie("web2", "preflight", set={"missing_keys": ["members"]})], **cache
    )
    harmless(run)
    planned = {
        host: [each["name"] for note in run.sent(host, "tor_instances") for each in note["arguments"]["daemons"]]
        for host in ("web1", "web2")
    }
    assert "membersw1" in planned["web1"] and "membersw1" not in planned["web2"]


# --- H2: code on the controller


def rehearsal(fleet):
    """A network of two hosts, and a small fleet that uses it."""
    own = {
        name: {"private_tor_network_address": f"192.0.2.{number}"} for number, name in enumerate(("net1", "net2"), 1)
    }
    hosts = fleet.hosts()
    hosts["all"]["children"]["private_tor_network"] = {"hosts": own}
    fleet.declare([service for service in fleet.services() if service["name"] in ("members", "archive")], hosts)
    return fleet.prepare()


@pytest.mark.parametrize("field", ["v3ident", "fingerprint"])
def test_what_an_authority_says_is_no_template(fleet, field):
    rehearsal(fleet)
    code = f"{{{{ lookup('pipe', 'touch {fleet.pipe}') }}}}"
    run = fleet.run("rehearse", lies=[lie("net1", "tor_authority_keys", set={f"authorities.netauth1.{field}": code})])
    assert run.lied
    harmless(run, asked=["inventory/group_vars/all/private_tor_network.yml"])
    assert told(run, "net1", "tor_authority_keys")


def test_a_rehearsal_writes_what_honest_hosts_say(fleet):
    rehearsal(fleet)
    run = fleet.run("rehearse")
    assert run.code == 0, run.output
    written = yaml.safe_load((fleet.inventory / "group_vars/all/private_tor_network.yml").read_text())
    assert any("orport" in option["value"] for option in written["onion_network_options"])


# --- H3: another service's visitors


def test_a_publisher_is_believed_about_its_own_services_only(fleet):
    """Where a backend's tor has not told its address yet, what its own publishers are configured with is taken."""
    fleet.world["silent"] = ["web2/archiveb1"]
    stranger = address("the attacker")
    configured = [{"name": "archive", "instances": [{"name": "web2/archiveb1", "address": stranger, "drained": False}]}]
    run = fleet.run(
        "deploy", "--limit", "web,pub1,pub2", lies=[lie("pub2", "onionbalance_info", set={"configured": configured})]
    )
    assert run.lied
    taken = json.dumps([note["arguments"]["services"] for note in run.sent("pub1", "onionbalance_config")])
    assert stranger not in taken and address("web2/archiveb1", "archive-backend") in taken
    harmless(run)


def test_a_backend_cannot_have_its_publisher_refuse_all_services(fleet):
    """A publisher takes no backend that has the address of the service itself, and configures nothing then."""
    front = fleet.world["plan"]["services"]["library"]["address"]
    told_so = {"daemons[0].services[0].address": front}
    run = fleet.run("deploy", "--limit", "app1,pub2", lies=[lie("app1", "onion_descriptor_info", set=told_so)])
    assert run.lied
    (service,) = run.sent("pub2", "onionbalance_config")[0]["arguments"]["services"]
    assert front not in [instance["address"] for instance in service["instances"]]
    harmless(run)
    assert told(run, "app1", "says the address of the service itself")


def test_another_address_of_a_backend_is_told_though_it_says_the_old_one_later(fleet):
    stranger = address("the attacker")
    told_so = {"daemons[0].services[0].address": stranger}
    run = fleet.run("deploy", "--limit", "app1,pub2", lies=[lie("app1", "onion_descriptor_info", set=told_so)])
    assert run.lied
    harmless(run)
    assert told(run, "app1", f"has the address {stranger}")


# --- M: the rest


def test_an_import_from_a_host_reads_no_file_of_the_controller(fleet):
    (fleet.canary / "hs_ed25519_secret_key").write_bytes(key_file.generate().to_tor_file())
    fleet.declare(
        [*fleet.services(), {"name": "fresh", "layout": "hardmap", "replicas": "web", "ports": PORTS}],
        onion_import={"fresh": {"host": "app1", "path": "/var/lib/tor/fresh"}},
    )
    for content in ({"path": str(fleet.canary)}, {"content": f"{{{{ lookup('pipe', 'touch {fleet.pipe}') }}}}"}):
        run = fleet.run("keys", lies=[lie("app1", "slurp", answer={"content": content, "encoding": "base64"})])
        assert run.lied and run.code != 0
        harmless(run)
        assert told(run, "fresh")


def test_an_import_from_an_honest_host_is_the_key_of_its_service(fleet):
    running = key_file.generate()
    fleet.world["files"] = {
        "/var/lib/tor/fresh/hs_ed25519_secret_key": base64.b64encode(running.to_tor_file()).decode()
    }
    fleet.declare(
        [*fleet.services(), {"name": "fresh", "layout": "hardmap", "replicas": "web", "ports": PORTS}],
        onion_import={"fresh": {"host": "app1", "path": "/var/lib/tor/fresh"}},
    )
    run = fleet.run("keys")
    assert run.code == 0, run.output
    assert yaml.safe_load((fleet.inventory / ".onion_keys/fresh.yml").read_text())["address"] == running.address


def test_texts_of_hosts_do_not_act_on_a_terminal(fleet):
    reason = {"actions": [{"name": "x", "action": "start", "reasons": [ESCAPES], "revisions": {}, "stagger": 0}]}
    failed = {"failed": True, "msg": ESCAPES}
    lies = [
        lie("pub2", "onionbalance_info", add={"error": ESCAPES, "status": None}),
        lie("web2", "tor_instances", add=reason),
        lie("web1", "keeper_info", add={"error": ESCAPES, "status": None}),
        lie("app1", "*", add=failed),
        lie("pub1", "onion_host_info", add=failed),
    ]
    for playbook in ("status", "retire"):
        assert noise(fleet.run(playbook, lies=lies)) == []


def test_what_is_no_json_does_not_act_on_a_terminal(fleet):
    run = fleet.run(
        "status",
        "-v",
        lies=[
            lie("pub2", "*", raw=ESCAPES),
            lie("web2", "*", raw=json.dumps({"\x1b[31mkey": "x", "ansible_\x1b[2Jfacts": 1})),
        ],
    )
    assert noise(run) == []


def test_an_unknown_name_stops_nobody_else(fleet):
    asked = ["nosuch", "../../canary/vault-password"]
    run = fleet.run("deploy", "--limit", "app1,web2", lies=[lie("app1", "preflight", set={"missing_keys": asked})])
    harmless(run)
    assert run.sent("web2", "tor_instances"), "web2 was not deployed"
    assert told(run, "app1", "preflight")


def test_a_failure_that_answers_in_part_stops_nobody_else(fleet):
    answer = {"failed": True, "msg": "x", "daemons": []}
    run = fleet.run("retire", lies=[lie("app1", "onion_host_info", answer=answer)])
    assert run.lied
    harmless(run)
    assert "host 'app1': could not be looked at (x)" in run.output
    assert run.code == 0, run.output


@pytest.mark.parametrize(
    "setting",
    [
        {"ANSIBLE_DEBUG": "1"},
        {"ANSIBLE_KEEP_REMOTE_FILES": "1"},
        {"ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1"},
        {"-vvvvv": ""},
    ],
    ids=lambda setting: next(iter(setting)).strip("-"),
)
def test_no_setting_shows_keys(fleet, setting):
    fleet.world["missing"] = {"web1": ["newsroom"], "pub1": ["archive"]}
    flags, environment = (
        [name for name in setting if name.startswith("-")],
        {name: value for name, value in setting.items() if value},
    )
    run = fleet.run("deploy", "--limit", "web1,pub1", *flags, **environment)
    assert leaks(run) == []
    for host in run.hosts():
        assert not any(
            secret in note.get("content", "") for note in run.sent(host) for secret in fleet.secrets.values()
        )


def test_keys_that_a_host_repeats_are_not_shown(fleet):
    """It has them, and says them in words of its own."""
    fleet.world["missing"] = {"web2": ["newsroom"], "pub1": ["archive"]}
    lies = []
    for host, module, name in (("web2", "tor_instances", "newsroom"), ("pub1", "onionbalance_config", "archive")):
        key = fleet.secrets[name]
        texts = {"msg": key, "warnings": [key], "module_stdout": f"a {key} b", "diff": [{"before": "", "after": key}]}
        lies.append(lie(host, module, add={**texts, "failed": True, key: key}))
    run = fleet.run("deploy", "--limit", "web2,pub1", "-vvv", "--diff", lies=lies)
    assert len(run.lied) == 2
    harmless(run)


def test_where_the_probe_host_is_lost_no_other_gets_the_keys_of_clients(fleet):
    run = fleet.run("verify", "--limit", "web1,pub1", lies=[lie("web1", "ping", raw="nonsense")])
    assert run.lied
    harmless(run)


# --- Plays of an operator's own


PLANTED = {
    "onion_services": [],
    "softmap_publisher_wheel": "/etc/passwd",
    "verify_report_file": "/tmp/report",
    "preflight_host": {"missing_keys": ["archive"]},
    "verify_plan": {"services": {}},
}


def own_play(fleet, role, **keywords):
    path = fleet.folder / "own.yml"
    path.write_text(
        yaml.safe_dump([{"hosts": "web", "become": True, "roles": [f"onionfleet.balance.{role}"], **keywords}])
    )
    return str(path)


@pytest.mark.parametrize("role", ["hardmap", "verify"])
@pytest.mark.parametrize("inject", ["true", "false"])
def test_facts_that_an_operator_gathers_set_nothing_of_ours(fleet, role, inject):
    facts = {"ansible_facts": {**{f"ansible_{name}": value for name, value in PLANTED.items()}, **PLANTED}}
    run = fleet.run(
        own_play(fleet, role, gather_facts=True),
        lies=[lie("web2", "setup", set=facts)],
        ANSIBLE_INJECT_FACT_VARS=inject,
    )
    assert run.lied
    harmless(run)
    assert "KeyError" not in run.output
    if inject == "true":
        assert run.code != 0 and told(run, "web2", "its facts hold the variable", "only you set")
        assert not run.sent("web1", "tor_instances")


@pytest.mark.parametrize("role", ["hardmap", "verify"])
def test_a_fact_cache_sets_nothing_of_ours(fleet, role):
    cache = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(fleet.folder / "facts")}
    gather = fleet.folder / "gather.yml"
    gather.write_text(yaml.safe_dump([{"hosts": "web", "gather_facts": True}]))
    run = fleet.run(str(gather), lies=[lie("web2", "setup", set={"ansible_facts": PLANTED})], **cache)
    assert run.code == 0 and run.lied, run.output
    run = fleet.run(own_play(fleet, role, gather_facts=False), **cache)
    harmless(run)
    assert run.code != 0 and told(run, "web2", "its facts hold the variable", "only you set")


def test_honest_runs_are_told_the_same(deployed, fleet):
    """What the other tests compare with does not differ by itself."""
    first, second = (fleet.run("deploy", ANSIBLE_INJECT_FACT_VARS=inject) for inject in ("true", "false"))
    assert (first.code, second.code) == (0, 0), second.output
    assert CANARY not in second.output
    first_orders = {host: ordered(first, host) for host in HONEST}
    assert first_orders == {host: ordered(second, host) for host in HONEST}
