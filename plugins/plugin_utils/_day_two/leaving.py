# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How leavers are handed over, and what speaks against their going. All pure.

Module Overview:

    handing   leaving instances and the plan -> what the role handover is told, and who publishes instead of replicas
    faults    services whose other layout is there, that could not switch, or that would lose their protection or their
              last living instance
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._day_two.protection import lowered
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import Data
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.found import Place, Published, shown

KINDS = {"hardmap": ("replicas",), "softmap": ("backends", "publishers")}


def handing(gone: t.Iterable[Place], plan: Data, *, besides: t.Collection[str]) -> Data:
    """What is done before instances of present services are removed.

    :param besides: services without anybody who could stand in.
    :returns: ``instances`` and ``services`` for the role handover, leavers among the latter; ``standby`` (host ->
        daemons), replicas that publishers take over from, and hosts of these ``publishers``.
    """
    rows = [place for place in gone if place.at_work and _present(place.owner, plan) and place.owner not in besides]
    services = {name: dict(service) for name, service in plan["services"].items()}
    standby: t.Dict[str, t.List[str]] = {}
    publishers: t.Dict[str, None] = {}
    for place in rows:
        service = services[t.cast(str, place.owner)]
        row = {"host": place.host, "daemon": place.daemon, "worker": 0, "directory": place.directory}
        service[place.kind] = [*service[place.kind], row]
        if place.kind == "replicas" and service["publishers"]:
            standby.setdefault(place.host, []).append(place.daemon)
            publishers.update(dict.fromkeys(publisher["host"] for publisher in service["publishers"]))
    instances = sorted({f"{place.host}/{place.daemon}" for place in rows})
    return {"instances": instances, "services": services, "standby": standby, "publishers": list(publishers)}


def _present(name: t.Optional[str], plan: Data) -> bool:
    return name is not None and bool(plan["services"][name]["state"] == "present")


def faults(
    services: t.Mapping[str, Data],
    gone: t.Sequence[t.Union[Place, Published]],
    places: t.Sequence[Place],
    seen: t.Mapping[str, Data],
    plan: Data,
    *,
    publishing: t.Collection[str],
) -> Data:
    """What speaks against things.

    :param services: name -> its leavers that may still be at work. :param publishing: hosts whose publisher stays.
    :returns: ``switching``, services of whose other layout something is there, be it only a key; ``lost``, services
        that would lose their last living instance; and sentences against a ``deploy``, a ``switch`` and to ``retire``.
    """
    others = [each for each in gone if _present(each.owner, plan) and each.kind not in KINDS[_layout(each.owner, plan)]]
    at_work = {each.owner for each in others if each.at_work}
    weaker = lowered([each for each in gone if isinstance(each, Place)], places, plan)
    lacking = {name: _lacking(plan["services"][name], seen) for name in services if _present(name, plan)}
    return {
        "switching": [name for name in plan["services"] if name in {each.owner for each in others}],
        "lost": [name for name, kinds in lacking.items() if kinds],
        "faults": {
            "deploy": [
                *(_switch_fault(name, _layout(name, plan), services[name]) for name in services if name in at_work),
                *weaker,
            ],
            "switch": [
                *(_clash_fault(name) for name in sorted({str(each.owner) for each in places if _clashes(each, plan)})),
                *weaker,
            ],
            "retire": [
                *(_last_fault(name, kinds) for name, kinds in lacking.items() if kinds),
                *(
                    _published_fault(each)
                    for each in gone
                    if isinstance(each, Published) and each.at_work and each.host in publishing
                ),
            ],
        },
    }


def _layout(name: t.Optional[str], plan: Data) -> str:
    return str(plan["services"][name]["layout"])


def _clashes(place: Place, plan: Data) -> bool:
    """Whether the plan has another layout of its service in the same daemon."""
    if not _present(place.owner, plan) or place.name is None:
        return False
    planned = plan["services"][place.owner]
    here = any(
        (row["host"], row["daemon"]) == (place.host, place.daemon) for row in planned["replicas"] + planned["backends"]
    )
    return here and place.kind not in KINDS[planned["layout"]]


def _switch_fault(name: str, layout: str, leaving: Data) -> str:
    publishers = [f"the publisher of {host}" for host in leaving["publishers"]]
    places = leaving["replicas"] if layout == "softmap" else [*leaving["backends"], *publishers]
    are = "are" if len(places) > 1 else "is"
    return (
        f"service '{name}': layout: is {layout} now, and {shown(places)} {are} of its other layout still there; "
        "change it by the playbook onionfleet.balance.switch, or turn the layout back"
    )


def _clash_fault(name: str) -> str:
    return (
        f"service '{name}': daemon: has its other layout, too, and both have to run beside each other for a while; "
        "name another daemon, or none"
    )


def _last_fault(name: str, kinds: t.Sequence[str]) -> str:
    return (
        f"service '{name}': none of its planned {' and '.join(kinds)} runs, so that it would lose its last living "
        "instance; deploy first, or say -e retire_last=true"
    )


def _published_fault(row: Published) -> str:
    return (
        f"service '{row.owner}': the publisher of host '{row.host}' still publishes it beside others; "
        "deploy first, or retire these, too"
    )


def _lacking(planned: Data, seen: t.Mapping[str, Data]) -> t.List[str]:
    """Which kinds of what it needs do not run anywhere."""
    living = {
        "replicas": [row for row in planned["replicas"] if _runs(row, seen)],
        "backends": [row for row in planned["backends"] if _runs(row, seen)],
        "publishers": [
            row for row in planned["publishers"] if (seen.get(row["host"], {}).get("publisher") or {}).get("running")
        ],
    }
    return [kind for kind in KINDS[planned["layout"]] if not living[kind]]


def _runs(row: Data, seen: t.Mapping[str, Data]) -> bool:
    daemons = seen.get(row["host"], {}).get("daemons", [])
    return any(daemon["name"] == row["daemon"] and daemon["running"] for daemon in daemons)
