# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import pathlib
import types
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.action.onion_store import ActionModule
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.admission import distrust

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every string, and templates whatever a template names
    trust_as_template = str
    LAZY = False
else:
    LAZY = True

KEY, OTHER = key_file.generate(), key_file.generate()
BLOB = base64.b64encode(KEY.expanded).decode()
Run = t.Callable[..., t.Dict[str, t.Any]]


@pytest.fixture(name="run")
def fixture_run(tmp_path: pathlib.Path) -> Run:
    def run(arguments: dict[str, t.Any], check: bool = False, **variables: t.Any) -> dict[str, t.Any]:
        loader = DataLoader()
        loader.set_vault_secrets([("default", VaultSecret(b"password"))])
        variables = {"inventory_dir": str(tmp_path), "groups": {}, "hostvars": {}, **variables}
        task = Task()
        task.args, task.check_mode = arguments, check
        connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=""))
        action = ActionModule(task, connection, None, loader, Templar(loader, variables=variables), None)
        return dict(action.run(task_vars=variables))

    return run


def test_store_beside_the_inventory(run: Run, tmp_path: pathlib.Path) -> None:
    foreseen = run({}, check=True, onion_services=[{"name": "newsroom"}])
    assert foreseen["changed"] and foreseen["addresses"] == {"newsroom": "<new>"}
    assert foreseen["diff"]["after"] == "newsroom.secret: <new>\nnewsroom.yml: <new>\n"
    made = run({}, onion_services=[{"name": "newsroom"}])
    assert made["created"] == ["newsroom"] and (tmp_path / ".onion_keys" / "newsroom.secret").exists()
    again = run({}, onion_services=[{"name": "newsroom"}])
    assert not again["changed"] and again["addresses"] == made["addresses"]


def test_only_what_concerns_keys_is_templated(run: Run) -> None:
    undefined = trust_as_template("{{ undefined_variable }}")
    services = [
        {"name": trust_as_template("{{ label }}"), "ports": undefined, "secret_key": trust_as_template("{{ key }}")},
        {"name": "gone", "state": "absent", "secret_key": undefined},
    ]
    for onion_services in (services, trust_as_template("{{ some_services + [] }}")) if LAZY else (services,):
        told = run({}, onion_services=onion_services, some_services=services, label="newsroom", key=BLOB)
        assert told["addresses"] == {"newsroom": KEY.address}, told


def test_imports(run: Run, tmp_path: pathlib.Path) -> None:
    (tmp_path / "mined").write_bytes(OTHER.to_tor_file())
    imports: dict[str, t.Any] = {"newsroom": {"content": BLOB}, "archive": {"path": str(tmp_path / "mined")}}
    told = run({"services": ["newsroom", "archive"], "imports": imports, "keys_dir": str(tmp_path / "keys")})
    assert told["addresses"] == {"newsroom": KEY.address, "archive": OTHER.address}
    assert BLOB not in str(told)
    assert not run({"services": ["newsroom"], "imports": {"newsroom": BLOB}, "keys_dir": str(tmp_path / "keys")})[
        "changed"
    ]


def test_faults_are_told_together(run: Run, tmp_path: pathlib.Path) -> None:
    imports: dict[str, t.Any] = {
        "newsroom": {"content": BLOB[:40]},
        "archive": {"path": "/nowhere"},
        "blog": {"host": "web1"},
    }
    told = run({"services": ["newsroom", "archive", "blog"], "imports": imports})
    for why in ("the base64 holds", "/nowhere: there is no such file", "'blog': key: onion_import: write {path: "):
        assert why in told["msg"]
    assert BLOB[:30] not in told["msg"] and not (tmp_path / ".onion_keys").exists()
    told = run({"services": ["newsroom"], "imports": {"newsrom": BLOB, "nothing": BLOB}})["msg"]
    assert "onion_import: 'newsrom': no such service is declared as present (did you mean 'newsroom'?)" in told
    assert "onion_import: 'nothing': no such service is declared as present; mend or remove it" in told
    assert "stands 2 times" in run({"services": ["newsroom", "newsroom"]})["msg"]


