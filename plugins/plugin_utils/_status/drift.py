# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody changed by hand: where hosts are not as a deployment leaves them.

Module Overview:

    host_drift       what the modules found in check mode on one host -> its differences, each a kind and words
    left_behind      what hosts that the plan does not name have -> their differences, likewise
    with_drift       a status and the differences of all hosts -> the status with both, among its troubles too
    redacted_drift   a redacted status, likewise, without saying what differs

Kinds: ``file``, ``key`` and ``unit`` differ; ``action``: something does not run as the files say; ``fault``: what a
deployment would refuse to touch; ``backend``: a publisher lists one that the plan does not know; ``address``: a backend
has another one than before; ``undeclared``: of ours, and in no declaration.
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.lost import first_line
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.backend_addresses import moved
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import OWN_CLIENTS
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.found import Place, Published, read_there
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.installed import installed_drift

Data = t.Dict[str, t.Any]
Found = t.Iterator[t.Tuple[str, str]]

_KEY_FILES = ("/hs_ed25519_secret_key", "/hs_ed25519_public_key", "/hostname")


def host_drift(
    planned: Data,
    daemons: Data,
    publisher: Data,
    told: Data,
    installed: Data,
    units: t.Mapping[str, str],
    owns: t.Iterable[t.Mapping[str, Data]],
    before: Data,
) -> t.List[Data]:
    """The differences of one host.

    :param planned: the host's slice of the plan.
    :param daemons: the result of tor_instances in check mode.
    :param publisher: that of onionbalance_config in check mode; of no interest where the host publishes nothing.
    :param told: that of onionbalance_info, likewise.
    :param installed: that of ansible.builtin.find for programs and units.
    :param units: the text of each of our units.
    :param owns: host -> the result of onion_descriptor_info for its daemons, of all hosts: as written, and as they are.
    :param before: that of onionbalance_info, from before this run configured the publisher.
    """
    found = [*_changes(daemons), *_actions(daemons), *_undeclared(daemons)]
    if planned["publisher"] is not None:
        found += [*_changes(publisher), *_publisher_action(publisher), *_unknown_backends(planned["publisher"], told)]
        found += [
            ("address", f"publisher: {sentence}") for sentence in moved(planned["publisher"]["services"], owns, before)
        ]
    found += installed_drift(planned, installed, units)
    return [{"kind": kind, "what": what} for kind, what in found]


def left_behind(there: t.Mapping[str, Data], plan: Data) -> t.Dict[str, t.List[Data]]:
    """Differences of hosts that the plan does not name, as those that left their groups; none where nothing of ours is.

    :param there: host -> the result of onion_host_info; one that could not be looked at or is in the plan is left out.
    """
    seen = {host: found for host, found in there.items() if "daemons" in found and host not in plan["hosts"]}
    places, published = read_there(seen, plan)
    everything: t.List[t.Union[Place, Published]] = [*places, *published]
    found: t.Dict[str, t.List[Data]] = {host: [] for host in seen}
    for each in everything:
        what = f"still has {_still(each)}, which the plan has there no more; run retire"
        if each.owner is None:
            what = f"has {_still(each)}, which nobody declares; retire it, or declare it"
        found[each.host].append({"kind": "undeclared", "what": what})
    return found


def _still(each: t.Union[Place, Published]) -> str:
    if isinstance(each, Published):
        return f"a publisher of service '{each.owner or each.name}'"
    name = each.owner or each.name or each.directory
    return f"daemon '{each.daemon}' of service '{name}'" if each.at_work else f"the key of service '{name}'"


def with_drift(status: Data, drift: t.Mapping[str, t.Any], undeclared: bool = True) -> Data:
    """The status with the differences of all hosts in ``drift``; those that are wrong are troubles, too.

    :param drift: host -> its differences, of those that were looked at.
    :param undeclared: whether what nobody declares is wrong.
    """
    rows = [
        {"host": host, **each, "wrong": undeclared or each["kind"] != "undeclared"}
        for host, found in drift.items()
        for each in found
    ]
    return _with(status, list(drift), rows)


def redacted_drift(shown: Data, status: Data, hosts: t.Mapping[str, str]) -> Data:
    """A redacted status with the differences of the true one, but for what they are.

    :param hosts: the numbered names that it has already.
    """
    names = {**hosts}
    for host in status["looked_at"]:
        names.setdefault(host, f"host {len(names) + 1}")
    rows = [
        {**row, "host": names[row["host"]], "what": "is not as the plan says (not shown)"} for row in status["drift"]
    ]
    return _with(shown, [names[host] for host in status["looked_at"]], rows)


def _with(status: Data, looked_at: t.List[str], rows: t.List[Data]) -> Data:
    told = dict.fromkeys(f"host '{row['host']}': {row['what']}" for row in rows if row["wrong"])
    return {**status, "looked_at": looked_at, "drift": rows, "troubles": [*status["troubles"], *told]}


def _changes(result: Data) -> Found:
    """What a module would write, remove or refuse."""
    for fault in result.get("faults") or ([first_line(result)] if "diff" not in result and "msg" in result else []):
        yield "fault", str(fault)
    for part in result.get("diff", []):
        path = part["after_header"]
        kind = "unit" if path.endswith(".service") else "key" if path.endswith(_KEY_FILES) else "file"
        yield kind, f"{path} {_difference(part['before'], part['after'])}; deploy mends it"


def _difference(before: str, after: str) -> str:
    if before == "":
        return "is missing"
    if after == "":
        return "is there, and nothing asks for it"
    if before.startswith("mode "):
        return f"has {before.strip()}, not {after.strip()}"
    return "is disabled, not enabled" if before == "disabled\n" else "has been changed"


def _actions(result: Data) -> Found:
    for due in result.get("actions", []):
        yield "action", f"daemon '{due['name']}': {', '.join(due['reasons'])}; deploy would {due['action']} it"


def _publisher_action(result: Data) -> Found:
    reasons = {
        "start": "does not run",
        "restart": "runs an older program or unit than is on the disk, or gives no proper answer",
        "reload": "has loaded another configuration than is on the disk",
    }
    if result.get("action") in reasons:
        yield "action", f"publisher: {reasons[result['action']]}; deploy would {result['action']} it"


def _undeclared(result: Data) -> Found:
    for orphan in result.get("orphans", []):
        if orphan["daemon"] in OWN_CLIENTS:
            yield (
                "undeclared",
                (
                    f"daemon '{orphan['daemon']}', a Tor client of ours, is there, "
                    "and nothing needs it any more; run retire"
                ),
            )
            continue
        what = f"daemon '{orphan['daemon']}'" + (f" serves '{orphan['service']}'" if orphan["service"] else " is there")
        yield "undeclared", f"{what}, which nobody declares; retire it, or declare it"


def _unknown_backends(planned: Data, told: Data) -> Found:
    known = {service["name"]: {each["name"] for each in service["instances"]} for service in planned["services"]}
    for service in (told.get("status") or {}).get("services", []):
        for instance in service.get("instances", []):
            if instance["name"] not in known.get(service["name"], ()):
                yield (
                    "backend",
                    (
                        f"publisher: service '{service['name']}': knows backend '{instance['name']}', "
                        "which is not in the plan"
                    ),
                )
