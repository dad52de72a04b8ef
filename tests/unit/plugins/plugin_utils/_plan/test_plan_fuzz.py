# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations made from the tables of fields: what is refused says where, what is accepted becomes the right files.

ONIONFLEET_DECLARATIONS sets how many are made, ONIONFLEET_SHOW_FAULTS a file to which so many of their faults go.
"""

from __future__ import annotations

import collections
import copy
import datetime
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import wanted as wanted_daemons
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.key_file import generate
from ansible_collections.onionfleet.balance.plugins.module_utils._programs.onionbalance import SETTINGS as PUBLISHER
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import options as known_options
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import values as v
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.keepers import SETTINGS as KEEPER
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.reading import Template
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.services import PLACEMENT
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

MADE = int(os.environ.get("ONIONFLEET_DECLARATIONS", "500"))
SHOW = os.environ.get("ONIONFLEET_SHOW_FAULTS")
GROUPS = {"all": ["h1", "h2", "h3", "h4"], "web": ["h1", "h2", "h3"], "app": ["h2", "h4"], "pub": ["h3"], "empty": []}
NAMES = ("alpha", "be-ta", "g4mma", "d" * 32)
ADDRESSES = {name: generate().address for name in (*NAMES, "frontend")}
CLIENT_KEYS = (
    "NBWMNHGXC3D5ADAVXWFNFGHJ6ZJRWX2DEFDZ4ODNZHZ7FSLQGRKQ",
    "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPIYDCMRTGQ2Q",
)
# explanations of failures take minutes, and reading the declaration none
EXAMPLES = settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

# --- values that fields take, by their kinds

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\'), min_size=1, max_size=12)
SOCKETS = st.one_of(
    st.builds("127.0.0.1:{}".format, st.integers(1, 65535)), st.builds("[::1]:{}".format, st.integers(1, 65535))
)
TARGETS = st.one_of(SOCKETS, st.builds("unix:/run/{}.sock".format, st.from_regex(r"[a-z]{1,20}", fullmatch=True)))
TYPED: t.Dict[str, t.List[str]] = {  # what tor understands of a text that our table takes as any
    "entry_nodes": ["{de}", "$" + "A" * 40],
    "exclude_nodes": ["{fr}", "192.0.2.0/24"],
    "hs_layer2_nodes": ["$" + "B" * 40],
    "hs_layer3_nodes": ["$" + "C" * 40],
    "middle_nodes": ["{nl}"],
    "reachable_addresses": ["*:443", "reject *:*"],
    "tcp_proxy": ["haproxy 192.0.2.1:3128"],
    "metrics_port_policy": ["accept 192.0.2.1", "reject *"],
}


def values(field: str, kind: t.Any) -> st.SearchStrategy[t.Any]:
    if isinstance(kind, v.Flag):
        return st.sampled_from([True, False, "True", "false", *kind.words])
    if isinstance(kind, v.Number):
        return st.integers(kind.low, kind.high).flatmap(lambda number: st.sampled_from([number, str(number)]))
    if isinstance(kind, v.Socket):
        return st.one_of(SOCKETS, st.integers(1, 65535)) if kind.bare else SOCKETS
    if isinstance(kind, v.ListOf):
        return st.lists(values(field, kind.kind), min_size=1, max_size=min(kind.most, 2), unique=True)
    if isinstance(kind, v.Address):
        return st.sampled_from(["192.0.2.7"])
    if isinstance(kind, v.Size):
        written = [each for each in ("4 KB", "4 MBytes", "512 MB", "1 GBytes") if not list(kind.faults(each))]
        return st.sampled_from([*written, kind.least, f"{kind.most // kind.step * kind.step} bytes"])
    if isinstance(kind, v.Interval):
        return st.sampled_from(["30 minutes", "2 hours", "1 month", kind.least, str(kind.most)])
    if isinstance(kind, v.Choice):
        return st.sampled_from(kind.pattern.pattern[3:-3].split("|"))
    return st.sampled_from(TYPED[field])


def of_table(table: t.Mapping[str, t.Any]) -> st.SearchStrategy[t.Dict[str, t.Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            name: of_table(option) if isinstance(option, dict) else values(name, option.kind)
            for name, option in table.items()
        },
    )


def few(table: t.Mapping[str, t.Any], most: int) -> st.SearchStrategy[t.Dict[str, t.Any]]:
    names = st.lists(st.sampled_from(sorted(table)), max_size=most, unique=True)
    return names.flatmap(lambda chosen: of_table({name: table[name] for name in chosen}))


PORTS = st.lists(st.integers(1, 65535), min_size=1, max_size=3, unique=True).flatmap(
    lambda numbers: st.tuples(
        *[
            st.one_of(
                st.fixed_dictionaries({"port": st.just(number), "target": TARGETS}),
                st.fixed_dictionaries(
                    {"port": st.just(str(number)), "targets": st.lists(TARGETS, min_size=1, max_size=2, unique=True)}
                ),
            )
            for number in numbers
        ]
    ).map(list)
)
OPTIONS = few(known_options.DAEMON, 4)
EXTRA = st.lists(
    st.fixed_dictionaries({"option": st.just("HiddenServiceFuture"), "value": st.one_of(WORDS, st.integers(0, 99))}),
    max_size=1,
)
PLACES = st.sampled_from(["web", "app", "h1", ["h1", "h4"], ["pub", "h4"]])


@st.composite
def services(draw: st.DrawFn, name: str) -> t.Dict[str, t.Any]:
    softmap = draw(st.booleans())
    service = {
        "name": name,
        "layout": "softmap" if softmap else "hardmap",
        "ports": draw(PORTS),
        **draw(
            few(
                {field: option for field, option in known_options.SERVICE.items() if not (softmap and field == "pow")},
                4,
            )
        ),
    }
    service.update({field: draw(PLACES) for field in (("backends", "publishers") if softmap else ("replicas",))})
    optional: t.Dict[str, st.SearchStrategy[t.Any]] = {
        "workers": st.integers(1, 3),
        "adopt": st.booleans(),
        "address": st.just(ADDRESSES[name]),
        "daemon_options": OPTIONS,
        "directory": st.sampled_from(["site", "a.b_c-d"]),
        "extra": EXTRA,
        "state": st.just("present"),
        "secret_key": WORDS,
        "probe": st.fixed_dictionaries(
            {"port": st.just(int(service["ports"][0]["port"]))},
            optional={
                "scheme": st.sampled_from(["http", "https"]),
                "path": st.just("/x?y=%20"),
                "status": st.just([200, 401]),
                "contains": st.text(max_size=5),
                "capture": st.just("v([0-9]+)"),
            },
        ),
    }
    if not softmap:
        clients = [{"name": f"client{number}", "public_key": key} for number, key in enumerate(CLIENT_KEYS)]
        optional.update(
            authorized_clients=st.sampled_from([clients, clients[:1]]),
            keeper=st.booleans(),
            onionbalance_frontends=st.just([ADDRESSES["frontend"]]),
        )
    service.update(draw(st.fixed_dictionaries({}, optional=optional)))
    if draw(st.integers(0, 9)) == 0:
        service["single_hop"] = draw(st.sampled_from([True, "false"]))
    if draw(st.integers(0, 9)) == 0:
        service = {**{field: value for field, value in service.items() if field in PLACEMENT}, "state": "absent"}
        service.pop("probe", None)
    return service


@st.composite
def declarations(draw: st.DrawFn) -> t.Dict[str, t.Any]:
    """Well-formed variables; by chance, rules between them may be broken."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    declared = [draw(services(name)) for name in names]
    for service in declared:
        if draw(st.integers(0, 5)) == 0 and not service.get("keeper"):
            service.update(daemon="shared")
            for field in ("workers", "daemon_options"):
                service.pop(field, None)
    targets = {}
    if draw(st.booleans()) and "ports" in declared[0]:
        host = (_hosts(declared[0].get("replicas", declared[0].get("backends"))) or ["h1"])[0]
        targets = {host: {declared[0]["name"]: {declared[0]["ports"][0]["port"]: draw(TARGETS)}}}
    return {
        "services": declared,
        "daemon_options": draw(OPTIONS),
        "daemons": draw(st.sampled_from([[], [{"name": "shared", "options": {"safe_logging": False}}]])),
        "network_options": draw(st.sampled_from([[], [{"option": "AssumeReachable", "value": 1}]])),
        "targets": targets,
        "publisher": draw(few(PUBLISHER, 2)),
        "keeper": draw(few(KEEPER, 1)),
        "probe_hosts": draw(st.sampled_from([[], "h1", ["pub"]])),
        "drained": draw(st.sampled_from([[], [], ["h1"]])),
        "credentials": draw(st.sampled_from([[], list(ADDRESSES.values())])),
    }