def test_a_misspelt_variable_makes_no_key_elsewhere(run: Run, tmp_path: pathlib.Path) -> None:
    class HostVars(dict):
        raw_get = dict.__getitem__

    declared = {"onion_services": [{"name": "newsroom"}], "inventory_dir": str(tmp_path)}
    hosts = HostVars(web1=declared, web2={**declared, "onion_key_dir": "/srv/keys"})
    told = run({}, **declared, groups={"all": list(hosts)}, hostvars=hosts)
    fault = "onion_key_dir: no such variable is read (did you mean 'onion_keys_dir'?)"
    assert told["failed"] and fault in told["msg"] and not (tmp_path / ".onion_keys").exists()
    # where services are given, the variables of the host still name the store
    assert fault in run({"services": ["newsroom"]}, onion_key_dir="/srv/keys")["msg"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        [BLOB],
        {},
        {"path": None},
        {"path": ""},
        {"path": 7},
        {"content": None},
        {"content": BLOB, "path": "x"},
        {"host": "web1"},
        {"host": "web1", "path": None},
        {"host": None, "path": "x"},
    ],
)
def test_an_import_that_is_none_is_told_with_what_it_may_be(run: Run, tmp_path: pathlib.Path, value: t.Any) -> None:
    told = run({"services": ["newsroom"], "imports": {"newsroom": value}})["msg"]
    assert "service 'newsroom': key: onion_import: write {path: …}, {content: …}, {host: …, path: …} or " in told
    assert BLOB[:30] not in told and not (tmp_path / ".onion_keys").exists()


@pytest.mark.parametrize("imports", [["newsroom"], BLOB, 7], ids=["list", "text", "number"])
def test_imports_that_are_no_mapping(run: Run, imports: t.Any) -> None:
    told = run({"services": ["newsroom", {"ports": []}], "imports": imports})["msg"]
    assert "onion_import: is no mapping; write 'SERVICE: {path: …}' for each key" in told
    assert "onion_services entry 2: a service with a name is expected" in told and BLOB[:30] not in told


def test_no_imports(run: Run) -> None:
    assert run({"services": ["newsroom"], "imports": None}, check=True)["addresses"] == {"newsroom": "<new>"}


@pytest.mark.parametrize(
    ("onion_services", "why"),
    [
        ("newsroom", "onion_services: is the text 'newsroom'; write a list of services"),
        (None, "onion_services: is empty; write a list of services"),
        ([{"ports": []}], "entry 1: a service with a name"),
        ([{"name": trust_as_template("{{ undefined_variable }}")}], "entry 1: name: 'undefined_variable' is undefined"),
        (
            [{"name": "a", "secret_key": trust_as_template("{{ undefined_variable }}")}],
            "service 'a': key: secret_key: ",
        ),
    ],
)
def test_faults_of_the_declaration(run: Run, onion_services: t.Any, why: str) -> None:
    assert why in run({}, onion_services=onion_services)["msg"]


def test_the_declaration_is_found_on_whatever_host_the_task_runs(run: Run) -> None:
    class HostVars(dict):
        raw_get = dict.__getitem__

    hosts = HostVars(db1={}, web1={"onion_services": [{"name": "newsroom"}]})
    assert run({}, check=True, groups={"all": list(hosts)}, hostvars=hosts)["addresses"] == {"newsroom": "<new>"}
    assert "is not defined for any host" in run({}, groups={"all": ["db1"]}, hostvars=hosts)["msg"]


def test_two_inventories_make_no_second_key(run: Run, tmp_path: pathlib.Path) -> None:
    class HostVars(dict):
        raw_get = dict.__getitem__

    declared = {"onion_services": [{"name": "newsroom"}]}
    hosts = HostVars({name: {**declared, "inventory_dir": str(tmp_path / name)} for name in ("web1", "web2")})
    for name in hosts:
        told = run({}, **hosts[name], groups={"all": list(hosts)}, hostvars=hosts)
        assert told["failed"] and "hosts have different stores" in told["msg"]
    assert list(tmp_path.iterdir()) == []


def test_faults_of_hosts_that_differ_are_told_together(run: Run) -> None:
    class HostVars(dict):
        raw_get = dict.__getitem__

    hosts = HostVars(web1={"onion_services": [7]}, web2={"onion_services": ["archive"]})
    told = run({}, **hosts["web1"], onion_keys_dir="", groups={"all": list(hosts)}, hostvars=hosts)
    for words in (
        "hosts 'web1' and 'web2' have different ones",
        "onion_keys_dir: is ''",
        "entry 1: a service with a name",
    ):
        assert words in told["msg"], words


# --- running: what a loop over onion_import registered


FOLDER = "/var/lib/tor/newsroom"
PLACE = f"host 'web1': {FOLDER}: could not be read"


def running(
    name: str = "newsroom", file: str = key_file.SECRET_FILE, host: str = "web1", path: t.Any = FOLDER, **result: t.Any
) -> dict[str, t.Any]:
    return {"item": [{"key": name, "value": {"host": host, "path": path}}, file], **result}


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture(name="imported")
def fixture_imported(run: Run) -> Run:
    def imported(
        *results: dict[str, t.Any], services: t.Sequence[str] = ("newsroom", "archive"), **arguments: t.Any
    ) -> dict[str, t.Any]:
        return run({"services": list(services), "running": list(results), **arguments}, groups={"all": ["web1"]})

    return imported


