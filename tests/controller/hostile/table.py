# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lies: which fields of which modules, and what comes in their place. To add one, add a line.

Module Overview:

    FIELDS    playbook -> kind of liar -> module -> paths of what it answers there
    VALUES    what a field says instead; WHOLE: what the whole answer is instead
    lies      liars of each kind, each with one lie, so that every field and every value has its turn
"""

from __future__ import annotations

import itertools
import pathlib
import re

from hostile.fleet import lie
from hostile.host import address

MADE = [
    "name",
    "error",
    "services",
    *(
        f"services[0].{name}"
        for name in (
            "address",
            "directory",
            "revision_counter",
            "blinded_key",
            "signing_key",
            "introduction_points",
            "introduction_keys",
            "introduction_circuits",
            "silent_targets",
        )
    ),
]
INSTANCE = [
    f"status.services[0].instances[0].{name}"
    for name in ("name", "address", "state", "known", "listed", "listed_keys", "since", "failures")
]
DESCRIPTOR = [
    f"status.services[0].descriptors[0].{name}"
    for name in ("signing_key", "revision_counter", "hsdirs", "uploaded", "failed")
]
KEPT = [
    f"status.services[0].replicas[0].{name}"
    for name in ("name", "drained", "holds", "publishes", "armed", "ready", "published", "took_its_turn.why")
]
THERE = [
    "daemons",
    "publisher",
    "keeper",
    "installed",
    "daemons[0].services",
    *(f"daemons[0].{name}" for name in ("name", "managed", "running", "single_hop")),
    *(f"daemons[0].services[0].{name}" for name in ("name", "directory", "address", "frontends", "clients")),
]
WRITTEN = ["actions", "orphans", "kept_keys", "diff"]
TOLD = [
    "configured",
    "status",
    "error",
    "configured[0].name",
    *(f"configured[0].instances[0].{name}" for name in ("name", "address", "drained")),
    "status.services",
    "status.started",
    "status.loaded",
    "status.tor",
    "status.probes",
    "status.services[0].name",
    "status.services[0].address",
    *DESCRIPTOR,
    *INSTANCE,
]
FOUND = ["files", *(f"files[0].{name}" for name in ("path", "isreg", "mode", "uid", "gid", "checksum"))]

FIELDS = {
    "status": {
        "traps": {
            "ping": ["ping"],
            "onion_descriptor_info": ["daemons", *(f"daemons[0].{name}" for name in MADE)],
            "tor_instances": WRITTEN,
        },
        "publishing": {
            "onionbalance_info": TOLD,
            "onionbalance_config": ["action", "kept_keys", "diff"],
            "find": FOUND,
        },
        "keeping": {
            "keeper_info": [
                "stale",
                "error",
                "status",
                "status.time",
                "status.turned",
                "status.services",
                "status.services[0].name",
                "status.services[0].targets",
                "status.services[0].hsdirs_answer",
                *KEPT,
            ],
            "find": FOUND,
        },
    },
    "deploy": {
        "traps": {
            "preflight": [
                *("faults", "hints", "missing_keys", "tor", "clock", "clock.now", "there"),
                *(f"there.{name}" for name in THERE),
            ],
            "command": ["rc", "stdout", "stderr"],
            "tor_instances": WRITTEN,
            "systemd_service": ["changed", "status"],
        }
    },
    "retire": {"traps": {"onion_host_info": THERE, "onion_retire": ["removed"]}},
    "switch": {"traps": {"onion_host_info": THERE, "preflight": ["missing_keys", "clock", "there.daemons[0]"]}},
    "roll": {"traps": {"tor_instances": WRITTEN, "rolling_info": ["outdated", "publisher", "left_out", "reboot"]}},
    "renew": {"publishing": {"onionbalance_info": TOLD}},
}
OUR_NAMES = re.compile(
    r"^((?:onion|verify|preflight|softmap|daemons|keeper|handover|retire|roll|switch|tor|picture|private_tor)_\w+):",
    re.MULTILINE,
)


def variables(collections):
    """Every variable of the roles, and those that playbooks register."""
    roles = pathlib.Path(collections) / "ansible_collections/onionfleet/balance"
    files = [*roles.glob("roles/*/defaults/main.yml"), *roles.glob("roles/*/vars/main.yml")]
    registered = [
        name
        for path in [*roles.glob("roles/*/tasks/*.yml"), *roles.glob("playbooks/**/*.yml")]
        for name in re.findall(r"register: (\w+)", path.read_text())
    ]
    declared = [
        "onion_services",
        "onion_daemon_options",
        "onion_option_secrets",
        "onion_daemons",
        "onion_targets",
        "onion_keys_dir",
        "onion_import",
        "onion_publisher",
        "onion_keeper",
        "onion_drained",
        "onion_probe_hosts",
        "onion_client_credentials",
        "onion_network_options",
        "onion_vault_id",
        "onion_renew",
        "onion_picture_file",
    ]
    return sorted({*declared, *registered, *(name for path in files for name in OUR_NAMES.findall(path.read_text()))})


def values(fleet):
    """Label -> what a field says instead."""
    return {
        "wrong kind": {"a": [{"b": 1}]},
        "null": None,
        "template": f"{{{{ lookup('pipe', 'touch {fleet.pipe}') }}}}",
        "path": str(fleet.canary / "vault-password"),
        "escapes": "a\x1b[2J\x1b]0;t\x07\u202eb\x00",
        "surrogate": "\ud800x",
        "other host": "web1/newsroomw1",
        "other service": "newsroom",
        "other address": address("the attacker"),
        "list of names": ["newsroom", "archive", "../../x", "{{ 1 }}"],
        "huge number": 10**400,
        "not a number": float("nan"),
        "truth": True,
        "20 MB": {"$times": ["x", 20_000_000]},
        "statement": "{% for x in y %}",
        "mappings": [{"name": "newsroom", "address": address("the attacker"), "services": [], "instances": []}],
    }


def whole(fleet, names):
    """Label -> what the whole answer is, or has besides."""
    code = f"{{{{ lookup('pipe', 'touch {fleet.pipe}') }}}}"
    planted = {name: {"services": {}, "hosts": {}, "x": code} for name in names}
    paths = {name: str(fleet.canary / "vault-password") for name in names}
    return {
        "facts": {"add": {"ansible_facts": {**planted, "verify_report_file": str(fleet.canary / "report")}}},
        "paths as facts": {"add": {"ansible_facts": paths}},
        "hosts": {
            "add": {
                "add_host": {"host_name": "web1", "groups": ["web"], "host_vars": {"onion_services": []}},
                "add_group": "web",
            }
        },
        "own keys": {
            "add": {
                "_ansible_verbose_always": True,
                "_ansible_no_log": False,
                "_ansible_delegated_vars": {"ansible_host": code},
                "__ansible_type": "x",
                "_ansible_item_label": "\x1b[2J",
                "exception": f"Trace\x1b[2J{code}",
                "deprecations": [{"msg": code}],
            }
        },
        "skipped": {
            "add": {"skipped": True, "changed": "\x1b[2J", "warnings": ["\x1b[2J", {"a": 1}], "stats": {"data": paths}}
        },
        "unreachable": {"add": {"unreachable": True, "msg": code}},
        "failed": {"add": {"failed": True, "msg": {"a": code}}},
        "in part": {"answer": {"failed": True, "msg": "x", "daemons": [], "configured": [], "files": []}},
        "results": {"add": {"results": [{"ansible_facts": paths}], "ansible_notify": ["x"]}},
        "no JSON": {"raw": "\x1b[2JSegmentation fault"},
        "nothing": {"raw": ""},
        "a list": {"raw": "[1, 2]"},
        "deep": {"raw": '{"a": ' + "[" * 10_000 + "]" * 10_000 + "}"},
        "bare": {"raw": '{"changed": NaN, "rc": 1e999}'},
        "empty": {"answer": {}},
        "type tags": {
            "add": {
                "tag": {
                    "__ansible_type": "_AnsibleTaggedStr",
                    "value": code,
                    "tags": [{"__ansible_type": "TrustedAsTemplate"}],
                },
                "msg": {"__ansible_unsafe": code},
            }
        },
    }


def lies(fleet, playbook, start, names):
    """One lie for each liar, by what the liar has a part in; ``start`` says which of all of them come first."""
    told = []
    for kind, liars in (
        ("traps", [name for name in fleet.liars if name not in (*fleet.publishing, *fleet.keeping)]),
        ("publishing", fleet.publishing),
        ("keeping", fleet.keeping),
    ):
        fields = [(module, path) for module, paths in FIELDS[playbook].get(kind, {}).items() for path in paths]
        modules = list(FIELDS[playbook].get(kind, {}))
        if not fields:
            continue
        # both lists turn at their own pace, so that fields and values meet anew in each round
        ones = [*((label, {"set": value}) for label, value in values(fleet).items()), *whole(fleet, names).items()]
        turns = zip(
            itertools.islice(itertools.cycle(fields), start * len(liars) % len(fields), None),
            itertools.islice(itertools.cycle(ones), start * len(liars) % len(ones), None),
        )
        for number, (liar, ((module, path), (label, what))) in enumerate(zip(liars, turns)):
            if path == "faults" and label == "list of names":
                label, what = "null", {"set": None}  # a host may say that it has a fault, which stops the run
            if "set" in what and not isinstance(what.get("add"), dict):
                told.append(lie(liar, module, f"{path}: {label}", set={path: what["set"]}))
            else:
                asked = modules[number % len(modules)]
                # a preflight that fails stops a deployment, as a host with a fault does
                asked = modules[1] if asked == "preflight" and label in FAILURES else asked
                told.append(lie(liar, asked, label, **what))
    return told


FAILURES = ("no JSON", "nothing", "a list", "deep", "bare", "failed", "in part")
# module -> arguments, and paths of its answer; what playbooks ask one host only, or a few, or after others
PROBED = [
    "targets",
    *(
        f"targets[0].{name}"
        for name in (
            "name",
            "address",
            "port",
            "requests",
            "answered",
            "failed",
            "errors",
            "seconds",
            "median",
            "answered_by",
        )
    ),
]
HELD = [
    "period",
    "period.number",
    "period.length",
    "period.random_value",
    "services",
    *(
        f"services[0].{name}"
        for name in ("address", "responsible", "held", "newest", "revision_counter", "hsdirs", "hsdirs[0].fingerprint")
    ),
    *(
        f"services[0].hsdirs[0].{name}"
        for name in ("replica", "held", "error", "revision_counter", "blinded_key", "signing_key", "age_hours")
    ),
    "services[0].hsdirs[0].introduction_points",
    "services[0].hsdirs[0].introduction_keys",
]
UPLOADED = [f"daemons[0].services[0].{name}" for name in ("address", "tried", "taken", "refused")]


def direct(fleet):
    """Module -> its arguments and fields; ``guarded`` ones are of ansible-core."""
    onion = fleet.world["plan"]["services"]["decoy"]["address"]
    daemons = ["decoyw1"]
    return {
        "onion_probe": ({"targets": [{"name": "decoy", "address": onion, "port": 80, "capture": "(x)"}]}, PROBED),
        "onion_descriptor_info": ({"addresses": [onion]}, HELD),
        "onion_publishing": (
            {"daemons": daemons, "state": "published"},
            ["daemons", *(f"daemons[0].{name}" for name in ("name", "changed", "error", "services")), *UPLOADED],
        ),
        "onion_drain": (
            {"daemons": daemons},
            ["seconds", "daemons", *(f"daemons[0].{x}" for x in ("name", "streams", "error"))],
        ),
        "tor_daemons": (
            {"actions": [{"name": "decoyw1", "action": "start"}]},
            ["done", *(f"done[0].{name}" for name in ("name", "action", "seconds"))],
        ),
        "tor_authority_keys": (
            {"authorities": ["netauth1"]},
            [
                "authorities",
                "authorities.netauth1",
                "authorities.netauth1.v3ident",
                "authorities.netauth1.fingerprint",
                "created",
            ],
        ),
        "onion_key": ({"path": "/var/lib/tor/x"}, ["address", "public_key"]),
        "onion_client_key": (
            {"path": "/root/clients", "address": onion, "clients": [{"name": "anna"}]},
            ["clients", "clients[0].name", "clients[0].public_key", "removed"],
        ),
        "rolling_info": ({"daemons": daemons}, ["outdated", "publisher", "left_out", "reboot"]),
        "onion_retire": ({"daemons": daemons}, ["removed"]),
        "keeper_config": ({"config": {"services": []}, "credentials": {}}, ["changed", "diff", "action"]),
        "program": ({"path": "/usr/local/lib/x", "files": {}}, ["changed", "diff"]),
        "ansible.builtin.slurp": ({"src": "/etc/hostname"}, ["content", "encoding"]),
        "ansible.builtin.apt": ({"name": "tor"}, ["changed", "stdout"]),
        "ansible.builtin.user": ({"name": "x"}, ["changed", "uid"]),
        "ansible.builtin.setup": ({}, ["ansible_facts", "ansible_facts.ansible_default_ipv4"]),
        "ansible.builtin.dpkg_selections": ({"name": "tor", "selection": "hold"}, ["changed", "before"]),
    }


def crossed(fleet, module, fields, names):
    """One lie about a module for each liar: all values, each of another field, and all whole answers."""
    ones = [*((label, {"set": value}) for label, value in values(fleet).items()), *whole(fleet, names).items()]
    short, told = module.rpartition(".")[2], []
    for number, liar in enumerate(fleet.liars):
        label, what = ones[number % len(ones)]
        path = fields[number % len(fields)]
        what = {"set": {path: what["set"]}} if label in values(fleet) else what
        told.append(lie(liar, short, f"{module} {path}: {label}", **what))
    return told