# --- what spoils them

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    WORDS,
    st.just(""),
    st.just("x" * 5000),
    st.just(10**5000),
    st.sampled_from(
        [
            [],
            {},
            [None],
            [[]],
            [{}],
            {"": {}},
            {7: 7},
            {True: 1},
            {None: 1},
            b"x",
            {1, 2},
            datetime.date(2026, 1, 1),
            "\ud800",
            "\x1b[31m",
        ]
    ),
    st.lists(st.one_of(st.integers(), st.text(max_size=5)), max_size=2),
    st.dictionaries(st.one_of(st.text(max_size=5), st.integers()), st.integers(), max_size=2),
)


def _spots(value: t.Any, depth: int = 7) -> t.Iterator[t.Tuple[t.Any, t.Any]]:
    """Every container and key of a value, which may hold itself."""
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, inner in pairs:
        yield value, key
        yield from _spots(inner, depth - 1) if depth else ()


@st.composite
def spoilt(draw: st.DrawFn) -> t.Dict[str, t.Any]:
    declared = copy.deepcopy(draw(declarations()))
    for _number in range(draw(st.integers(1, 4))):
        container, key = draw(st.sampled_from(list(_spots(declared))))
        how = draw(st.sampled_from(["replace", "replace", "replace", "remove", "misspell", "add", "itself"]))
        if how == "remove" and container is not declared:
            del container[key]
        elif how == "misspell" and isinstance(container, dict) and container is not declared:
            container[str(key)[:-1] + draw(WORDS)] = container.pop(key)
        elif how == "add":
            container[key] = [container[key], draw(JUNK)]
        elif how == "itself" and container is not declared:
            container[key] = container
        else:
            container[key] = draw(JUNK)
    return declared


