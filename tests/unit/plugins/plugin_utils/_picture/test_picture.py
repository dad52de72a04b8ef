# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: what _picture and _boxes show of plans and statuses, and how _drawing writes it."""

from __future__ import annotations

import html
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._picture.boxes import Worker, boxes
from ansible_collections.onionfleet.balance.plugins.plugin_utils._picture.drawing import (
    FORMATS,
    STYLES,
    dot,
    markdown,
    mermaid,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._picture.picture import picture_of
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.plan import Declaration, make_plan
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.status import fleet_status
from hypothesis import example, given, settings
from hypothesis import strategies as st

ROOT = pathlib.Path(__file__).parents[5]
PORTS = [{"port": 80, "target": "127.0.0.1:8080"}]
ADDRESSES = {
    "newsroom": "iqjjor3zivdd6lngkj5xmm3hxi5cw7iytih2hbxihsbql32snot5hzad.onion",
    "archive": "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion",
}
WEB = ["web1", "web2", "web3"]
PUB = ["pub1", "pub2"]
APP = [f"app{number}" for number in range(1, 9)]
SIDE_BY_SIDE = (
    {"name": "newsroom", "layout": "hardmap", "replicas": WEB, "workers": 2, "ports": PORTS, "pow": {"enabled": True}},
    {"name": "archive", "layout": "softmap", "publishers": PUB, "backends": APP, "workers": 2, "ports": PORTS},
)


def planned(services=SIDE_BY_SIDE, **fields):
    """``services`` of the plan."""
    named = [
        host
        for service in services
        for field in ("replicas", "publishers", "backends")
        for host in service.get(field, [])
    ]
    return make_plan(
        Declaration(
            services=list(services), groups={"all": list(dict.fromkeys(named))}, **{"addresses": ADDRESSES, **fields}
        )
    ).services


TIERS = ("publishers", "replicas", "backends")


def found(services, lost=(), stopped=(), holders=None, drained=(), outside=(), answers=None):
    """The status of a fleet where all is well, except what is named; ``holders``: service -> place of its publisher."""
    holders, answers = holders or {}, answers or {}
    hosts = {place["host"] for service in services.values() for tier in TIERS for place in service[tier]}
    told = {host: {"status": {"services": []}, "error": ""} for host in hosts}
    own = {host: {"daemons": []} for host in hosts}
    published = []
    for name, service in services.items():
        listed, instances = [], []
        for place in (*service["replicas"], *service["backends"]):
            where = f"{place['host']}/{place['daemon']}"
            runs = where not in stopped and place["host"] not in lost
            off = "drained" if place["host"] in drained else "up" if runs else "down"
            instances.append(
                {"name": where, "address": f"own-{where}.onion", "state": off, "listed_keys": [f"key of {where}"]}
            )
            listed += [f"key of {where}"] if off == "up" else []
            made = {
                "directory": service["directory"],
                "address": f"own-{where}.onion" if service["backends"] else service["address"],
                "signing_key": f"{name} of {where}",
                "introduction_points": [],
                "introduction_circuits": [],
                "silent_targets": [],
                "introduction_keys": [f"key of {where}"],
            }
            error = "" if runs else "does not run"
            own[place["host"]]["daemons"].append(
                {"name": place["daemon"], "error": error, "services": [made] if runs else []}
            )
        for place in service["publishers"]:
            descriptors = [{"which": "first", "signing_key": f"{name} of {place['host']}"}]
            told[place["host"]]["status"]["services"].append(
                {"name": name, "descriptors": descriptors, "instances": instances}
            )
        keys = (holders.get(name, []) + [None] * 6)[:6]
        hsdirs = [
            {"signing_key": key and f"{name} of {key}", "introduction_points": None, "introduction_keys": listed}
            for key in keys
        ]
        published.append({"address": service["address"], "responsible": 6, "held": 6, "newest": 6, "hsdirs": hsdirs})
    for results in (own, told):
        results.update({host: {"unreachable": True} for host in lost})
    probed = [
        {"name": name, "requests": 3, "answered": answers.get(name, 3), "median": 1.0, "errors": {}, "answered_by": {}}
        for name in services
        if answers.get(name, 3) is not None
    ]
    own, told = ({host: result for host, result in results.items() if host not in outside} for results in (own, told))
    return fleet_status(services, own, published, probed, told)


FOUND = found(
    planned(),
    lost=("web3", "app4"),
    stopped=("app7/archiveb2",),
    holders={"newsroom": ["web2/newsroomw1"] * 6, "archive": ["pub1"] * 6},
    drained=("app8",),
)


def shown(source, **options):
    """Service -> its boxes as text, publishers and instances."""
    services = picture_of(source, **options).services
    return {service.name: [told(box) for box in (*service.publishers, *service.instances)] for service in services}


def told(box):
    return f"{box.title}: {' / '.join(box.lines)} [{box.state}{'' if box.flow == box.state else f', {box.flow}'}]"


# --- the plan


def test_a_plan_shows_layouts_hosts_and_workers():
    picture = picture_of(planned())
    assert picture.title == "2 services on 13 hosts, as planned"
    newsroom, archive = picture.services
    assert (newsroom.name, newsroom.layout, newsroom.publishers) == ("newsroom", "hardmap", [])
    assert told(newsroom.address) == "iqjjor3zivdd…t5hzad.onion: port 80 / proof of work [planned]"
    assert [told(box) for box in newsroom.instances] == [f"{host}: replica, 2 workers [planned]" for host in WEB]
    assert [told(box) for box in archive.publishers] == ["pub1: publisher [planned]", "pub2: publisher [planned]"]
    assert [told(box) for box in archive.instances] == ["8 hosts: app1…app8 / each a backend, 2 workers [planned]"]


def test_a_plan_without_keys_or_with_clients():
    clients = [{"name": "a", "public_key": "N2NU7BSRL6YODZCYPN4CREB54TYLKGIE2KYOQWLFYC23ZJVCE5DQ"}]
    service = {
        "name": "newsroom",
        "layout": "hardmap",
        "replicas": ["web1"],
        "ports": [*PORTS, {**PORTS[0], "port": 443}],
    }
    (drawn,) = picture_of(
        planned([{**service, "authorized_clients": clients}], addresses={}, keys_required=False)
    ).services
    assert told(drawn.address) == "no key yet: ports 80, 443 / authorized clients only [planned]"
    assert told(drawn.instances[0]) == "web1: replica [planned]"


def test_absent_services_are_not_drawn():
    services = planned([SIDE_BY_SIDE[0], {**SIDE_BY_SIDE[1], "state": "absent"}])
    assert list(shown(services)) == ["newsroom"]
    assert picture_of({}).title == "0 services on 0 hosts, as planned"


# --- what was found


def test_what_was_found_tells_who_publishes_and_what_is_dead():
    assert picture_of(FOUND).title == "2 services on 13 hosts, as found; DEAD: daemons on 3 hosts"
    assert shown(FOUND) == {
        "newsroom": [
            "web1: replica, 2 workers / standing by [standby]",
            "web2: replica, 2 workers / newsroomw1: PUBLISHES NOW (6 of 6 HSDirs)"
            " / newsroomw2: standing by [publishes]",
            "web3: replica, 2 workers / DEAD: host is not reachable [dead]",
        ],
        "archive": [
            "pub1: publisher / PUBLISHES NOW (6 of 6 HSDirs) [publishes]",
            "pub2: publisher / standing by [standby]",
            "5 hosts: app1…app3, app5, app6 / each a backend, 2 workers / listed [up]",
            "app4: backend, 2 workers / DEAD: host is not reachable [dead]",
            "app7: backend, 2 workers / archiveb1: listed / archiveb2: DEAD: does not run [partly, up]",
            "app8: backend, 2 workers / drained [drained]",
        ],
    }


def test_a_host_that_publishes_and_is_half_dead_keeps_the_line_of_a_publisher():
    status = found(planned(), stopped=("web1/newsroomw2",), holders={"newsroom": ["web1/newsroomw1"] * 6})
    assert shown(status)["newsroom"][0].endswith("newsroomw2: DEAD: does not run [partly, publishes]")
    assert re.search(r"s1a ==> s1i1\[.*:::partly\n", mermaid(picture_of(status)))
    assert re.search(r"s1a -> s1i1 \[penwidth=3", dot(picture_of(status)))


def test_publishers_by_turns():
    status = found(planned(), holders={"archive": ["pub1"] * 2 + ["pub2"] * 4})
    assert shown(status)["archive"][:2] == [
        "pub1: publisher / PUBLISHES NOW (2 of 6 HSDirs) [publishes]",
        "pub2: publisher / PUBLISHES NOW (4 of 6 HSDirs) [publishes]",
    ]


def test_nobody_stands_by_where_nobody_is_known_to_publish():
    (newsroom, archive) = picture_of(found(planned())).services
    assert {box.state for box in (*newsroom.instances, *archive.publishers)} == {"up"}
    assert newsroom.address.lines[-1] == "nobody can tell who published"


@pytest.mark.parametrize(
    ("answered", "counts", "expected"),
    [
        (3, (6, 6), ("up", "answered 3 of 3 requests / descriptor on 6 of 6 HSDirs")),
        (2, (6, 6), ("partly", "answered 2 of 3 requests / descriptor on 6 of 6 HSDirs")),
        (0, (6, 6), ("dead", "DEAD: answered 0 of 3 requests / descriptor on 6 of 6 HSDirs")),
        (3, (3, 6), ("partly", "answered 3 of 3 requests / descriptor on 3 of 6 HSDirs")),
        (None, (6, 6), ("unknown", "not asked / descriptor on 6 of 6 HSDirs")),
        (None, (0, 0), ("unknown", "not asked / no HSDir was asked")),
    ],
)
def test_the_address_tells_whether_it_answers(answered, counts, expected):
    status = found(planned(), holders={"newsroom": ["web1/newsroomw1"] * 6}, answers={"newsroom": answered})
    row = status["services"][0]
    newest, responsible = counts
    row.update(hsdirs={"newest": newest, "responsible": responsible}, published=2 * newest > responsible)
    picture = picture_of(status)
    address = picture.services[0].address
    assert (address.state, " / ".join(address.lines)) == expected
    assert address.flow == address.state
    assert ("DEAD: 1 service" in picture.title) == (expected[0] == "dead")


def test_hosts_outside_of_the_run_are_not_called_dead():
    status = found(planned(), outside=(*WEB, *PUB, "app1"))
    assert "DEAD" not in picture_of(status).title
    assert shown(status)["newsroom"] == [f"{host}: replica, 2 workers / not part of this run [unknown]" for host in WEB]
    assert shown(status)["archive"][2] == "app1: backend, 2 workers / not part of this run [unknown]"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "listed [up]"),
        ({"hsdirs": 0}, "in no descriptor [unlisted]"),
        ({"state": "down"}, "DEAD: publishers do not reach it [dead]"),
        ({"state": "disputed"}, "publishers do not agree on it [partly]"),
        ({"runs": False, "error": "not part of this run"}, "listed [up]"),
        ({"runs": False, "error": "not part of this run", "state": "unknown"}, "not part of this run [unknown]"),
        ({"runs": False, "error": "no  privileges:\n" + "x" * 99}, "DEAD: no privileges:… [dead]"),
    ],
)
def test_backends(fields, expected):
    status = found(planned([{**SIDE_BY_SIDE[1], "backends": APP[:2]}]))
    for backend in status["services"][0]["backends"][:2]:
        backend.update(fields)
    assert shown(status)["archive"][2] == f"app1: backend, 2 workers / {expected}"


