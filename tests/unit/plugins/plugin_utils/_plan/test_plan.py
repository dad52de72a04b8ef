# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion.address import address_from_public_key
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import DAEMON, daemon_name
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan
from hypothesis import given, settings
from hypothesis import strategies as st

GROUPS = {"all": ["web1", "web2", "web3", "lone"], "web": ["web1", "web2", "web3"], "empty": [], "one": ["web1"]}
ADDRESS = address_from_public_key(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
PORTS = [{"port": 80, "target": "127.0.0.1:8080"}]


def service(name="newsroom", **fields):
    return {"name": name, "layout": "hardmap", "replicas": "web", "ports": PORTS, **fields}


def declaration(*services, **fields):
    addresses = {entry["name"]: f"address-of-{entry['name']}" for entry in services if isinstance(entry, dict)}
    return Declaration(services=list(services), groups=GROUPS, **{"addresses": addresses, **fields})


def faults(*services, **fields):
    with pytest.raises(OnionfleetError) as caught:
        make_plan(declaration(*services, **fields))
    return caught.value.faults


def daemons(plan, host):
    return {daemon["name"]: daemon for daemon in plan.hosts[host]["daemons"]}


def test_each_worker_of_each_replica_has_a_daemon_of_its_own():
    plan = make_plan(declaration(service(workers=2)))
    assert set(plan.hosts) == {"web1", "web2", "web3"}
    assert list(daemons(plan, "web2")) == ["newsroomw1", "newsroomw2"]
    assert plan.services["newsroom"]["replicas"][:3] == [
        {"host": "web1", "daemon": "newsroomw1", "worker": 1},
        {"host": "web1", "daemon": "newsroomw2", "worker": 2},
        {"host": "web2", "daemon": "newsroomw1", "worker": 1},
    ]


def test_daemons_start_apart_so_that_revisions_do_not_tie():
    plan = make_plan(declaration(service(workers=2)))
    assert [daemons(plan, host)["newsroomw1"]["stagger"] for host in GROUPS["web"]] == [0, 2, 4]
    assert [daemons(plan, host)["newsroomw2"]["stagger"] for host in GROUPS["web"]] == [1, 3, 5]
    plan = make_plan(declaration(service(workers=5)))
    turns = [
        daemon["stagger"] for host in GROUPS["web"] for daemon in daemons(plan, host).values() if daemon["services"]
    ]
    assert turns == list(range(15))


def test_services_share_a_daemon_when_told_to():
    plan = make_plan(declaration(service(daemon="small"), service("archive", daemon="small", replicas="one")))
    assert [entry["name"] for entry in daemons(plan, "web1")["small"]["services"]] == ["newsroom", "archive"]
    assert [entry["name"] for entry in daemons(plan, "web2")["small"]["services"]] == ["newsroom"]


def test_only_what_tor_needs_reaches_the_hosts():
    plan = make_plan(declaration(service(secret_key="not for hosts", pow={"enabled": True})))
    sent = daemons(plan, "web1")["newsroomw1"]["services"][0]
    assert sent == {
        "name": "newsroom",
        "state": "present",
        "address": "address-of-newsroom",
        "directory": "newsroom",
        "delete_key": False,
        "ports": PORTS,
        "pow": {"enabled": True},
    }


def test_options_add_up_from_fleet_daemon_and_network():
    plan = make_plan(
        declaration(
            service(daemon="small"),
            daemon_options={"safe_logging": True, "extra": [{"option": "Nickname", "value": "a"}]},
            daemons=[
                {
                    "name": "small",
                    "options": {"safe_logging": False, "extra": [{"option": "ContactInfo", "value": "b"}]},
                }
            ],
            network_options=[{"option": "TestingTorNetwork", "value": "1"}],
        )
    )
    options = daemons(plan, "web1")["small"]["options"]
    assert options["safe_logging"] is False
    assert [line["option"] for line in options["extra"]] == ["Nickname", "ContactInfo", "TestingTorNetwork"]
    assert [line["option"] for line in daemons(plan, "web1")["onionprobe"]["options"]["extra"]] == ["TestingTorNetwork"]


def test_a_host_may_have_other_targets():
    plan = make_plan(declaration(service(), targets={"web2": {"newsroom": {80: ["127.0.0.1:1", "127.0.0.1:2"]}}}))
    assert daemons(plan, "web1")["newsroomw1"]["services"][0]["ports"] == PORTS
    assert daemons(plan, "web2")["newsroomw1"]["services"][0]["ports"] == [
        {"port": 80, "targets": ["127.0.0.1:1", "127.0.0.1:2"]}
    ]


def test_the_probe_client_is_on_the_first_host_unless_told():
    assert make_plan(declaration(service())).probe_hosts == ["web1"]
    plan = make_plan(declaration(service(), probe_hosts=["lone"]))
    assert plan.probe_hosts == ["lone"]
    assert daemons(plan, "lone")["onionprobe"]["socks"] is True
    assert plan.hosts["web1"]["probe"] is False


def test_a_daemon_without_living_services_is_absent():
    gone = {"name": "newsroom", "layout": "hardmap", "replicas": "web", "state": "absent", "delete_key": True}
    daemon = daemons(make_plan(declaration(gone)), "web1")["newsroomw1"]
    assert daemon["state"] == "absent"
    assert daemon["services"][0]["delete_key"] is True


def test_a_check_run_shows_a_service_without_key_as_new():
    plan = make_plan(declaration(service(), addresses={}, keys_required=False))
    assert plan.services["newsroom"]["address"] is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"replicas": "empty"}, "service 'newsroom': replicas: group 'empty' is empty; add hosts to it"),
        ({"replicas": "wbe"}, "replicas: 'wbe' is neither a group nor a host of the inventory (did you mean 'web'?)"),
        ({"replicas": "web:!web1"}, "patterns do not work"),
        ({"replicas": ["web", "web1"]}, "host 'web1' is in both 'web' and 'web1'; name it once"),
        ({"replicas": []}, "replicas: must name an inventory group or host"),
        ({"replicas": 7}, "replicas: must name an inventory group or host"),
        ({"workers": 0}, "workers: is the number 0; write a whole number from 1 to 16"),
        ({"workers": "two"}, "workers: is the text 'two'; write a whole number"),
        ({"workers": True}, "workers: is the boolean true; write a whole number"),
        (
            {"layout": "hardmpa"},
            "layout: is the text 'hardmpa' (did you mean 'hardmap'?); write one of: hardmap, softmap",
        ),
        ({"state": "gone"}, "state: is the text 'gone'; write one of: present, absent"),
        ({"introduction_points": 2}, "service 'newsroom': introduction_points:"),
        ({"introduction_points": 21}, "service 'newsroom': introduction_points:"),
        ({"introduction_pionts": 5}, "did you mean introduction_points?"),
        ({"ports": [{"port": 65536, "target": "127.0.0.1:1"}]}, "service 'newsroom': ports"),
        ({"ports": [{"port": 80, "target": "unix:relative"}]}, "service 'newsroom': ports"),
        ({"ports": [{"port": 80, "target": "unix:/" + "x" * 120}]}, "service 'newsroom': ports"),
        ({"daemon": "my-daemon"}, "daemon: is the text 'my-daemon', which is no name of a tor instance"),
        ({"daemon": "default"}, "daemon: 'default' is taken"),
        ({"daemon": "small", "workers": 2}, "workers: must be 1 in a shared daemon"),
        ({"daemon": "small", "daemon_options": {}}, "daemon_options: are those of a shared daemon"),
        ({"daemon_options": {"sandbx": True}}, "daemon_options: 'sandbx': no such option; did you mean sandbox?"),
        ({"daemon_options": []}, "daemon_options: is an empty list; write a mapping"),
        ({"directory": "../../etc"}, "directory: is the text '../../etc', which is no name of a folder"),
        ({"directory": "a\nb"}, "which is no name of a folder"),
        ({"adopt": "yes"}, "adopt: is the text 'yes'; write true or false"),
        ({"delete_key": True}, "delete_key: goes with 'state: absent' only"),
        ({"address": "another"}, "address: is the text 'another', and an address has 62 characters"),
        ({"address": ADDRESS}, f"address: is {ADDRESS}, yet its key's is address-of-newsroom"),
        ({"single_hop": "maybe"}, "service 'newsroom': single_hop"),
        ({"ports": None}, "service 'newsroom': ports: is missing"),
    ],
)
def test_a_faulty_field_is_refused(fields, expected):
    assert any(expected in fault for fault in faults(service(**fields)))


