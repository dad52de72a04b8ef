# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose descriptor an HSDir holds. A descriptor does not say; its signing key and introduction points do.

A daemon shows one of its two descriptors, of two time periods. Of the period of the one that is shown, the signing key
decides. Of the other period nothing but the relays of introduction points is known, which anybody may use, too.

Overview::

  match      the daemon behind each HSDir's descriptor -> list of Publisher or None
  holder     the daemon whose descriptor a quorum of HSDirs holds -> Publisher or None
  unshown    daemons that show a descriptor of another time period
  rests      the introduction circuits of each daemon that its shown descriptor does not use
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Publisher:
    """A tor daemon of the fleet, and by what it was recognised: "signing key" or "introduction points"."""

    host: str
    daemon: str
    by: str


Own = t.Tuple[str, str, t.Mapping[str, t.Any]]


def match(hsdirs: t.Sequence[t.Mapping[str, t.Any]], own: t.Iterable[Own]) -> list[Publisher | None]:
    """The daemon that made each HSDir's descriptor, in their order; None where it holds none, or nobody can tell.

    :param hsdirs: ``services[].hsdirs`` of one service, as onion_descriptor_info returns them.
    :param own: host, daemon and ``daemons[].services[]`` entry of every daemon that has this service.
    """
    daemons = list(own)
    return [_publisher(hsdir, daemons) for hsdir in hsdirs]


def _publisher(hsdir: t.Mapping[str, t.Any], daemons: t.Sequence[Own]) -> Publisher | None:
    for host, daemon, made in daemons:
        if made["signing_key"] and made["signing_key"] == hsdir["signing_key"]:
            return Publisher(host, daemon, "signing key")
    relays = collections.Counter(hsdir["introduction_points"] or [])
    if not relays:
        return None
    daemons = unshown(hsdir, daemons)
    rest = rests(daemons)
    exact = [index for index, circuits in enumerate(rest) if circuits == relays]
    covering = [index for index, circuits in enumerate(rest) if not relays - circuits]
    for found in (exact, covering):
        if len(found) == 1:
            host, daemon, _made = daemons[found[0]]
            return Publisher(host, daemon, "introduction points")
    return None


def unshown(hsdir: t.Mapping[str, t.Any], own: t.Iterable[Own]) -> list[Own]:
    """Those whose signing key tells nothing about an HSDir's descriptor."""
    period = hsdir.get("blinded_key")
    return [each for each in own if not period or each[2].get("blinded_key") != period]


def rests(own: t.Sequence[Own]) -> list[collections.Counter[str]]:
    """A descriptor with another key than the daemon's own is its other one, and has the rest of its circuits."""
    return [
        collections.Counter(made["introduction_circuits"]) - collections.Counter(made["introduction_points"] or [])
        for _host, _daemon, made in own
    ]


def holder(publishers: t.Sequence[Publisher | None]) -> Publisher | None:
    """The daemon whose descriptor more than half of the responsible HSDirs hold, or None.

    :param publishers: what match returned for one service.
    """
    counts = collections.Counter((known.host, known.daemon) for known in publishers if known)
    for known in publishers:
        if known and 2 * counts[known.host, known.daemon] > len(publishers):
            return known
    return None