def test_a_host_with_a_backend_that_publishers_do_not_agree_on():
    status = found(planned([{**SIDE_BY_SIDE[1], "backends": APP[:2]}]))
    status["services"][0]["backends"][1]["state"] = "disputed"
    assert shown(status)["archive"][2] == (
        "app1: backend, 2 workers / archiveb1: listed / archiveb2: publishers do not agree on it [partly, up]"
    )


def test_many_dead_hosts_are_one_box_that_names_them_all():
    web = [f"web{number}" for number in range(1, 41)]
    status = found(planned([{**SIDE_BY_SIDE[0], "replicas": web}]), lost=[*web[:4], *web[5:20], "web31"])
    (dead, alive) = shown(status)["newsroom"]
    assert dead.startswith("20 hosts: web1…web4, web6…web20, web31 / each a replica, 2 workers / DEAD: ")
    assert alive == "20 hosts: web5, web21…web30, web32…web40 / each a replica, 2 workers / running [up]"


# --- boxes


def hosts_together(names, state="up"):
    (box,) = boxes([Worker("replica", name, "d", state, "") for name in names])
    return list(box.lines[:-1])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a1", "a2", "a3", "a4", "a5"], ["a1…a5"]),
        (["a09.example", "a10.example", "a11.example", "b1", "b2"], ["a09.example…a11.example, b1, b2"]),
        (["a1b1", "a1b2", "a1b3", "a2b4", "a2"], ["a1b1…a1b3, a2b4, a2"]),
        (["oslo", "rome", "bern", "riga", "kyiv"], ["oslo, rome, bern, riga, kyiv"]),
        (["a" * 50, "b-" * 25, "c", "d", "e"], ["a" * 50 + ",", "b-" * 25 + ",", "c, d, e"]),
    ],
)
def test_names_of_many_hosts(names, expected):
    assert hosts_together(names) == expected