@pytest.mark.parametrize("poison", ["\n", '"', "\\", "\r", "\x00"])
@pytest.mark.parametrize(
    "field",
    ["name", "layout", "state", "replicas", "daemon", "directory", "target", "export_circuit_id", "option", "value"]
    + ["client", "client key", "log", "address"],
)
def test_no_string_can_inject_a_line(field, poison):
    evil = f"abc{poison}HiddenServiceDir /x"
    fields = {
        "target": {"ports": [{"port": 80, "target": f"unix:/run/{evil}"}]},
        "option": {"extra": [{"option": evil, "value": "1"}]},
        "value": {"extra": [{"option": "HiddenServiceFuture", "value": evil}]},
        "client": {"authorized_clients": [{"name": evil, "public_key": "A" * 52}]},
        "client key": {"authorized_clients": [{"name": "alice", "public_key": evil}]},
        "log": {"daemon_options": {"extra": [{"option": "Nickname", "value": evil}]}},
    }.get(field, {field: evil})
    addresses = {} if field in ("name", "address") else {"newsroom": "address"}
    found = faults({**service(), **fields}, addresses=addresses, keys_required=False)
    assert len(found) >= 1
    assert all("\n" not in fault for fault in found)


def test_all_faults_come_at_once():
    found = faults(
        service(workers=0),
        service(),
        7,
        {"name": "Bad"},
        service("third", prots=[]),
        daemon_options={"safe_loging": True},
        daemons=[{"name": "x-y"}, {}],
        targets={"web1": {"nobody": {}}, "lone": {"newsroom": {80: "x"}}},
        probe_hosts="nowhere",
        addresses={},
    )
    text = "\n".join(found)
    for expected in (
        "workers: is the number 0",
        "name: is that of entries 1 and 2",
        "entry 3: type",
        "'Bad', which is no label",
        "'prots'",
        "'safe_loging'",
        "onion_daemons entry 1: name: is the text 'x-y'",
        "onion_daemons entry 2: name: is missing",
        "onion_targets: nobody: no such service",
        "the host does not run",
        "onion_probe_hosts: hosts: 'nowhere'",
        "service 'third': key: there is none yet",
    ):
        assert expected in text, expected


