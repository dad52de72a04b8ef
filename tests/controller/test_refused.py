# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done on the controller alone, faults of a declaration and pictures of it, as an operator meets it.

Real playbooks, and an ssh that tells when it is called.
"""

from __future__ import annotations

import base64
import json
import os
import pathlib
import shutil
import subprocess

import pytest
import yaml
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file

PORTS = [{"port": 80, "target": "127.0.0.1:8080"}]
ODD = """
onion_services:
  - &itself
    name: odd
    again: *itself
    layout: hardmpa
    replicas: wbe
    ports: &ports [*ports, *ports]
    address: .nan
    workers: 0xFFFFFFFFFFFFFFFFFFFFFFFF
    directory: 2026-01-01
    max_streams: "{{ 1 / 0 }}"
    probe: {capture: "(a{99999999999})"}
    introduction_points: "{{ omit }}"
onion_daemons: [{name: small, true: 1, 7: 1}]
onion_keys_dir: "{{ nowhere_defined }}"
onion_client_credentials:
"""


class Operator:
    """A folder with an inventory, and playbooks run from it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.called = folder / "ssh-was-called"
        ssh = folder / "ssh"
        ssh.write_text(f"#!/bin/sh\ntouch {self.called}\nexit 255\n")
        ssh.chmod(0o755)
        hosts = {"web1": {}, "web2": {}, "web3": {}}
        inventory = {
            "all": {
                "vars": {"ansible_ssh_executable": str(ssh), "ansible_python_interpreter": "/usr/bin/python3"},
                "children": {"web": {"hosts": hosts}, "nobody": {"hosts": {}}},
            }
        }
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        (folder / "vault").write_text("password\n")

    def declare(self, *services, **variables):
        """Write group_vars; further variables by name."""
        (self.folder / "group_vars").mkdir(exist_ok=True)
        content = yaml.safe_dump({"onion_services": list(services), **variables})
        (self.folder / "group_vars" / "all.yml").write_text(content)

    def run(self, playbook, *arguments, vault=True):
        """Run a playbook of the collection, or a file; returns its result with all output."""
        name = playbook if playbook.endswith(".yml") else f"onionfleet.balance.{playbook}"
        password = ["--vault-password-file", "vault"] if vault else []
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(collection_paths()),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
        }
        environment.pop("ANSIBLE_CONFIG", None)
        return subprocess.run(
            ["ansible-playbook", "-i", "hosts.yml", *password, name, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def own_play(self, *roles, **settings):
        """A play of the operator's own; returns its file. There is a role 'web'."""
        tasks = self.folder / "roles/web/tasks/main.yml"
        tasks.parent.mkdir(parents=True)
        tasks.write_text(
            yaml.safe_dump([{"name": "Serve pages", "ansible.builtin.debug": {"msg": "pages are served"}}])
        )
        play = {"hosts": "all", "gather_facts": False, "roles": list(roles), **settings}
        (self.folder / "own.yml").write_text(yaml.safe_dump([play]))
        return "own.yml"

    def refused(self, playbook, *arguments, **options):
        """Run a playbook that has to refuse before any host is touched; returns its message."""
        result = self.run(playbook, *arguments, **options)
        assert result.returncode != 0, result.stdout
        assert not self.called.exists(), "a host was touched"
        return result.stdout


def collection_paths():
    """The folders above the ansible_collections that these tests were loaded from."""
    import ansible_collections

    return [str(pathlib.Path(path).parent) for path in ansible_collections.__path__]


def service(name, **fields):
    return {"name": name, "layout": "hardmap", "replicas": "web", "ports": PORTS, **fields}


def softmap(name, **fields):
    return {
        "name": name,
        "layout": "softmap",
        "publishers": "web1",
        "backends": ["web2", "web3"],
        "ports": PORTS,
        **fields,
    }


@pytest.fixture
def operator(tmp_path):
    assert shutil.which("ansible-playbook"), "the tests run playbooks"
    return Operator(tmp_path)


def test_all_faults_of_a_declaration_come_in_one_message(operator):
    operator.declare(
        service("twice"),
        service("twice"),
        service("misspelt", introduction_pionts=5),
        service("types", workers="two", max_streams="many"),
        service("range", ports=[{"port": 65536, "target": "127.0.0.1:1"}]),
        service("newline", ports=[{"port": 80, "target": "127.0.0.1:1\nHiddenServiceDir /x"}]),
        service("quote", extra=[{"option": "HiddenServiceFuture", "value": 'a"b'}]),
        service("backslash", directory="a\\b"),
        service("relative", ports=[{"port": 80, "target": "unix:run/x.sock"}]),
        service("long", ports=[{"port": 80, "target": "unix:/" + "x" * 120}]),
        service("empty", replicas="nobody"),
        service("unknown", replicas="wbe"),
        service("overlap", replicas=["web", "web1"]),
        service("idle", workers=0),
        service("few", introduction_points=2),
        service("many", introduction_points=21),
        service("hop", single_hop=True, daemon="shared"),
        service("anonymous", daemon="shared"),
        service("undefined", max_streams="{{ nowhere_defined }}"),
    )
    message = operator.refused("deploy")
    for expected in (
        "service 'twice': name: is that of entries 1 and 2",
        "did you mean introduction_points?",
        "service 'types': workers: is the text 'two'",
        "service 'types': max_streams:",
        "service 'range': ports",
        "service 'newline': ports",
        "service 'quote': extra",
        "service 'backslash': directory",
        "service 'relative': ports",
        "service 'long': ports",
        "service 'empty': replicas: group 'nobody' is empty",
        "service 'unknown': replicas: 'wbe' is neither a group nor a host of the inventory (did you mean 'web'?)",
        "service 'overlap': replicas: host 'web1' is in both",
        "service 'idle': workers: is the number 0",
        "service 'few': introduction_points:",
        "service 'many': introduction_points:",
        "service 'anonymous': single_hop: is anonymous but shares 'shared' with the single-hop service 'hop'",
        "service 'undefined': max_streams: 'nowhere_defined' is undefined",
        "service 'many': key: there is none yet; run the playbook onionfleet.balance.keys first",
    ):
        assert expected in message, expected


def test_what_softmaps_cannot_have_comes_in_one_message_with_the_way_out(operator):
    without = softmap("unpublished")
    del without["publishers"]
    operator.declare(
        softmap("work", pow={"enabled": True}),
        softmap("clients", authorized_clients=[{"name": "anna", "public_key": "A" * 52}]),
        without,
        softmap("nobody", publishers="nobody"),
        softmap("unserved", backends=[]),
        softmap("strange", publishers="pbu", backends="web4"),
        softmap("few", introduction_points=2),
        softmap("many", introduction_points=21),
        softmap("idle", workers=0),
        softmap("newline", ports=[{"port": 80, "target": "127.0.0.1:1\nHiddenServiceDir /x"}]),
        softmap("mixed", replicas="web"),
        service("hardmap", backends="web"),
        softmap("fronts", onionbalance_frontends=[]),
        softmap("undefined", backends="{{ nowhere_defined }}"),
        onion_publisher={"introduction_points": 21, "probe_intervall": 3},
        onion_drained=["web2", "web3", "web9"],
    )
    message = operator.refused("deploy")
    for expected in (
        "service 'work': pow: proof of work does not pass a publisher: its descriptor has no place for it;"
        " use the layout hardmap, or",
        "service 'clients': authorized_clients: a publisher can neither publish for authorized clients"
        " nor read backends",
        "or let the web server ask for a password",
        "service 'unpublished': publishers: must name an inventory group or host",
        "service 'nobody': publishers: group 'nobody' is empty; add hosts",
        "service 'unserved': backends: must name an inventory group or host",
        "service 'strange': publishers: 'pbu' is neither a group nor a host of the inventory",
        "service 'strange': backends: 'web4' is neither a group nor a host of the inventory (did you mean 'web",
        "service 'few': introduction_points: is 2; write a number from 3 to 20",
        "service 'many': introduction_points: is 21; write a number from 3 to 20",
        "service 'idle': workers: is the number 0",
        "service 'newline': ports",
        "service 'mixed': replicas: belongs to the layout hardmap",
        "service 'hardmap': backends: belongs to the layout softmap",
        "service 'fronts': onionbalance_frontends: follows from the service's own address",
        "service 'undefined': backends: 'nowhere_defined' is undefined",
        "onion_publisher.introduction_points: is 21; write a number from 3 to 20",
        "did you mean probe_interval?",
        "onion_drained: name: 'web9' is no host of backends",
        "service 'work': onion_drained: drains all of its backends; leave one",
        "service 'work': key: there is none yet; run the playbook onionfleet.balance.keys first",
    ):
        assert expected in message, expected


def test_a_softmap_is_planned_with_what_hangs_by_one_thread(operator):
    operator.declare(softmap("archive"), onion_drained=["web2"])
    assert operator.run("keys").returncode == 0
    result = operator.run("plan")
    assert result.returncode == 0, result.stdout
    assert "service 'archive' has one publisher only" in result.stdout


def test_nothing_of_ours_is_deprecated(operator, monkeypatch):
    """What Ansible says of its own modules is of no concern."""
    monkeypatch.setenv("ANSIBLE_DEPRECATION_WARNINGS", "1")
    operator.declare(service("newsroom"))
    for playbook, arguments in {
        "keys": (),
        "plan": (),
        "backup": ("-e", "onion_backup_file=fleet.backup"),
        "restore": ("-e", "onion_backup_file=fleet.backup", "-e", "onion_restore_folder=restored"),
    }.items():
        result = operator.run(playbook, *arguments)
        assert result.returncode == 0, result.stdout
        assert "DEPRECAT" not in result.stdout, result.stdout


def test_a_secret_key_is_not_evaluated_by_the_plan(operator):
    operator.declare(service("newsroom", secret_key="{{ lookup('file', '/does/not/exist') }}"))
    assert "does/not/exist" not in operator.refused("plan")


def test_an_inline_vault_is_read_with_its_password_and_named_without(operator):
    operator.declare(service("newsroom"))
    encrypted = vault(operator, "encrypt_string", "--vault-password-file", "vault", "web").strip()
    declaration = operator.folder / "group_vars" / "all.yml"
    declaration.write_text(
        declaration.read_text().replace("replicas: web", "replicas: " + encrypted.replace("\n", "\n    "))
    )
    assert operator.run("keys").returncode == 0
    assert operator.run("plan").returncode == 0
    assert (
        "service 'newsroom': replicas: is encrypted, and no vault password that was given opens it"
        in operator.refused("plan", vault=False)
    )


def test_what_yaml_can_hold_and_no_field_takes(operator):
    operator.declare()
    (operator.folder / "group_vars" / "all.yml").write_text(ODD)
    message = operator.refused("plan")
    for expected in (
        "service 'odd': again: has values nested too deep",
        "service 'odd': ports: has values nested too deep",
        "service 'odd': address: is no finite number",
        "service 'odd': workers: is a number of more than 18 digits",
        "service 'odd': directory: is a date",
        "service 'odd': max_streams: ",
        "service 'odd': layout: is the text 'hardmpa' (did you mean 'hardmap'?)",
        "service 'odd': replicas: 'wbe' is neither",
        "service 'odd': probe: capture: is no regular expression",
        "onion_daemons entry 1: has a key that is true or false",
        "onion_keys_dir: 'nowhere_defined' is undefined",
    ):
        assert expected in message, expected
    assert "Traceback" not in message and "exception" not in message.lower()


def test_a_host_without_the_declaration_does_not_matter(operator):
    operator.declare(service("newsroom"))
    (operator.folder / "group_vars" / "all.yml").rename(operator.folder / "group_vars" / "web.yml")
    assert operator.run("keys").returncode == 0
    assert operator.run("plan").returncode == 0


def test_two_different_declarations_are_refused(operator):
    operator.declare(service("newsroom"))
    (operator.folder / "host_vars").mkdir()
    (operator.folder / "host_vars" / "web2.yml").write_text("onion_services: []\n")
    message = operator.refused("plan")
    assert (
        "hosts 'web1' and 'web2' have different ones" in message
        and "service 'newsroom': key: there is none yet" in message
    )


def test_a_store_without_vault_password_makes_nothing(operator):
    operator.declare(service("newsroom"))
    message = operator.refused("keys", vault=False)
    assert "vault" in message
    assert not list(operator.folder.glob(".onion_keys/*"))


def test_another_vault_password_makes_no_key(operator):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    (operator.folder / "vault").write_text("another\n")
    operator.declare(service("newsroom"), service("archive"))
    for arguments in ((), ("--check",)):
        assert "service 'newsroom': key: newsroom.secret: cannot be decrypted" in operator.refused("keys", *arguments)
    assert not (operator.folder / ".onion_keys/archive.secret").exists()


def test_a_check_run_without_keys_is_refused_as_the_run_is(operator):
    operator.declare(service("newsroom"))
    assert (
        "service 'newsroom': key: there is none yet; run the playbook onionfleet.balance.keys first"
        in operator.refused("deploy", "--check")
    )


def test_one_key_for_two_services_is_refused(operator):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    store = operator.folder / ".onion_keys"
    for ending in ("secret", "yml"):
        shutil.copy(store / f"newsroom.{ending}", store / f"archive.{ending}")
    operator.declare(service("newsroom"), service("archive"))
    assert "service 'archive': key:" in operator.refused("deploy")


def test_faulty_keys_are_refused_all_at_once(operator):
    good, other = key_file.generate(), key_file.generate()
    imports = {}
    for name, files in {
        "truncated": {"hs_ed25519_secret_key": good.to_tor_file()[:-1]},
        "header": {"hs_ed25519_secret_key": b"x" * 96},
        "stranger": {"hs_ed25519_secret_key": good.to_tor_file(), "hostname": f"{other.address}\n".encode()},
    }.items():
        folder = operator.folder / name
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        imports[name] = {"path": str(folder)}
    operator.declare(*map(service, imports), onion_import=imports)
    message = operator.refused("keys")
    for name in imports:
        assert f"service '{name}':" in message
    assert not list(operator.folder.glob(".onion_keys/*"))


def test_keys_of_hosts_that_cannot_be_reached_are_told_with_the_others(operator):
    path = "/var/lib/tor/alpha"
    operator.declare(
        service("alpha"),
        service("beta"),
        service("gamma"),
        onion_import={
            "alpha": {"host": "web1", "path": path},
            "beta": {"path": "/nonexistent"},
            "gamma": {"host": "wbe1", "path": path},
        },
    )
    result = operator.run("keys")
    assert result.returncode != 0
    assert "service 'alpha': key: host 'web1': /var/lib/tor/alpha: could not be read" in result.stdout
    assert "service 'beta': key: /nonexistent: there is no such file" in result.stdout
    assert "service 'gamma': key: host 'wbe1': is no host of the inventory (did you mean" in result.stdout
    assert not (operator.folder / ".onion_keys").exists()


def test_imports_that_cannot_be_meant_are_told_without_a_task_that_failed_before(operator):
    operator.declare(service("newsroom"), service("archive"))
    faults = {
        '["newsroom"]': "onion_import: is no mapping; write 'SERVICE: {path: …}' for each key",
        '{"newsroom": {"host": "web1"}, "archive": {"path": null}}': "service 'newsroom': key: onion_import: write",
        '{"newsroom": {"host": "web1", "path": null}, "archive": ["x"]}': "service 'archive': key: onion_import: write",
        '{"newsrom": {"path": "x"}}': "onion_import: 'newsrom': no such service is declared as present (did you mean",
    }
    for value, fault in faults.items():
        message = operator.refused("keys", "-e", f'{{"onion_import": {value}}}')
        assert fault in message, message
        assert message.count("fatal: ") == 1 and "failed: [" not in message, message
    assert "changed=1" in operator.run("keys", "-e", '{"onion_import": null}').stdout


def test_the_plan_is_drawn_into_a_private_file_beside_the_operator(operator):
    operator.declare(service("newsroom"), softmap("archive"))
    assert operator.run("keys").returncode == 0
    for file, begins in {"fleet.md": "```mermaid", "fleet.dot": "digraph"}.items():
        result = operator.run("picture", "-e", f"onion_picture_file={file}")
        assert result.returncode == 0, result.stdout
        written = operator.folder / file
        assert written.read_text().startswith(begins)
        assert written.stat().st_mode & 0o777 == 0o600
        assert "web1" in written.read_text()
        assert "changed=0" in operator.run("picture", "-e", f"onion_picture_file={file}").stdout
    operator.run("picture", "-e", "onion_picture_file=fleet.md", "-e", "onion_picture_redacted=true")
    assert "web1" not in (operator.folder / "fleet.md").read_text()
    assert not operator.called.exists()


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
def test_graphviz_draws_the_plan(operator):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    result = operator.run("picture", "-e", "onion_picture_file=fleet.svg")
    assert result.returncode == 0, result.stdout
    assert "</svg>" in (operator.folder / "fleet.svg").read_text()


def test_the_controllers_own_tasks_use_its_python_and_no_connection(operator):
    """Where the inventory has a localhost, which is then one of its hosts."""
    inventory = yaml.safe_load((operator.folder / "hosts.yml").read_text())
    inventory["all"]["hosts"] = {"localhost": {}}
    inventory["all"]["vars"].update(
        ansible_python_interpreter="/nowhere/python3", ansible_connection="ssh", ansible_become=True
    )
    (operator.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    result = operator.run("picture", "-e", "onion_picture_file=fleet.md")
    assert result.returncode == 0, result.stdout
    assert (operator.folder / "fleet.md").exists()
    made = clients(operator, new="anna")
    assert made.returncode == 0, made.stdout
    assert not operator.called.exists()


def test_a_variable_that_a_playbook_cannot_do_without_is_named(operator):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    for playbook, name, asked in (
        ("picture", "onion_picture_file", "name the file to draw into, as -e onion_picture_file=fleet.md"),
        ("restore", "onion_backup_file", "name the backup, as -e onion_backup_file=FILE"),
        ("compromised", "onion_compromised", "name the hosts, as -e onion_compromised=web2"),
    ):
        for arguments in ((), ("-e", f"{name}=")):
            # nothing of Ansible before our words
            said = operator.refused(playbook, *arguments).replace(r'"Nothing was restored.\n', '"')
            assert f'"msg": "{name}: {asked}"' in said


def test_a_picture_of_unknown_ending_is_refused(operator):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    message = operator.refused("picture", "-e", "onion_picture_file=fleet.pdf")
    assert "picture_file: ends in none of .md, .mmd, .dot, .gv, .svg" in message


# --- Keys over time


def vault(operator, *arguments):
    done = subprocess.run(
        ["ansible-vault", *arguments], cwd=operator.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def opened(operator, password="vault"):
    """The secrets of the store as the lookup gives them to a deployment, or its complaint."""
    play = [
        {
            "hosts": "web1",
            "gather_facts": False,
            "connection": "local",
            "tasks": [{"debug": {"msg": "{{ lookup('onionfleet.balance.onion_secrets', ['newsroom']) }}"}}],
        }
    ]
    (operator.folder / "open.yml").write_text(yaml.safe_dump(play))
    result = subprocess.run(
        ["ansible-playbook", "-i", "hosts.yml", "open.yml", "--vault-password-file", password],
        cwd=operator.folder,
        text=True,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(collection_paths()), "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return result.returncode, result.stdout


def address(operator):
    return yaml.safe_load((operator.folder / ".onion_keys/newsroom.yml").read_text())["address"]


def test_a_store_gets_another_vault_password(operator):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    _code, before = opened(operator)
    (operator.folder / "new").write_text("another\n")
    vault(
        operator,
        "rekey",
        "--vault-password-file",
        "vault",
        "--new-vault-password-file",
        "new",
        ".onion_keys/newsroom.secret",
    )
    assert opened(operator, "new") == (0, before)
    code, complaint = opened(operator)
    assert code != 0 and "cannot be decrypted with the vault passwords given" in complaint
    (operator.folder / "vault").write_text("another\n")
    assert "changed=0" in operator.run("keys").stdout


def test_a_key_moves_into_another_store_and_back(operator):
    operator.declare(service("newsroom"))
    operator.run("keys")
    before, (_code, secret) = address(operator), opened(operator)
    stored = operator.folder / "own-store"
    stored.write_text(vault(operator, "view", "--vault-password-file", "vault", ".onion_keys/newsroom.secret"))
    lookup = f"{{{{ lookup('ansible.builtin.file', '{stored}') }}}}"
    operator.declare(service("newsroom", secret_key=lookup))
    assert "changed=0" in operator.run("keys").stdout
    (operator.folder / ".onion_keys/newsroom.secret").unlink()
    assert operator.run("keys").returncode == 0
    assert opened(operator) == (0, secret)
    # and back
    operator.declare(service("newsroom"), onion_import={"newsroom": {"content": lookup}})
    assert operator.run("keys").returncode == 0
    stored.unlink()
    operator.declare(service("newsroom"))
    assert opened(operator) == (0, secret) and address(operator) == before


def test_another_key_in_the_own_store_is_refused(operator):
    operator.declare(service("newsroom"))
    operator.run("keys")
    (operator.folder / ".onion_keys/newsroom.secret").unlink()
    other = key_file.generate()
    (operator.folder / "own-store").write_text(base64.b64encode(other.to_tor_file()).decode())
    operator.declare(
        service("newsroom", secret_key=f"{{{{ lookup('ansible.builtin.file', '{operator.folder}/own-store') }}}}")
    )
    code, complaint = opened(operator)
    assert code != 0 and f"is the key of {other.address}; the store says {address(operator)}" in complaint


def test_a_key_in_an_inline_vault_is_opened_or_said_to_be_closed(operator):
    key = key_file.generate()
    operator.declare(service("newsroom"))
    declaration = operator.folder / "group_vars/all.yml"
    content = base64.b64encode(key.to_tor_file()).decode()
    encrypted = vault(operator, "encrypt_string", "--vault-password-file", "vault", content).replace("\n", "\n    ")
    declaration.write_text(
        declaration.read_text().replace("  name: newsroom", f"  secret_key: {encrypted}\n  name: newsroom")
    )
    assert operator.run("keys").returncode == 0
    assert address(operator) == key.address
    assert opened(operator)[0] == 0
    (operator.folder / "other").write_text("another\n")
    code, complaint = opened(operator, "other")
    assert (
        code != 0
        and "service 'newsroom': key: secret_key: the template: is encrypted,"
        " and no vault password that was given opens it"
        in complaint
    )
    assert "marker" not in complaint


def test_what_a_compromised_host_means(operator):
    operator.declare(service("newsroom"), softmap("archive"))
    operator.run("keys")
    result = operator.run("compromised", "-e", "onion_compromised=web2")
    assert result.returncode == 0, result.stdout
    assert "LOST  service 'newsroom'" in result.stdout and "kept  service 'archive'" in result.stdout
    assert "'web9' runs nothing of the declaration" in operator.refused("compromised", "-e", "onion_compromised=web9")
    for several in ("onion_compromised='web2, web3'", '{"onion_compromised": ["web2", "web3"]}'):
        assert "Take web2, web3 off the network" in operator.run("compromised", "-e", several).stdout
    mapping = operator.refused("compromised", "-e", '{"onion_compromised": {"web2": 1}}')
    assert "onion_compromised: is a mapping" in mapping
    assert not operator.called.exists()


def test_two_inventories_at_once_make_no_second_key(operator):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    other = operator.folder / "other"
    other.mkdir()
    (other / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"aaa1": {}}}}))
    for playbook in ("keys", "plan", "backup"):
        assert "onion_keys_dir: hosts have different stores" in operator.refused(playbook, "-i", "other/hosts.yml")
    assert not (other / ".onion_keys").exists()
    operator.declare(service("newsroom"), onion_keys_dir=str(operator.folder / ".onion_keys"))
    assert "changed=0" in operator.run("keys", "-i", "other/hosts.yml").stdout


def test_clients_keys_in_a_vault_are_looked_at_where_it_is_open(operator):
    operator.declare(service("newsroom"))
    operator.run("keys")
    declared = (operator.folder / "group_vars/all.yml").read_text()
    for key, code in (("A" * 52, 0), ("hunter2", 2)):
        encrypted = vault(operator, "encrypt_string", "--vault-password-file", "vault", key).replace("\n", "\n    ")
        (operator.folder / "group_vars/all.yml").write_text(
            f"{declared}onion_client_credentials:\n  {address(operator)}: {encrypted}\n"
        )
        opened_vault = operator.run("plan")
        assert opened_vault.returncode == code, opened_vault.stdout
        assert ("is no x25519 private key" in opened_vault.stdout) == bool(
            code
        ) and "hunter2" not in opened_vault.stdout
        assert operator.run("plan", vault=False).returncode == 0


@pytest.mark.parametrize(
    ("playbook", "misspelt", "meant"),
    [
        ("keys", "onion_key_dir=/srv/keys", "onion_keys_dir"),
        ("clients", "onion_clients_revokd=anna", "onion_clients_revoked"),
        ("clients", "onion_clients_revoke=anna", "onion_clients_revoked"),
        ("restore", "onion_restore_file=false", "onion_restore_files"),
        ("roll", "roll_upgade=true", "roll_upgrade"),
    ],
)
def test_a_misspelt_variable_is_a_fault_in_every_playbook_that_it_could_be_meant_for(
    operator, playbook, misspelt, meant
):
    operator.declare(service("newsroom"))
    message = operator.refused(playbook, "-e", misspelt, "-e", "onion_clients_of=newsroom")
    name = misspelt.partition("=")[0]
    assert f"{name}: no such variable is read (did you mean '{meant}'?); rename or remove it" in message
    assert not (operator.folder / ".onion_keys").exists()


# --- Clients of restricted services


def clients(operator, *arguments, vault=True, **variables):
    given = [
        word
        for name, value in {"of": "newsroom", **variables}.items()
        for word in ("-e", f"onion_clients_{name}={value}")
    ]
    return operator.run("clients", *given, *arguments, vault=vault)


def test_clients_are_made_and_revoked_and_what_to_put_where_is_said(operator):
    operator.declare(service("newsroom"), onion_client_credentials={"mistyped": "hunter2"})
    assert operator.run("keys").returncode == 0
    folder = operator.folder / ".onion_clients/newsroom"
    foreseen = clients(operator, "--check", new="anna")
    assert foreseen.returncode == 0 and not folder.exists(), foreseen.stdout
    assert f"Would be made for anna, and nobody else: {folder}/anna.auth_private" in foreseen.stdout
    assert "Unable to find" not in foreseen.stdout
    made = clients(operator, new="anna,berta")
    assert made.returncode == 0, made.stdout
    assert folder.stat().st_mode & 0o777 == 0o700
    private, public = (
        (folder / f"anna.{ending}").read_text().strip().rpartition(":")[2] for ending in ("auth_private", "auth")
    )
    assert f"- {{name: anna, public_key: {public}}}" in made.stdout
    assert f"To anna, and nobody else: {folder}/anna.auth_private" in made.stdout
    assert f"--stdin-name {address(operator)}" in made.stdout
    assert private not in made.stdout
    again = clients(operator, vault=False)
    assert "changed=0" in again.stdout and "- {name: berta," in again.stdout
    revoked = clients(operator, revoked="anna")
    assert "Removed: anna" in revoked.stdout and "name: anna" not in revoked.stdout and "name: berta" in revoked.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["berta.auth", "berta.auth_private"]
    last = clients(operator, revoked="berta").stdout
    assert "Nobody whose key was made here is left" in last and "authorized_clients:\n" not in last
    for words in ("an empty list is refused", "opens the service to everybody", "write 'state: absent', and run"):
        assert words in last
    assert not operator.called.exists()


def test_clients_who_were_not_named_keep_their_keys_whatever_the_folder_is_called(operator):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    top = operator.folder / "op [x]"
    folder = top / "newsroom"
    clients(operator, new="anna,berta,carla", dir=json.dumps(str(top)))
    (folder / "berta.auth").unlink()
    told = clients(operator, revoked="anna", dir=json.dumps(str(top))).stdout
    assert "Removed: anna." in told and (folder / "berta.auth_private").exists()
    assert "name: berta," in told and "name: carla," in told
    assert f"cut -d: -f4 '{folder}'/CLIENT.auth_private" in told
    (folder / "carla.auth").write_text("?\n")
    assert f"client 'carla': {folder}/carla.auth: one line of the form" in operator.refused(
        "clients", "-e", "onion_clients_of=newsroom", "-e", f"onion_clients_dir='{top}'"
    )


def test_clients_are_not_made_where_they_cannot_be_used(operator):
    operator.declare(service("newsroom"), softmap("archive"))
    assert operator.run("keys").returncode == 0
    message = operator.refused("clients", "-e", "onion_clients_of=archive", "-e", "onion_clients_new=anna")
    assert "onion_clients_of: 'archive' is a softmap, which takes no authorized_clients" in " ".join(message.split())
    assert not (operator.folder / ".onion_clients").exists()
    (operator.folder / ".onion_clients").symlink_to(operator.folder / "nothing")
    message = operator.refused("clients", "-e", "onion_clients_of=newsroom", "-e", "onion_clients_new=anna")
    assert f"{operator.folder}/.onion_clients is a symbolic link to nothing" in message
    assert not (operator.folder / "nothing").exists()


def test_clients_may_be_named_in_a_list(operator):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    made = clients(operator, "-e", '{"onion_clients_new": ["anna", " berta"]}')
    assert made.returncode == 0 and "{name: anna," in made.stdout and "{name: berta," in made.stdout, made.stdout


def test_clients_that_cannot_be_meant_are_refused(operator):
    operator.declare(service("newsroom"))
    operator.run("keys")
    message = " ".join(
        operator.refused("clients", "-e", "onion_clients_of=newsrom", "-e", "onion_clients_revoked=carla").split()
    )
    assert "'newsrom' is no declared service with a key; write one of newsroom" in message
    assert "onion_clients_revoked: carla has no key in" in message
    assert "'' is no declared service with a key" in " ".join(operator.refused("clients").split())
    assert not (operator.folder / ".onion_clients").exists()


def test_keys_are_imported_from_a_host_as_a_folder_or_as_a_file(operator):
    inventory = yaml.safe_load((operator.folder / "hosts.yml").read_text())
    # the host is this machine
    inventory["all"]["children"]["web"]["hosts"]["web1"] = {"ansible_connection": "local", "ansible_become": False}
    (operator.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    keys = {name: key_file.generate() for name in ("folder", "file", "odd")}
    for name, key in keys.items():
        (operator.folder / name).mkdir()
        for file, content in key.service_files().items():
            (operator.folder / name / file).write_bytes(content)
    (operator.folder / "odd/hostname").write_text(keys["file"].address + "\n")
    (operator.folder / "empty").mkdir()
    paths = {
        "folder": "folder",
        "file": "file/hs_ed25519_secret_key",
        "odd": "odd",
        "empty": "empty",
        "missing": "missing",
    }
    imports = {name: {"host": "web1", "path": str(operator.folder / path)} for name, path in paths.items()}
    operator.declare(*map(service, imports), onion_import=imports)
    message = operator.refused("keys")
    assert f"service 'odd': key: host 'web1': {operator.folder}/odd/hostname: belongs to another key" in message
    for name in ("empty", "missing"):
        assert f"service '{name}': key: host 'web1': {operator.folder}/{name}: could not be read: " in message
    assert "'folder'" not in message and "'file'" not in message
    operator.declare(
        service("folder"), service("file"), onion_import={name: imports[name] for name in ("folder", "file")}
    )
    assert operator.run("keys").returncode == 0
    for name in ("folder", "file"):
        assert (
            yaml.safe_load((operator.folder / f".onion_keys/{name}.yml").read_text())["address"] == keys[name].address
        )


# --- plays of the operator's own, and settings that change how they run

OURS = [f"onionfleet.balance.{name}" for name in ("hardmap", "softmap_backend", "softmap_publisher", "keeper")]


def test_another_roles_tag_runs_that_role_alone(operator):
    operator.declare(service("newsroom"))
    result = operator.run(operator.own_play({"role": "web", "tags": ["web"]}, *OURS), "--tags", "web")
    assert result.returncode == 0, result.stdout
    assert "pages are served" in result.stdout
    assert not operator.called.exists()


def test_a_role_that_is_skipped_leaves_the_plan_to_the_others(operator):
    operator.declare(service("newsroom", workers=0))
    play = operator.own_play({"role": OURS[0], "tags": ["hard"]}, *OURS[1:])
    assert "service 'newsroom': workers: is the number 0" in operator.refused(play, "--skip-tags", "hard")


@pytest.mark.parametrize(
    "task",
    ["Write the configuration and keys of all tor daemons", "Install the keeper, with what it shares with the modules"],
)
def test_a_run_that_begins_behind_the_plan_is_told_so_and_stops_nothing(operator, task):
    operator.declare(service("newsroom"))
    message = operator.refused(operator.own_play(*OURS), "--start-at-task", task, "--check")
    assert "The tasks of the role onionfleet.balance.preflight have not run" in message
    assert "--start-at-task" in message


def test_hosts_that_do_not_wait_for_each_other_are_refused(operator, monkeypatch):
    operator.declare(service("newsroom"))
    assert operator.run("keys").returncode == 0
    assert "strategy: is 'free'" in operator.refused(operator.own_play(*OURS, strategy="free"))
    # a playbook of ours does not care
    monkeypatch.setenv("ANSIBLE_STRATEGY", "free")
    assert "strategy" not in operator.run("plan").stdout