def test_names_of_many_healthy_hosts_are_cut_short_and_those_of_dead_ones_never():
    names = [f"host-{chr(97 + number)}.example.org" for number in range(26)]
    healthy = hosts_together(names)
    assert len(healthy) == 3
    assert healthy[-1].endswith(" …")
    assert ", ".join(names) == " ".join(hosts_together(names, "dead"))


@example(["1" * 5000, "2" * 5000, "x", "y", "z"], "dead")
@given(st.lists(st.text(max_size=12), min_size=5, max_size=12, unique=True), st.sampled_from(sorted(STYLES)))
def test_any_names_of_hosts_can_be_put_together(names, state):
    (box,) = boxes([Worker("replica", name, "d", state, "") for name in names])
    assert box.title == f"{len(names)} hosts"


# --- redacted


def test_redacted_pictures_name_services_only():
    for source in (planned(), FOUND):
        for draw in FORMATS.values():
            text = draw(picture_of(source, redact=True))
            assert "newsroom" in text
            for word in (
                "web",
                "pub1",
                "pub2",
                "app1",
                "app4",
                "newsroomw",
                "archiveb",
                *(address[:6] for address in ADDRESSES.values()),
            ):
                assert word not in text, word


def test_redaction_keeps_what_is_where():
    assert shown(planned(), redact=True)["archive"] == [
        "host 4: publisher [planned]",
        "host 5: publisher [planned]",
        "8 hosts: host 6…host 13 / each a backend, 2 workers [planned]",
    ]
    assert [line.split("[")[1] for line in shown(FOUND, redact=True)["newsroom"]] == ["standby]", "publishes]", "dead]"]