def test_one_key_for_two_services_is_refused():
    found = faults(service(), service("archive"), addresses={"newsroom": "same", "archive": "same"})
    assert found == ["service 'archive': key: is also that of service 'newsroom'; give each service a key of its own"]


def test_single_hop_and_anonymous_services_do_not_share_a_daemon():
    found = faults(service(daemon="small", single_hop=True), service("archive", daemon="small"))
    assert len(found) == 1 and "service 'archive': single_hop: is anonymous but shares 'small'" in found[0]


def test_a_shared_daemon_cannot_take_the_name_of_another_services_own():
    found = faults(service(), service("archive", daemon="newsroomw1"))
    assert "'newsroomw1' is also the name of a daemon of service 'newsroom'" in found[0]


def test_two_services_of_a_daemon_need_two_directories():
    found = faults(service(daemon="small", directory="d"), service("archive", daemon="small", directory="d"))
    assert "directory: 'd' is that of service 'newsroom' in daemon 'small'; rename one" in found[0]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ({"web1": []}, "host 'web1': onion_targets: is an empty list; write a mapping"),
        ({"web1": {"newsroom": []}}, "must map ports to targets"),
        ({"web1": {"newsroom": {81: "127.0.0.1:1"}}}, "port 81 is not among the service's ports"),
        ({"web1": {"newsroom": {80: "unix:x"}}}, "host 'web1': onion_targets: newsroom: ports"),
    ],
)
def test_overridden_targets_are_checked_too(targets, expected):
    assert any(expected in fault for fault in faults(service(), targets=targets))


@pytest.mark.parametrize(
    ("services", "what"),
    [(None, "empty"), ({}, "an empty mapping"), ("null", "the text 'null'"), (3, "the number 3")],
)
def test_the_declaration_must_be_a_list(services, what):
    with pytest.raises(OnionfleetError, match=f"onion_services: type: is {what}; write a list of services"):
        make_plan(Declaration(services=services, groups=GROUPS))


def test_what_is_allowed_but_likely_not_meant_is_a_warning():
    many = [service(f"s{number}", daemon="big") for number in range(13)]
    plan = make_plan(declaration(*many, service("alone", replicas="one"), daemons=[{"name": "idle", "options": {}}]))
    text = "\n".join(plan.hints)
    assert "daemon 'big' runs 13 services" in text
    assert "service 'alone' has one host only" in text
    assert "daemon 'idle' of onion_daemons is used by no service" in text


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)