def test_keys_of_services_that_run_are_imported(imported: Run, tmp_path: pathlib.Path) -> None:
    (tmp_path / "mined").write_bytes(OTHER.to_tor_file())
    file = encoded(KEY.to_tor_file())
    told = imported(
        running(content=file),
        running(file="", msg="a directory"),
        imports={"archive": {"path": str(tmp_path / "mined")}},
    )
    assert told["addresses"] == {"newsroom": KEY.address, "archive": OTHER.address}
    assert file not in str(told)


def test_the_path_on_a_host_may_be_a_file(imported: Run) -> None:
    told = imported(running(msg="not a directory"), running(file="", content=encoded(KEY.to_tor_file())))
    assert told["addresses"]["newsroom"] == KEY.address


@pytest.mark.parametrize("path", [FOLDER, FOLDER + "/"])
def test_files_on_a_host_belong_together(imported: Run, tmp_path: pathlib.Path, path: str) -> None:
    told = imported(
        running(path=path, content=encoded(KEY.to_tor_file())),
        running(path=path, file="hostname", content=encoded(OTHER.address.encode() + b"\n")),
        running(path=path, file=key_file.PUBLIC_FILE, content=encoded(OTHER.service_files()[key_file.PUBLIC_FILE])),
    )
    assert f"service 'newsroom': key: host 'web1': {FOLDER}/hostname: belongs to another key" in told["msg"]
    assert (
        f"service 'newsroom': key: host 'web1': {FOLDER}/hs_ed25519_public_key: belongs to another key" in told["msg"]
    )
    assert not (tmp_path / ".onion_keys").exists()


def test_a_service_of_version_2_on_a_host_is_called_so(imported: Run) -> None:
    told = imported(
        running(msg="file not found"), running(file="hostname", content=encoded(b"expyuzz4wqqyqhjn.onion\n"))
    )
    assert f"host 'web1': {FOLDER}/hostname: 'expyuzz4wqqyqhjn.onion' is an address of version 2" in told["msg"]


def test_a_host_that_is_none_is_named(imported: Run) -> None:
    told = imported(running(host="wbe1", skipped=True))
    assert (
        "service 'newsroom': key: host 'wbe1': is no host of the inventory (did you mean" in told["msg"]
        and "web1" in told["msg"]
    )


@pytest.mark.parametrize("place", ["path", "content"])
def test_a_host_names_no_file_of_the_controller(imported: Run, tmp_path: pathlib.Path, place: str) -> None:
    (tmp_path / "mined").write_bytes(OTHER.to_tor_file())
    path = str(tmp_path / "mined")
    for content in ({place: path}, path, f"@{path}", f"file://{path}", [path]):
        told = imported(running(content=content))
        assert told["failed"] and OTHER.address not in str(told)
    assert not (tmp_path / ".onion_keys").exists()


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"content": {"path": "/etc/shadow"}}, f"{PLACE}: no reason given"),
        ({"content": ["a"], "msg": "odd"}, f"{PLACE}: odd"),
        ({"msg": "file not found: /x\nmore"}, f"{PLACE}: file not found: /x"),
        ({"unreachable": True, "msg": "no route"}, f"{PLACE}: no route"),
        ({"content": encoded(BLOB[:40].encode())}, f"host 'web1': {FOLDER}/hs_ed25519_secret_key: the base64 holds"),
        ({"content": ""}, f"host 'web1': {FOLDER}/hs_ed25519_secret_key: the secret key is empty"),
        (
            {"unreachable": True, "msg": "Task failed: " + distrust("web1", "slurp", "content: is null")},
            distrust("web1", "slurp", "content: is null"),
        ),
    ],
)
def test_a_key_that_could_not_be_read(
    imported: Run, tmp_path: pathlib.Path, result: dict[str, t.Any], why: str
) -> None:
    told = imported(running(**result))
    assert told["failed"] and f"service 'newsroom': key: {why}" in told["msg"].splitlines()[1]
    assert len(told["msg"].splitlines()) == 2
    assert not (tmp_path / ".onion_keys").exists()


def test_the_keys_of_several_hosts_have_their_own_faults(imported: Run) -> None:
    results = [running("newsroom", msg="one"), running("archive", msg="two"), running("nothing", msg="three")]
    assert "no such service" in imported(*results)["msg"]
    told = imported(*results[:2])["msg"]
    assert f"service 'newsroom': key: {PLACE}: one" in told
    assert f"service 'archive': key: {PLACE}: two" in told