# --- the two languages

LABEL = r'"(?:[^"#&<>%{}`\\\n:]|: |#[0-9]+;|<br/>)*"'
LINE = r"(?:-->|==>|-\.->|--x)"
MERMAID_LINES = (
    r"%%\{init: \{\"flowchart\": \{\"wrappingWidth\": [0-9]+\}\}\}%%",
    r"flowchart LR",
    rf" +subgraph (?:legend|s[0-9]+)\[{LABEL}\]",
    r" +direction LR",
    r" +end",
    rf" +s[0-9]+a\(\[{LABEL}\]\):::[a-z]+",
    rf" +s[0-9]+p[0-9]+\[{LABEL}\]:::[a-z]+ {LINE} s[0-9]+a",
    rf" +s[0-9]+a {LINE} s[0-9]+i[0-9]+\[{LABEL}\]:::[a-z]+",
    rf" +l[a-z]+\[{LABEL}\]:::[a-z]+",
    r" +l[a-z]+(?: ~~~ l[a-z]+)+",
    r" +classDef [a-z]+ [a-z0-9:#, -]+",
    r" +class [a-z0-9,]+ group",
)
# HTML-like labels, which are XML, are read by themselves
XML = re.compile(r"(?<=label=)<(?:[^<>]|<[^<>]*>)*>")
OPTION = r'\w+=(?:[\w.]+|"[^"\\]*"|XML)'
DOT_LINES = (
    r"digraph onionfleet \{",
    rf" +(?:graph|node|edge) \[{OPTION}(?:, {OPTION})*\]",
    r" +subgraph cluster_s[0-9]+ \{",
    rf" +{OPTION}(?:; {OPTION})*",
    rf" +s[0-9]+[api][0-9]*(?: -> s[0-9]+[api][0-9]*)? \[(?:{OPTION}(?:, {OPTION})*)?\]",
    r" *\}",
)


def strange(lines, known):
    return [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in known)]