@given(st.lists(LABELS, min_size=2, max_size=2, unique=True), st.integers(1, 16))
def test_daemon_names_fit_debians_units_and_stay_apart(names, worker):
    first, second = (daemon_name(name, worker) for name in names)
    assert DAEMON.match(first) and DAEMON.match(second)
    assert first != second


@settings(max_examples=50)
@given(st.lists(LABELS, min_size=1, max_size=6, unique=True), st.integers(1, 4), st.integers(1, 3))
def test_a_service_or_host_added_moves_nothing_else(names, hosts, workers):
    groups = {"all": [f"h{i}" for i in range(hosts)], "web": [f"h{i}" for i in range(hosts)]}
    services = [service(name, workers=workers) for name in names]
    declared = Declaration(services, groups, addresses={name: name for name in names}, probe_hosts=["h0"])
    plan = make_plan(declared)
    assert plan == make_plan(declared)
    more = make_plan(dataclasses.replace(declared, services=[*services, service("zz-new")], keys_required=False))
    more_hosts = make_plan(dataclasses.replace(declared, groups={key: [*of, "new"] for key, of in groups.items()}))
    for host in groups["web"]:
        before = daemons(plan, host)
        assert {name: daemon for name, daemon in daemons(more, host).items() if name in before} == before
        assert daemons(more_hosts, host) == before


def test_fields_without_a_value_count_as_not_given():
    plan = make_plan(declaration(service(pow=None, daemon_options={"extra": None}), daemon_options={"extra": None}))
    assert plan.services["newsroom"]["pow"] is False


def test_a_leaving_service_needs_no_ports_for_its_targets():
    leaving = {"name": "newsroom", "layout": "hardmap", "replicas": "web", "state": "absent"}
    plan = make_plan(declaration(leaving, targets={"web1": {"newsroom": {80: "127.0.0.1:9"}}}))
    assert "ports" not in daemons(plan, "web1")["newsroomw1"]["services"][0]


def test_the_name_of_a_shared_daemon_is_a_text():
    assert any("is no name of a tor instance" in fault for fault in faults(service(), daemons=[{"name": ["small"]}]))


def test_a_single_hop_service_is_known_by_a_text_too():
    sharing = faults(service(daemon="small", single_hop="true"), service("archive", daemon="small"))
    assert any("is anonymous but shares 'small'" in fault for fault in sharing)


@pytest.mark.parametrize(
    "probe",
    [
        {"scheme": "htpp"},
        {"port": 81},
        {"path": "index.html"},
        {"capture": "("},
        {"capture": "x"},
        {"status": ["ok"]},
        {"status": [0]},
    ]
    + [
        {"capture": "(a{99999999999})"},
        {"capture": "(" * 5000 + ")" * 5000},
        {"path": "/", "scheme": "tcp"},
        {"status": [200], "scheme": "tcp"},
    ],
)
def test_what_verification_could_not_ask_is_refused_before_anything_is_deployed(probe):
    (fault,) = faults(service(probe=probe))
    assert fault.startswith(f"service 'newsroom': probe: {next(iter(probe))}: ")


@pytest.mark.parametrize("scheme", ["tcp", "https"])
def test_which_of_several_ports_is_asked_must_be_said_unless_http_is_spoken(scheme):
    two = [*PORTS, {"port": 443, "target": "127.0.0.1:8443"}]
    (fault,) = faults(service(probe={"scheme": scheme}, ports=two))
    assert fault == (
        "service 'newsroom': probe: port: is missing; write which of the service's ports"
        f" {scheme} is spoken on: 80, 443"
    )
    make_plan(declaration(service(probe={"scheme": scheme})))
    make_plan(declaration(service(probe={"scheme": scheme, "port": 443}, ports=two)))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"layout": "hardmpa", "replicas": "wbe", "workers": 0}, ["layout", "replicas", "workers"]),
        (
            {"layout": None, "replicas": None, "publishers": "nowhere", "backends": "elsewhere"},
            ["layout", "publishers", "backends"],
        ),
        ({"ports": [7, {"port": 0, "target": "127.0.0.1:1"}]}, ["ports[0]", "ports[1].port"]),
        (
            {"probe": {"port": "x", "capture": "(", "scheme": "gopher"}},
            ["probe: port", "probe: capture", "probe: scheme"],
        ),
        ({"replicas": [7, "wbe"]}, ["replicas", "replicas"]),
        ({"pow": {"enabled": 7, "rate": 1}}, ["pow", "pow.enabled"]),
    ],
)
def test_no_fault_hides_another(fields, expected):
    found = faults({key: value for key, value in service(**fields).items() if value is not None})
    assert len(found) == len(expected)
    assert all(any(fault.startswith(f"service 'newsroom': {place}: ") for fault in found) for place in expected)