def planned(declared: t.Dict[str, t.Any]) -> t.Tuple[t.Any, t.List[str]]:
    """The plan of variables, read as the action reads them, or all their faults."""
    template = Template(Templar(DataLoader(), variables={}))
    read = {name: template.read(value, f"onion_{name}", skip=("secret_key",)) for name, value in declared.items()}
    read["targets"] = {
        host: value
        for host, value in (read["targets"] if isinstance(read["targets"], dict) else {}).items()
        if host in GROUPS["all"]
    }
    # the action hands over addresses, whatever the variable holds; test_credentials spoils that
    read["credentials"] = [*map(str, read["credentials"])] if isinstance(read["credentials"], list) else []
    try:
        plan = make_plan(Declaration(groups=GROUPS, addresses=ADDRESSES, **read))
    except OnionfleetError as error:
        return None, OnionfleetError(*template.faults, *error.faults).faults
    return plan, OnionfleetError(*template.faults).faults


# --- what is meant, read without any code of ours


def _hosts(named: t.Any) -> t.List[str]:
    names = [named] if isinstance(named, str) else named or []
    return [host for name in names for host in GROUPS.get(name, [name])]


def _texts(kind: t.Any, value: t.Any) -> t.List[str]:
    if isinstance(kind, v.Flag):
        return [{"true": "1", "false": "0"}.get(str(value).lower(), str(value))]
    if isinstance(kind, v.ListOf):
        texts = [text for each in value for text in _texts(kind.kind, each)]
        return [",".join(texts)] if kind.comma else texts
    return [str(value)]


def _lines(table: t.Mapping[str, t.Any], given_values: t.Mapping[str, t.Any]) -> t.List[t.Tuple[str, str]]:
    found = []
    for field, value in given_values.items():
        option = table.get(field)
        if isinstance(option, dict):
            found += _lines(option, value or {})
        elif option is not None and value is not None:
            found += [
                (option.keyword, text + " syslog" * (option.keyword == "Log")) for text in _texts(option.kind, value)
            ]
    return found


