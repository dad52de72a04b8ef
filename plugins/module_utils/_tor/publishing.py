# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a tor daemon publish its services now, or keeps it from that (docs/keeper.md says why it is done this way).

Overview::

  sandboxed         would it end itself when it is set anything?
  publishes         may it upload descriptors?
  stands_by         has it been told to stand by?
  stand_by          upload nothing, and be ready to publish at once
  publish           upload what the operator configured, now
  disarm, allow     the two halves of going back to tor's own behaviour
  directories       of a daemon's services
  introduction_circuits          of a service, those that stand
  armed, configured, is_armed    pure, on its list of services: raw lines in tor's order (GETCONF HiddenServiceOptions)

A daemon is armed with proof of work switched on for services that have it off, and fires by switching it off again:
that changes its descriptors, so tor uploads them. With proof of work on for good tor publishes at any SETCONF, and
nothing but the permission to upload is switched. Such services are named by their directories, in ``pow`` everywhere.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._tor.control import ControlPort

Lines = t.List[t.Tuple[str, t.Optional[str]]]

SWALLOWED_SECONDS = 3.0
_SERVICE, _POW = "hiddenservicedir", "hiddenservicepowdefensesenabled"
UPLOADS = "PublishHidServDescriptors"


def sandboxed(port: ControlPort) -> bool:
    """tor 0.4.9.11 with ``Sandbox 1`` does not survive that its services are set while it runs."""
    return ("Sandbox", "1") in port.getconf("Sandbox")


def publishes(port: ControlPort) -> bool:
    return dict(port.getconf(UPLOADS)).get(UPLOADS) != "0"


def stands_by(port: ControlPort, pow: t.Collection[str]) -> bool:
    lines = port.getconf("HiddenServiceOptions")
    return not publishes(port) and (_all_pow(lines, pow) or is_armed(lines))


def stand_by(port: ControlPort, pow: t.Collection[str]) -> None:
    lines = port.getconf("HiddenServiceOptions")
    port.setconf([(UPLOADS, "0"), *([] if _all_pow(lines, pow) else armed(lines))])


def publish(port: ControlPort, pow: t.Collection[str]) -> None:
    lines = port.getconf("HiddenServiceOptions")
    services: Lines = [] if _all_pow(lines, pow) else configured(lines, pow)
    if services and not is_armed(lines):
        port.setconf([(UPLOADS, "0"), *armed(lines)])
    port.setconf([(UPLOADS, "1"), *services])


def disarm(port: ControlPort, pow: t.Collection[str]) -> bool:
    """Whether the other half is to come, after SWALLOWED_SECONDS. Publishes only where proof of work is on for good."""
    lines = port.getconf("HiddenServiceOptions")
    if not _all_pow(lines, pow) and is_armed(lines):
        port.setconf([(UPLOADS, "0"), *configured(lines, pow)])
    return not publishes(port)


def allow(port: ControlPort) -> None:
    port.setconf([(UPLOADS, "1")])


def directories(lines: t.Iterable[t.Tuple[str, t.Optional[str]]]) -> t.List[str]:
    return [value.rstrip("/") for key, value in lines if key.lower() == _SERVICE and value]


def introduction_circuits(circuits: str, label: str) -> t.List[str]:
    """The paths of a service's introduction circuits that stand.

    :param circuits: GETINFO circuit-status. :param label: the address without ".onion".
    """
    return re.findall(rf"BUILT (\S+) .*HS_STATE=HSSI_ESTABLISHED .*REND_QUERY={label}", circuits)


def configured(lines: t.Iterable[t.Tuple[str, t.Optional[str]]], pow: t.Collection[str] = ()) -> Lines:
    """Without a line that switches proof of work, which is off by default, where it is not on for good."""
    found: Lines = []
    service = ""
    for key, value in lines:
        service = (value or "").rstrip("/") if key.lower() == _SERVICE else service
        if key.lower() != _POW or service in pow:
            found.append((key, value))
    return found


def armed(lines: t.Iterable[t.Tuple[str, t.Optional[str]]]) -> Lines:
    found: Lines = []
    for key, value in configured(lines):
        found.append((key, value))
        if key.lower() == _SERVICE:
            found.append(("HiddenServicePoWDefensesEnabled", "1"))
    return found


def is_armed(lines: t.Sequence[t.Tuple[str, t.Optional[str]]]) -> bool:
    """Is proof of work on for every service?"""
    switched = sum(key.lower() == _POW and value == "1" for key, value in lines)
    return switched > 0 and switched == len(directories(lines))


def _all_pow(lines: t.Iterable[t.Tuple[str, t.Optional[str]]], pow: t.Collection[str]) -> bool:
    return all(directory in pow for directory in directories(lines))
