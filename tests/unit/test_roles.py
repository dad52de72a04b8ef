# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles say once more in argument_specs.yml what their defaults are; and the status report as people read it."""

from __future__ import annotations

import pathlib
import re

import jinja2
import pytest
import yaml
from ansible.modules import apt
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.status import OUTSIDE, fleet_status

try:
    from ansible.template import trust_as_template
except ImportError:  # before 2.19 every text is one
    trust_as_template = str

ROOT = pathlib.Path(__file__).parents[2]
ROLES = sorted(path.parent.parent.name for path in (ROOT / "roles").glob("*/meta/main.yml"))
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
TYPES = {"bool": bool, "int": int, "float": float, "str": str, "path": str, "list": list, "dict": dict}


def load(role, file):
    path = ROOT / "roles" / role / file
    return yaml.safe_load(path.read_text()) if path.exists() else None


def flat(tasks):
    """Tasks, and those in their blocks."""
    return [
        each for task in tasks for each in (flat(task["block"] + task.get("rescue", [])) if "block" in task else [task])
    ]


def tasks_of(role):
    return flat(load(role, "tasks/main.yml"))


def options(role):
    return load(role, "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_of_the_specification(role):
    specified = {name: option["default"] for name, option in options(role).items() if not option.get("required")}
    assert (load(role, "defaults/main.yml") or {}) == specified


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_of_the_type_that_is_specified(role):
    for name, option in options(role).items():
        default = option.get("default")
        templated = isinstance(default, str) and "{{" in default
        if default is not None and not templated:
            assert isinstance(default, TYPES[option.get("type", "str")]), name
            assert default in option.get("choices", [default]), name


@pytest.mark.parametrize("role", ROLES)
def test_variables_have_the_roles_name(role):
    variables = {*options(role), *(load(role, "vars/main.yml") or {})}
    for task in load(role, "tasks/main.yml") or []:
        included = task.get("ansible.builtin.include_role", {}).get("name", "").rpartition(".")[2]
        variables |= {*task.get("vars", {})} - {*(options(included) if included else [])}
        variables |= {task["register"]} if "register" in task else set()
    assert [name for name in variables if not name.startswith(f"{role}_") and not name.startswith("ansible_")] == []


@pytest.mark.parametrize("role", ROLES)
def test_no_task_loops_over_services(role):
    loops = [task["name"] for task in load(role, "tasks/main.yml") or [] if "services" in str(task.get("loop", ""))]
    assert loops == []


@pytest.mark.parametrize("name", [*ROLES, *(f"onionfleet.balance.{playbook}" for playbook in PLAYBOOKS)])
def test_readme_names_every_role_and_playbook(name):
    assert name in (ROOT / "README.md").read_text()


def test_tasks_of_the_controller_are_the_controllers():
    """A localhost in the inventory has the settings of all hosts."""
    plays = [play for path in (ROOT / "playbooks").rglob("*.yml") for play in yaml.safe_load(path.read_text())]
    tasks = [
        task for path in (ROOT / "roles").glob("*/tasks/*.yml") for task in flat(yaml.safe_load(path.read_text()) or [])
    ]
    tasks += [task for play in plays for task in flat(play.get("tasks", []))]
    own = [task for task in tasks if task.get("delegate_to") == "localhost"]
    wanted = {
        "ansible_become": False,
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    assert len(own) == 6
    assert [task["name"] for task in own if not wanted.items() <= task["vars"].items()] == []


def test_a_lost_host_that_does_not_matter_ends_no_play():
    """With run_once or any_errors_fatal, ignore_unreachable alone does not keep it from that."""
    plays = [play for path in (ROOT / "playbooks").glob("*.yml") for play in yaml.safe_load(path.read_text())]
    tasks = [task for path in (ROOT / "roles").glob("*/tasks/*.yml") for task in yaml.safe_load(path.read_text()) or []]
    spared = [
        task
        for task in [*tasks, *(task for play in plays for task in play.get("tasks", []))]
        if "ignore_unreachable" in task
    ]
    assert len(spared) > 5
    assert [task["name"] for task in spared if not task.get("ignore_errors")] == []


@pytest.mark.parametrize("name", ["verify", "status"])
def test_a_lost_host_ends_no_report(name):
    plays = [play for play in yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text()) if "hosts" in play]
    assert [play["any_errors_fatal"] for play in plays] == [False] * len(plays)


@pytest.mark.parametrize("role", ROLES)
def test_no_variable_holds_whole_hostvars(role):
    """ansible-core 2.18 makes text of each and reads it again, for each host: quadratic in hosts."""
    for path in (ROOT / "roles" / role).glob("*/*.yml"):
        text = " ".join(path.read_text().split())
        assert re.findall(r"extract', hostvars\)(?: \| select[^|]*)?(?: \| list)? }}", text) == []


def test_every_play_names_its_strategy():
    """That of ansible.cfg may be one with which no host waits for others."""
    plays = [
        play
        for path in (ROOT / "playbooks").rglob("*.yml")
        for play in yaml.safe_load(path.read_text())
        if "hosts" in play
    ]
    assert len(plays) > 15
    assert [play["name"] for play in plays if play.get("strategy") != "linear"] == []


def strings(found):
    """All strings of a YAML document."""
    for value in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from strings(value)
    if isinstance(found, str):
        yield found


@pytest.mark.parametrize(
    "path", sorted([*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").rglob("*.yml")]), ids=lambda path: path.name
)
def test_lines_are_joined_by_newlines(path):
    """In a block of YAML, Ansible leaves a backslash in an expression as is. A program may be told so, nobody else."""
    escaped = [text for text in strings(yaml.safe_load(path.read_text())) if re.search(r"join\('[^']*\\n", text)]
    assert escaped == []


@pytest.mark.parametrize(
    "path",
    sorted([*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]),
    ids=lambda path: path.name,
)
def test_what_is_told_is_shown_by_whatever_ansible_is_configured_to_show(path):
    """An operator may hide what is ok (display_ok_hosts), and with it what debug says."""
    assert "ansible.builtin.debug" not in path.read_text()


# --- roles/verify/templates/status.txt.j2


def status(*names, lost=False, credentials=()):
    replicas = [
        {"host": "web1", "daemon": "newsroomw1", "worker": 1},
        {"host": "web2", "daemon": "newsroomw1", "worker": 1},
    ]
    circuits = {
        "revision_counter": 1,
        "introduction_points": [],
        "introduction_circuits": ["1", "2", "3"],
        "silent_targets": [],
    }
    own = {
        host: {
            "daemons": [
                {
                    "name": "newsroomw1",
                    "error": None,
                    "services": [
                        {"address": f"{name}.onion", "signing_key": f"{host} {name}", **circuits} for name in names
                    ],
                }
            ]
        }
        for host in ("web1", "web2")
    }
    if lost:
        own["web2"] = {"unreachable": True}
    services = {
        name: {
            "layout": "hardmap",
            "state": "present",
            "address": f"{name}.onion",
            "restricted": name == "locked",
            "replicas": replicas,
            "backends": [],
            "publishers": [],
        }
        for name in names
    }
    hsdir = {"held": True, "introduction_points": None}
    published = [
        {
            "address": f"{name}.onion",
            "responsible": 6,
            "held": 6,
            "newest": 6,
            "hsdirs": [{**hsdir, "signing_key": "somebody" if name == "archive" else f"web1 {name}"}] * 6,
        }
        for name in names
    ]
    answer = {"requests": 3, "answered": 3, "median": 1.25, "errors": {}, "answered_by": {"web2": 1, "web1": 2}}
    probed = [{"name": name, **answer} for name in names if name != "locked"]
    return fleet_status(services, own, published, probed, credentials=credentials)


def report(shown):
    # as ansible.builtin.template sets Jinja up
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "roles/verify/templates"),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("status.txt.j2").render(
        verify_shown={"looked_at": [], "drift": [], **shown}, verify_advice="Run publish."
    )


def test_report_of_no_service():
    assert report(status()).split() == ["All", "services", "answer."]


def test_report_of_a_service_that_nobody_could_ask():
    found = status("locked", credentials=["locked.onion"])
    assert "not asked: no tor client could" in report(found)
    assert "All services" not in report(found)


def test_what_was_not_asked_is_not_said_to_answer():
    assert "All services that were asked answer. Not asked: locked." in report(status("newsroom", "locked"))
    assert "All services answer." in report(status("newsroom"))


def test_report_of_three_services():
    text = report(status("newsroom", "archive", "locked"))
    blocks = text.split("\n\n")
    assert [block.split()[0] for block in blocks] == ["newsroom", "archive", "locked", "All"]
    assert blocks[0].strip("\n").splitlines() == [
        "newsroom  hardmap  newsroom.onion",
        "  answers      3 of 3 requests through Tor, median 1.2 s",
        "  answered by  web1 (2), web2 (1)",
        "  descriptor   the newest is on 6 of 6 responsible HSDirs",
        "  published    by web1 newsroomw1",
        "  host                 daemon                   runs     introductions HSDirs with its descriptor",
        "  web1                 newsroomw1               yes      3             6",
        "  web2                 newsroomw1               yes      3             0",
    ]
    assert "by whom nobody can tell" in blocks[1]
    assert "not asked: restricted to authorized clients" in blocks[2]


def test_report_of_troubles():
    text = report(status("newsroom", lost=True))
    assert "web2                 newsroomw1               NO       0             host is not reachable" in text
    assert text.rstrip().splitlines()[-2:] == [
        "Troubles:",
        "  - service 'newsroom': daemon 'newsroomw1' of host 'web2': host is not reachable",
    ]
    assert "All services answer" not in text


def test_report_of_what_hsdirs_lack():
    assert (
        report({**status("newsroom", lost=True), "unpublished": ["newsroom"]}).rstrip().splitlines()[-1]
        == "  Run publish."
    )


def test_report_of_a_softmap():
    found = status("archive")
    publisher = {"host": "pub1", "runs": True, "error": "", "hsdirs": 6}
    backend = {"host": "app1", "daemon": "archiveb1", "worker": 1, "address": "b.onion", "runs": True, "error": ""}
    found["services"][0].update(
        layout="softmap",
        holder={"host": "pub1", "daemon": "onionpublisher", "by": "signing key"},
        replicas=[],
        publishers=[publisher, {**publisher, "host": "pub2", "runs": False, "error": "host is not reachable"}],
        backends=[
            {**backend, "introduction_circuits": 6, "state": "up", "hsdirs": 6},
            {
                **backend,
                "host": "app2",
                "introduction_circuits": 0,
                "state": "down",
                "hsdirs": 0,
                "runs": False,
                "error": "gone",
            },
        ],
    )
    assert report(found).split("\n\n")[0].splitlines()[-7:] == [
        "  published    by pub1 onionpublisher",
        "  host                 publisher                runs     HSDirs with its descriptor",
        "  pub1                 onionpublisher           yes      6",
        "  pub2                 onionpublisher           NO       host is not reachable",
        "  host                 backend                  runs     introductions state     HSDirs that list it",
        "  app1                 archiveb1                yes      6             up        6",
        "  app2                 archiveb1                NO       0             down      0, gone",
    ]
    publishers = [{**publisher, "hsdirs": 3}, {**publisher, "host": "pub2", "hsdirs": 3}]
    found["services"][0].update(holder=None, publishers=publishers)
    assert "  published    by several, each on some of the HSDirs: pub1, pub2" in report(found).splitlines()


def test_report_of_a_limited_run_that_could_not_ask():
    found = status("newsroom")
    found["services"][0].update(answer=None)
    found["services"][0]["replicas"][1].update(runs=False, error=OUTSIDE)
    text = report(found)
    assert "not asked: no tor client could" in text
    found["services"][0]["holder"] = None
    assert "  published    by none of the hosts of this run; not asked: web2" in report(found).splitlines()
    assert "web2                 newsroomw1               ?        3             not part of this run" in text


def test_report_of_what_differs():
    undeclared = {"host": "web1", "kind": "undeclared", "what": "daemon 'ghost' is there", "wrong": False}
    assert (
        report({**status(), "looked_at": ["web1"]}).rstrip().splitlines()[-1]
        == "Every host that was looked at is as the plan says (1)."
    )
    text = report({**status(), "looked_at": ["web1"], "drift": [undeclared]})
    assert text.rstrip().splitlines()[-2:] == ["Not declared:", "  - host 'web1': daemon 'ghost' is there"]
    assert "as the plan says" not in text


NO_PYTHON_APT = " must be installed to use check mode. "


@pytest.mark.parametrize(
    ("role", "name", "message", "failed"),
    [
        ("tor", "Install tor", "No package matching '", False),
        ("tor", "Install tor", NO_PYTHON_APT, False),
        ("tor", "Install tor", "Failed to lock apt for exclusive operation", True),
        ("roll", "Upgrade tor", NO_PYTHON_APT, False),
        ("roll", "Upgrade tor", "Failed to lock apt for exclusive operation", True),
    ],
)
def test_a_check_run_goes_on_where_packages_cannot_be_looked_up(role, name, message, failed):
    (task,) = [task for task in tasks_of(role) if task["name"] == name]
    for check in (True, False):
        variables = {task["register"]: {"failed": True, "msg": message}, "ansible_check_mode": check}
        templar = Templar(DataLoader(), variables=variables)
        condition = trust_as_template("{{ " + task["failed_when"] + " }}")
        assert templar.template(condition) is (failed or not check)
    # as this version of ansible-core words it
    assert failed or message in pathlib.Path(apt.__file__).read_text()


def test_nothing_is_installed_on_the_host_of_a_check_run():
    """The module apt installs python3-apt, unless it knows of the check run."""
    tasks = [
        task for path in (ROOT / "roles").glob("*/tasks/*.yml") for task in flat(yaml.safe_load(path.read_text()) or [])
    ]
    found = [
        task for task in tasks if task.get("onionfleet.balance.guarded", {}).get("module") == "ansible.builtin.apt"
    ]
    assert sorted(task["name"] for task in found) == ["Install tor", "Upgrade tor"]
    assert [task["name"] for task in found if "check_mode" in task] == []


@pytest.mark.parametrize(
    ("host", "folders"),
    [
        ({}, []),
        ({"publisher": {"services": []}}, ["/usr/local/lib/onionfleet/publisher"]),
        ({"keeper": {"services": []}}, ["/usr/local/lib/onionfleet/keeper", "/etc/onionfleet/keeper"]),
    ],
)
def test_folders_that_a_host_need_not_have_are_not_looked_into(host, folders):
    """The module find warns of one that is not there."""
    (task,) = [task for task in load("verify", "tasks/drift.yml") if task["name"] == "Read our programs and units"]
    templar = Templar(DataLoader(), variables={"verify_slice": {"publisher": None, "keeper": None, **host}})
    paths = trust_as_template(task["onionfleet.balance.guarded"]["options"]["paths"])
    assert templar.template(paths) == ["/etc/systemd/system", *folders]


# --- what is due, as roles/daemons and roles/roll tell it


def due(role, **variables):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "roles" / role / "templates"),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("due.txt.j2").render(**variables).split("\n")


def test_what_daemons_need_is_told_once_for_all_hosts():
    actions = [{"name": "shopw1", "action": "reload", "reasons": ["HiddenServicePort differs", "SafeLogging differs"]}]
    hostvars = {
        "web1": {
            "daemons_written": {
                "actions": actions,
                "orphans": [{"daemon": "small", "service": "old"}, {"daemon": "ghost", "service": None}],
            }
        },
        "web2": {"daemons_written": {"actions": [], "orphans": []}},
        "web3": {},
    }
    assert due("daemons", ansible_play_batch=[*hostvars], hostvars=hostvars) == [
        "web1: reload shopw1 (HiddenServicePort differs, SafeLogging differs)",
        "web1: small serves old: nobody declares it; it goes on until somebody retires it",
        "web1: ghost: nobody declares it; it goes on until somebody retires it",
        "",
    ]


def test_what_is_due_on_hosts_is_told():
    def of(*daemons, **more):
        return {"daemons": [*daemons], "publisher": False, "upgrade": False, "reboot": False, **more}

    looked = {
        "actions": [
            {"name": "aw1", "reasons": ["Sandbox differs: needs a restart"]},
            {"name": "other", "reasons": ["x"]},
        ]
    }
    hosts = {"web1": of("aw1", publisher=True), "web2": of("aw1", "bw1", reboot=True, upgrade=True)}
    told = due("roll", roll_hosts=hosts, roll_looked=looked, hostvars={"web1": {"roll_looked": looked}, "web2": {}})
    assert told[:3] == [
        "web1: restart the publisher; restart aw1",
        "web1: aw1: Sandbox differs: needs a restart",
        "web2: upgrade tor; reboot",
    ]
    assert due("roll", roll_hosts={}, roll_looked=looked, hostvars={}) == ["Nothing is due.", ""]
    assert "".join(due("roll", roll_hosts={}, hostvars={})) == ""


def test_restarts_stop_at_a_lost_host():
    (restart,) = [task for task in load("daemons", "tasks/main.yml") if "loop" in task]
    assert restart["loop_control"]["break_when"] == "daemons_restarted is failed or daemons_restarted is unreachable"


# --- what a task waits for


def tasks_in(found):
    """All tasks of a YAML document, those of blocks included, as (task, its text … _waits_for or None)."""
    for task in found or []:
        yield from tasks_in(task.get("block") or task.get("tasks"))
        texts = [text for name, text in (task.get("vars") or {}).items() if name.endswith("_waits_for")]
        yield task, texts[0] if texts else None


TASKS = [
    found
    for path in sorted([*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")])
    for found in tasks_in(yaml.safe_load(path.read_text()))
]


def test_whoever_waits_says_for_what():
    waiting = [
        found
        for found in TASKS
        if "until" in found[0]
        or any(
            "timeout" in (found[0].get(f"onionfleet.balance.{module}") or {})
            for module in ("onion_drain", "onion_publishing", "tor_daemons")
        )
    ]
    waiting += [found for found in TASKS if "reboot_timeout" in str(found[0].get("onionfleet.balance.guarded"))]
    assert len(waiting) > 15
    assert [task["name"] for task, text in waiting if text is None] == []


def circuits(*found):
    return [{"directory": "archive", "introduction_circuits": [*found]}]


MADE = [
    {"name": "aw1", "error": None, "services": circuits()},
    {"name": "bw1", "error": "no tor", "services": circuits("A")},
]
SEEN = [{"name": "web1/ab1", "state": "up", "known": True}, {"name": "web2/ab1", "state": "unknown", "known": False}]
TOLD = {"services": [{"name": "archive", "descriptors": [{"uploaded": 8}, {"uploaded": 0}], "instances": SEEN}]}
HELD = {
    "unpublished": ["archive"],
    "services": [
        {"name": name, "hsdirs": {"newest": 2, "responsible": 8, "strange": 0}} for name in ("archive", "news")
    ],
}
LISTED = {"handover_instances": ["web2/ab1"], "handover_unseen": SEEN[1:]}


@pytest.mark.parametrize(
    ("task", "variables", "lines"),
    [
        (
            "Ask all instances of these services what they made",
            {"handover_own": {"daemons": MADE}},
            ["introduction points of aw1 for archive"],
        ),
        ("Ask all instances of these services what they made", {"handover_own": {"failed": True}}, []),
        (
            "Wait until HSDirs lead nobody to them",
            {"handover_held": {"any": ["archive: a", "news: b"]}},
            ["archive: a", "news: b"],
        ),
        (
            "Wait until publishers see them",
            {"handover_listed": {"status": TOLD, "error": ""}, **LISTED},
            ["archive: web2/ab1 is unknown"],
        ),
        (
            "Wait until publishers see them",
            {"handover_listed": {"status": None, "error": "nobody answers"}, **LISTED},
            ["nobody answers"],
        ),
        ("Wait until the declared layout serves", {"switch_made": {"daemons": MADE}}, ["introduction points of aw1"]),
        (
            "Wait until its publisher has published",
            {"roll_told": {"status": TOLD, "error": ""}},
            ["archive: HSDirs have not taken what its publisher made"],
        ),
        ("Wait until its publisher has published", {"roll_told": {"failed": True, "msg": "no Python"}}, ["no Python"]),
        (
            "Ask each publisher what it made",
            {"verify_told": {"status": TOLD}},
            ["archive: its publisher has not asked web2/ab1 yet"],
        ),
        (
            "Ask each responsible HSDir what it holds",
            {"verify_status": HELD},
            ["archive: 2 of 8 HSDirs hold its newest descriptor, 0 an unknown one"],
        ),
        (
            "Ask each keeper what it sees and does",
            {"verify_kept": {"status": {"services": [{"name": "news", "hsdirs_answer": False}]}}},
            ["news: HSDirs do not answer its keeper"],
        ),
        (
            "Read the addresses that the backends' tors made",
            {"softmap_backend_found": {"daemons": MADE}},
            ["the address of bw1 (no tor)"],
        ),
        (
            "Wait for a consensus that lists every relay",
            {"private_tor_network_relays": 7, "private_tor_network_consensus": {"stdout": "3"}},
            ["7 relays in the consensus, which lists 3"],
        ),
        ("Have daemons serve again", {"roll_acting": ["aw1", "bw1"]}, ["aw1 to serve again", "bw1 to serve again"]),
        ("Let their visitors finish", {"handover_host": {"value": ["aw1", "bw1"]}}, ["visitors of aw1 bw1 to finish"]),
    ],
)
def test_what_is_missing(task, variables, lines):
    (text,) = [text for found, text in TASKS if found.get("name") == task and text]
    told = Templar(DataLoader(), variables=variables).template(trust_as_template(text))
    assert [line.strip() for line in (told or "").splitlines() if line.strip()] == lines


def test_groups_that_playbooks_make_have_names_that_no_inventory_has():
    files = [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]
    made = [found for path in files for found in re.findall(r"group_by:\s+key: (\S+)|groups: (\S+)", path.read_text())]
    assert made and all("".join(names).startswith("onionfleet_balance_") for names in made)