def _read(text: str) -> t.List[t.Tuple[str, str]]:
    """The lines of a torrc. A value in quotes has nothing to escape here; another has no '#'."""
    found = []
    for line in text.splitlines():
        keyword, _space, value = line.partition(" ")
        if keyword.startswith("#"):
            continue
        quoted = len(value) > 1 and value[0] == value[-1] == '"'
        assert quoted or not set(value) & set('#"\\'), line
        found.append((keyword, value[1:-1] if quoted else value))
    return found


def _present(value: t.Any) -> t.Any:
    """Without nulls, which are not given."""
    if isinstance(value, dict):
        # no plan reads a key, whatever it is
        return {key: _present(inner) for key, inner in value.items() if inner is not None and key != "secret_key"}
    return [_present(inner) for inner in value] if isinstance(value, list) else value


NOTHING: t.Dict[str, t.Any] = {"daemon_options": {}, "daemons": [], "network_options": [], "targets": {}}


def meant(service: t.Dict[str, t.Any], host: str, targets: t.Any) -> t.List[t.Tuple[str, str]]:
    """The lines of a service's torrc on a host, but for its folder."""
    softmap = service["layout"] == "softmap"
    own = {str(port): target for port, target in ((targets.get(host) or {}).get(service["name"]) or {}).items()}
    found = []
    for port in service["ports"]:
        default = port["targets"] if "targets" in port else port["target"]
        chosen = own.get(str(port["port"])) or default
        found += [
            ("HiddenServicePort", f"{port['port']} {target}")
            for target in (chosen if isinstance(chosen, list) else [chosen])
        ]
    if softmap or service.get("onionbalance_frontends"):
        found.append(("HiddenServiceOnionBalanceInstance", "1"))
    if softmap:
        service = {"introduction_points": 6, **service}
    found += _lines(known_options.SERVICE, service)
    return found + [
        (line["option"], str(int(line["value"])) if isinstance(line["value"], bool) else str(line["value"]))
        for line in service.get("extra", [])
    ]


def compare(declared: t.Dict[str, t.Any], plan: t.Any) -> t.Dict[str, t.Dict[str, str]]:
    """Fails where the files of an accepted declaration are not what is meant; host -> path -> text."""
    declared = {**NOTHING, **_present(declared)}
    targets = declared["targets"] if isinstance(declared["targets"], dict) else {}
    files: t.Dict[str, t.Dict[str, str]] = {}
    for host, of_host in plan.hosts.items():
        files[host] = {}
        for daemon in wanted_daemons.read(of_host["daemons"]):
            if daemon.wanted:
                files[host].update(wanted_daemons.config_files(daemon))
                for service in daemon.running_services:
                    files[host].update(wanted_daemons.service_files(service))
    expected: t.Counter[t.Tuple[str, str]] = collections.Counter()
    shared = {daemon["name"]: daemon.get("options", {}) for daemon in declared["daemons"]}
    for service in declared["services"]:
        softmap, name = service["layout"] == "softmap", service["name"]
        instances = plan.services[name]["backends" if softmap else "replicas"]
        workers = service.get("workers", 1)
        hosts = _hosts(service["backends" if softmap else "replicas"])
        assert sorted(row["host"] for row in instances) == sorted(hosts * workers)
        assert len({(row["host"], row["daemon"]) for row in instances}) == len(instances)
        if service.get("state") == "absent":
            continue
        folder = service.get("directory", name + "-backend" * softmap)
        for row in instances:
            host, daemon = row["host"], row["daemon"]
            path = f"/etc/tor/instances/{daemon}/services/{name}.conf"
            expected[host, path] += 1
            (first, *lines) = _read(files[host][path])
            assert first == ("HiddenServiceDir", f"/var/lib/tor-instances/{daemon}/{folder}")
            assert sorted(lines) == sorted(meant(service, host, targets)), service
            torrc = _read(files[host][f"/etc/tor/instances/{daemon}/torrc"])
            options = {
                **declared["daemon_options"],
                **(shared.get("shared", {}) if "daemon" in service else service.get("daemon_options", {})),
            }
            wanted = [
                ("SocksPort", "0"),
                *_lines(known_options.DAEMON, options),
                ("%include", f"/etc/tor/instances/{daemon}/services/"),
            ]
            wanted += [(line["option"], str(line["value"])) for line in declared["network_options"]]
            hop = str(service.get("single_hop")).lower() == "true"
            wanted += [("HiddenServiceNonAnonymousMode", "1"), ("HiddenServiceSingleHopMode", "1")] * hop
            assert sorted(torrc) == sorted(wanted)
            clients = {
                f"/var/lib/tor-instances/{daemon}/{folder}/authorized_clients/{client['name']}.auth": (
                    f"descriptor:x25519:{client['public_key']}\n"
                )
                for client in service.get("authorized_clients", [])
            }
            assert {
                path: text for path, text in files[host].items() if f"/{daemon}/{folder}/authorized_clients/" in path
            } == clients
        for host in _hosts(service.get("publishers")):
            (published,) = [each for each in plan.hosts[host]["publisher"]["services"] if each["name"] == name]
            assert [each["name"] for each in published["instances"]] == [
                f"{row['host']}/{row['daemon']}" for row in instances
            ]
            # a name that was spoilt keeps the address that the declaration pins
            assert published["address"] == service.get("address", ADDRESSES.get(name))
    rendered = collections.Counter(
        (host, path) for host, of_host in files.items() for path in of_host if path.endswith(".conf")
    )
    assert rendered == expected
    return files


