# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors that nobody of the plan made, as its hosts run now: old ones, or those of somebody else who has the key.

Module Overview:

    strangers        on how many HSDirs of a service is one, for certain
    too_strange      whether that is more than half of them
    strange_trouble  what is wrong then, in words
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.publisher import Own, Publisher, rests, unshown

Data = t.Dict[str, t.Any]


def strangers(
    planned: Data,
    hsdirs: t.Sequence[Data],
    makers: t.Sequence[Own],
    publishers: t.Sequence[t.Optional[Publisher]],
    listable: t.Optional[t.Collection[str]],
) -> int:
    """On how many HSDirs. None while anybody who has the key was not asked, or has made nothing yet.

    Publishers change descriptors as backends take turns, and tell of the newest only: a softmap's older ones are known
    by the introduction points of its backends.

    :param planned: the service in the plan.
    :param makers: host, daemon and descriptor of all that have the key, as _publisher.match takes them.
    :param publishers: what match returned.
    :param listable: what _softmap_status.listable returned.
    """
    if listable is not None:
        return sum(known is None and _foreign(hsdir, listable) for hsdir, known in zip(hsdirs, publishers))
    holders = {(row["host"], row["daemon"]) for row in planned["replicas"]}
    ready = {(host, daemon) for host, daemon, made in makers if made["signing_key"]}
    if not holders or not holders <= ready:
        return 0
    return sum(known is None and _strange(hsdir, makers) for hsdir, known in zip(hsdirs, publishers))


def _strange(hsdir: Data, makers: t.Sequence[Own]) -> bool:
    """Whether its signing key is none of any daemon's; or, where daemons show descriptors of another time period, most
    of its introduction points are none of theirs: one may just be on its way to be replaced.
    """
    others = unshown(hsdir, makers)
    if not hsdir["signing_key"] or not others:
        return bool(hsdir["signing_key"])
    relays = collections.Counter(hsdir["introduction_points"] or [])
    shared = [sum((relays & rest).values()) for rest in rests(others)]
    return bool(relays) and 2 * max(shared) < sum(relays.values())


def _foreign(hsdir: Data, listable: t.Collection[str]) -> bool:
    """Whether most of its introduction points are none of any backend's."""
    keys = hsdir["introduction_keys"] or []
    return bool(hsdir["signing_key"] and keys) and 2 * sum(key in listable for key in keys) < len(keys)


def too_strange(hsdirs: t.Mapping[str, int]) -> bool:
    """Whether a quorum of HSDirs has one.

    :param hsdirs: the counts of a service in a status.
    """
    return 2 * hsdirs["strange"] > hsdirs["responsible"]


def strange_trouble(hsdirs: t.Mapping[str, int]) -> t.Iterator[str]:
    """What is wrong where a quorum has one."""
    if too_strange(hsdirs):
        what = (
            f"{hsdirs['strange']} of {hsdirs['responsible']} responsible HSDirs "
            "hold a descriptor that none of its hosts made"
        )
        yield f"{what} as they run now: an old one, or another host has the key (docs/compromised.md)"