def test_nor_elsewhere():
    text = "\n".join(
        faults(
            service(ports=7),
            daemons=[{"options": {"sandbx": True}}, 7, {"name": 7, True: 1, "option": 2}],
            keeper={"interval": 5, "publications_per_hour": 0},
            drained=[7, "nowhere"],
        )
    )
    for expected in (
        "service 'newsroom': ports: is the number 7",
        "onion_daemons entry 1: name: is missing",
        "onion_daemons entry 1: options: 'sandbx'",
        "onion_daemons entry 2: type: is the number 7",
        "onion_daemons entry 3: True: is not known",
        "onion_daemons entry 3: option: is not known",
        "onion_keeper.interval: is 5",
        "onion_keeper.publications_per_hour: is 0",
        "onion_drained: name: is the number 7",
        "onion_drained: name: 'nowhere'",
    ):
        assert expected in text, expected


@pytest.mark.parametrize("address", [["x"], {}, float("nan"), 7, True, "x" * 100_000])
def test_a_pin_that_is_no_address(address):
    for addresses in ({}, {"newsroom": ADDRESS}):
        (fault,) = faults(service(address=address), addresses=addresses)
        assert fault.startswith("service 'newsroom': address: ")
        assert "write " in fault


@pytest.mark.parametrize(
    "point", [bytes([1]) + bytes(31), bytes(32), b"\xec" + b"\xff" * 30 + b"\x7f", b"\x02" + bytes(31)]
)
def test_a_pin_that_no_key_has(point):
    (fault,) = faults(service(address=address_from_public_key(point)), addresses={})
    assert fault.startswith("service 'newsroom': address: is an address that no key has")


def test_control_characters_are_not_shown_as_they_are():
    red = "\x1b[31m\u202e"
    found = faults(
        service(**{red: 1}, layout=red, probe={red: 1}),
        service(red),
        daemons=[{"name": "small", red: 1}, {"name": red}],
        targets={"web1": {red: {}, "newsroom": {red: "x"}}},
        drained=[red],
        probe_hosts=[red],
        credentials=[red],
    )
    assert len(found) >= 10
    assert all(fault.isprintable() for fault in found)


def test_a_port_of_a_host_has_one_target():
    (fault,) = faults(service(), targets={"web1": {"newsroom": {80: "127.0.0.1:1", "80": "127.0.0.1:2"}}})
    assert (
        fault == "host 'web1': onion_targets: newsroom: port 80 is there twice, as a number and as a text; remove one"
    )


def test_nulls_beside_the_services_are_not_given():
    nulls = dict.fromkeys(
        (
            "targets",
            "daemon_options",
            "daemons",
            "network_options",
            "probe_hosts",
            "publisher",
            "keeper",
            "drained",
            "credentials",
        )
    )
    nested = {
        "targets": {"web1": None, "web2": {"newsroom": None}, "web3": {"newsroom": {80: None}}},
        "daemon_options": {"sandbox": None, "extra": None},
        "daemons": [{"name": "small", "options": None}, {"name": "other", "options": {"sandbox": None}}],
        "publisher": {"introduction_points": None},
        "keeper": {"interval": None},
    }
    services = [
        service(),
        service("archive", replicas="one", daemon="small"),
        service("library", replicas="one", daemon="other"),
    ]
    daemons = [{"name": "small"}, {"name": "other"}]
    plain = make_plan(declaration(*services)).as_dict()
    assert make_plan(declaration(*services, **nulls)).as_dict() == plain
    assert (
        make_plan(declaration(*services, **nested)).as_dict()
        == make_plan(declaration(*services, daemons=daemons)).as_dict()
    )