PLACED = re.compile(
    r"(service '[a-z0-9-]+'|(onion_services|onion_daemons) entry \d+|daemon '.+?'|host '.+?'|onion_[a-z_]+(\[\d+\])?)"
    r"(( entry \d+)*: |\.)\S.*"
)
_shown: t.List[str] = []


def check(faults: t.List[str]) -> None:
    for fault in faults:
        assert PLACED.fullmatch(fault), fault
        assert len(fault) < 500, fault
        assert fault.isprintable(), fault
    _shown.extend(faults)


@pytest.fixture(scope="module", autouse=True)
def fixture_show() -> t.Iterator[None]:
    yield
    if SHOW:
        pathlib.Path(SHOW).write_text("\n".join(dict.fromkeys(_shown)) + "\n", encoding="utf-8")


@settings(EXAMPLES, max_examples=MADE // 2)
@given(declarations())
def test_what_is_accepted_becomes_what_is_meant(declared: t.Dict[str, t.Any]) -> None:
    plan, faults = planned(declared)
    check(faults)
    if plan is not None:
        compare(declared, plan)


@settings(EXAMPLES, max_examples=MADE - MADE // 2)
@given(spoilt())
def test_a_spoilt_declaration_has_faults_that_name_their_places_or_is_what_is_meant(
    declared: t.Dict[str, t.Any],
) -> None:
    plan, faults = planned(declared)
    check(faults)
    if plan is not None and not faults:
        compare(declared, plan)


@pytest.mark.skipif(not shutil.which("tor"), reason="there is no tor here")
@settings(EXAMPLES, max_examples=MADE // 20)
@given(declarations())
def test_tor_takes_what_is_accepted(declared: t.Dict[str, t.Any]) -> None:
    for service in declared["services"]:
        service.pop("extra", None)  # of no tor that there is yet
    plan, _faults = planned(declared)
    if plan is None:
        return
    for of_host in compare(declared, plan).values():
        with tempfile.TemporaryDirectory() as folder:
            _verify(of_host, folder)


def _verify(files: t.Dict[str, str], folder: str) -> None:
    roots = ("/etc/tor/instances", "/var/lib/tor-instances", "/run/tor-instances")
    for path, text in files.items():
        for root in roots:
            text = text.replace(f" {root}", f" {folder}{root}").replace(f"unix:{root}", f"unix:{folder}{root}")
        file = pathlib.Path(folder + path)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(text)
    for torrc in [path for path in files if path.endswith("/torrc")]:
        daemon = torrc.split("/")[-2]
        (pathlib.Path(folder + torrc).parent / "services").mkdir(exist_ok=True)
        for root in roots[1:]:
            pathlib.Path(f"{folder}{root}/{daemon}").mkdir(parents=True, exist_ok=True, mode=0o700)
        for private in pathlib.Path(f"{folder}{roots[1]}/{daemon}").rglob("*"):
            private.chmod(0o700 if private.is_dir() else 0o600)
        command = [
            "tor",
            "--verify-config",
            "-f",
            folder + torrc,
            "--DataDirectory",
            f"{folder}{roots[1]}/{daemon}",
            "--defaults-torrc",
            "/dev/null",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout, files)