def texts_of_mermaid(source):
    lines = source.rstrip("\n").split("\n")
    assert strange(lines, MERMAID_LINES) == []
    assert len([line for line in lines if line.lstrip().startswith("subgraph")]) == [
        line.strip() for line in lines
    ].count("end")
    labels = [label[1:-1] for line in lines for label in re.findall(LABEL, line)]
    return [html.unescape(text.replace("#", "&#")) for label in labels for text in label.split("<br/>")]


def texts_of_dot(source):
    labels = [xml.etree.ElementTree.fromstring(f"<label>{label[1:-1]}</label>") for label in XML.findall(source)]
    rest = XML.sub("XML", source).rstrip("\n").split("\n")
    assert strange(rest, DOT_LINES) == []
    assert sum(line.endswith("{") for line in rest) == sum(line.strip() == "}" for line in rest)
    texts = [text for label in labels for text in label.itertext()]
    # as Graphviz reads them
    return [
        re.sub(r"\\([GNETHL\\])", lambda found: "\\" if found[1] == "\\" else "name of a node", text) for text in texts
    ]


# what either language could take for its own, often; what cannot be printed is shown as a question mark
MEAN = st.text(st.one_of(st.sampled_from('"#&<>;%{}[]()|`\\:=-~*_ \n'), st.characters()), min_size=1, max_size=12)
NAMES = st.one_of(
    MEAN,
    st.sampled_from(
        [
            "end",
            "style a:b#c;",
            "%%{init: {}}%%",
            "#quot;",
            "&quot;",
            "</b>",
            r"\N",
            r"\\",
            '"]',
            "\ud800",
            "\x00",
            "😀",
        ]
    ),
)


def printed(name):
    return "".join(character if character.isprintable() else "\ufffd" for character in name)


@settings(max_examples=150, deadline=None)
@given(NAMES, NAMES, NAMES, NAMES)
def test_any_name_can_be_drawn(service, host, daemon, error):
    row = {**FOUND["services"][0], "name": service}
    dead = {**row["replicas"][0], "host": host, "daemon": daemon, "runs": False, "error": error}
    row["replicas"] = [dead, {**row["replicas"][2], "host": host, "daemon": "other"}]
    picture = picture_of({"services": [row], "troubles": [], "unpublished": []})
    (box,) = picture.services[0].instances
    wanted = [printed(text) for text in (f"{service} (hardmap)", host, *box.lines)]
    assert any(line.startswith(f"{daemon}: DEAD") for line in box.lines)
    for texts in (texts_of_mermaid(mermaid(picture)), "\n".join(texts_of_dot(dot(picture)))):
        for text in wanted:
            assert text in texts or text.replace(" (hardmap)", "") in texts


@pytest.mark.parametrize("source", [planned(), FOUND, {}, found({})])
def test_pictures_are_of_their_language(source):
    picture = picture_of(source)
    assert picture.title in texts_of_mermaid(mermaid(picture))
    assert picture.title in texts_of_dot(dot(picture))
    assert markdown(picture) == f"```mermaid\n{mermaid(picture)}```\n"


def test_the_legend_explains_what_is_drawn_and_nothing_else():
    for texts in (texts_of_mermaid(mermaid(picture_of(FOUND))), texts_of_dot(dot(picture_of(FOUND)))):
        used = {"publishes", "up", "standby", "drained", "partly", "dead"}
        assert {state for state, style in STYLES.items() if style.legend in texts} == used


@pytest.mark.parametrize("source", [planned(), FOUND, {}])
def test_services_and_hosts_keep_their_order(source):
    # Mermaid and Graphviz put what comes last on top
    text = dot(picture_of(source))
    places = [text.find(f"<b>{name}</b>") for name in ("archive", "newsroom", "web3", "web2", "web1") if name in text]
    assert places == sorted(places)


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
@pytest.mark.parametrize("source", [planned(), FOUND, {}])
def test_graphviz_draws_it(source):
    picture = picture_of(source)
    done = subprocess.run(["dot", "-Tsvg"], input=dot(picture).encode(), capture_output=True, check=True)
    texts = [text.strip() for text in xml.etree.ElementTree.fromstring(done.stdout).itertext()]
    assert done.stderr == b""
    assert picture.title in texts


def test_the_documentation_shows_what_is_drawn():
    assert markdown(picture_of(FOUND)) in (ROOT / "docs/picture.md").read_text(encoding="utf-8")