def test_a_null_is_not_given():
    """As in YAML 'introduction_points:' without a value, on every level."""
    given = {"name": "archive", "layout": "softmap", "publishers": "web1", "backends": ["web2", "web3"], "ports": PORTS}
    nulls = {
        "introduction_points": None,
        "workers": None,
        "daemon": None,
        "daemon_options": None,
        "directory": None,
        "address": None,
        "state": None,
        "adopt": None,
        "probe": {"port": None},
        "keeper": None,
        "max_streams": None,
        "introduction_dos": {"enabled": None},
        "ports": [{**PORTS[0], "targets": None}],
    }
    groups = {"all": ["web1", "web2", "web3"]}

    def planned(service):
        return make_plan(Declaration(services=[service], groups=groups, keys_required=False)).as_dict()

    plain = planned({**given, "probe": {}, "introduction_dos": {}})
    assert planned({**given, **nulls}) == plain
    (service,) = plain["hosts"]["web2"]["daemons"][0]["services"]
    assert service["introduction_points"] == 6


def test_what_tor_refuses_together_may_come_from_two_places():
    refused = "bandwidth_burst: is 1024 bytes, less than bandwidth_rate, 4096, which tor refuses; "
    remedy = "write both, the burst at least as large as the rate"

    def found(general, own, shared=None):
        services = [service(daemon="shared") if shared else service(daemon_options=own)]
        daemons = [{"name": "shared", "options": own}] if shared else []
        try:
            make_plan(declaration(*services, daemon_options=general, daemons=daemons))
        except OnionfleetError as error:
            return error.faults
        return []

    low, high = {"bandwidth_rate": 4096, "bandwidth_burst": 4096}, {"bandwidth_burst": "1 KB"}
    assert found(low, {"safe_logging": True}) == []
    assert found(low, high) == [f"service 'newsroom': daemon_options: {refused}{remedy}"]
    assert found(low, high, shared=True) == [f"daemon 'shared': options: {refused}{remedy}"]
    assert found({**low, **high}, {}) == [f"onion_daemon_options: {refused}{remedy}"]
    assert found({**low, **high}, {"bandwidth_rate": 512}) == [f"onion_daemon_options: {refused}{remedy}"]
    guards = "entry_nodes: tor refuses them with single_hop, which uses no entry guards; remove one of the two"
    assert faults(service(single_hop=True), daemon_options={"entry_nodes": ["{de}"]}) == [
        f"service 'newsroom': daemon_options: {guards}"
    ]
    assert faults(
        service(daemon="shared", single_hop=True),
        daemons=[{"name": "shared", "options": {"entry_nodes": ["{de}"]}}],
    ) == [f"daemon 'shared': options: {guards}"]
    assert faults(service(daemon="shared", single_hop=True), daemon_options={"entry_nodes": ["{de}"]}) == [
        f"daemon 'shared': options: {guards}"
    ]


@pytest.mark.parametrize("empty", [None, []])
def test_the_last_client_revoked_does_not_open_the_service(empty):
    service = {"name": "newsroom", "layout": "hardmap", "replicas": "web1", "ports": PORTS, "authorized_clients": empty}
    with pytest.raises(
        OnionfleetError, match="service 'newsroom': authorized_clients: is empty, which would let everybody in"
    ):
        make_plan(Declaration(services=[service], groups={"all": ["web1"]}, keys_required=False))


def test_the_word_for_less_protection_reaches_the_preflight_and_is_mentioned():
    plan = make_plan(declaration(service(lower_protection=True, single_hop=True)))
    assert daemons(plan, "web1")["newsroomw1"]["services"][0]["lower_protection"] is True
    text = "\n".join(plan.hints)
    assert "service 'newsroom' is not anonymous (single_hop)" in text
    assert "service 'newsroom' says 'lower_protection: true'; remove that" in text
    assert (
        "lower_protection"
        not in daemons(make_plan(declaration(service(lower_protection=False))), "web1")["newsroomw1"]["services"][0]
    )


def test_the_word_for_less_protection_removes_clients_that_are_not_declared():
    clients = [{"name": "desk", "public_key": "N2NU7BSRL6YODZCYPN4CREB54TYLKGIE2KYOQWLFYC23ZJVCE5DQ"}]

    def planned(**fields):
        return daemons(make_plan(declaration(service(**fields))), "web1")["newsroomw1"]["services"][0]

    assert planned(lower_protection=True)["authorized_clients"] == []
    assert planned(lower_protection=True, authorized_clients=clients)["authorized_clients"] == clients
    # what a host has is left where nobody said the word
    assert "authorized_clients" not in planned()


def test_the_word_for_less_protection_is_true_or_false():
    assert faults(service(lower_protection="yes")) == [
        "service 'newsroom': lower_protection: is the text 'yes'; write true or false"
    ]
