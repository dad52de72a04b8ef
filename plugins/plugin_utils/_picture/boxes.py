# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boxes of a picture: workers gathered by host, and many hosts that are alike put together.

Module Overview:

    Worker   one daemon of a service, with its state
    Box      one thing to draw, with its words and its state
    boxes    workers -> boxes
    count    a number of things, in words
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
import typing as t

# so many hosts of a service that are alike are drawn one by one; more of them as one box
ONE_BY_ONE = 4
# of workers of one host in several states, the one that tells what comes to the host
PRECEDENCE = ("publishes", "up", "partly", "unlisted", "standby", "drained", "unknown", "planned")
# boxes of these states name all of their hosts
NAMED = frozenset(("dead", "partly", "unknown"))


@dataclasses.dataclass(frozen=True)
class Worker:
    """One daemon of a service on a host, or its publisher there; its state, and that in words."""

    role: str
    host: str
    daemon: str
    state: str
    words: str


@dataclasses.dataclass(frozen=True)
class Box:
    """One thing to draw: a title and lines below it.

    ``state`` gives its colour and ``flow`` the line to it (keys of _drawing.STYLES); they differ where one worker of a
    host is dead and another one publishes.
    """

    title: str
    lines: t.Tuple[str, ...]
    state: str
    flow: str


def count(number: int, noun: str) -> str:
    """A number of things in words, ``1 host`` or ``3 hosts``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def boxes(workers: t.Sequence[Worker]) -> t.List[Box]:
    """A box for each host, or for hosts that are alike where they are many. All workers are of one role."""
    by_host: t.Dict[str, t.List[Worker]] = {}
    for worker in workers:
        by_host.setdefault(worker.host, []).append(worker)
    alike: t.Dict[Box, t.List[str]] = {}
    for host, of_host in by_host.items():
        alike.setdefault(_host_box(of_host), []).append(host)
    return [box for untitled, hosts in alike.items() for box in _titled(untitled, hosts)]


def _host_box(workers: t.Sequence[Worker]) -> Box:
    role = workers[0].role if len(workers) == 1 else f"{workers[0].role}, {len(workers)} workers"
    states = {worker.state for worker in workers}
    flow = next((state for state in PRECEDENCE if state in states), "dead")
    state = "partly" if len(states) > 1 and states & {"dead", "partly"} else flow
    return Box("", (role, *_words(workers)), state, flow)


def _words(workers: t.Sequence[Worker]) -> t.Iterator[str]:
    by_words: t.Dict[str, t.List[str]] = {}
    for worker in workers:
        by_words.setdefault(worker.words, []).append(worker.daemon)
    for words, daemons in by_words.items():
        who = daemons[0] if len(daemons) == 1 else count(len(daemons), "worker")
        if words:
            yield words if len(by_words) == 1 else f"{who}: {words}"


def _titled(box: Box, hosts: t.Sequence[str]) -> t.List[Box]:
    if len(hosts) <= ONE_BY_ONE:
        return [dataclasses.replace(box, title=host) for host in hosts]
    lines = None if box.state in NAMED else 3
    names = textwrap.wrap(
        _abridged(hosts), 40, max_lines=lines, placeholder=" …", break_on_hyphens=False, break_long_words=False
    )
    return [
        dataclasses.replace(
            box, title=count(len(hosts), "host"), lines=(*names, f"each a {box.lines[0]}", *box.lines[1:])
        )
    ]


def _abridged(hosts: t.Sequence[str]) -> str:
    runs: t.List[t.List[str]] = []
    for host in hosts:
        if runs and _follows(runs[-1][-1], host):
            runs[-1].append(host)
        else:
            runs.append([host])
    return ", ".join(f"{run[0]}…{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def _follows(host: str, following: str) -> bool:
    """Whether the names differ in one number only, by one."""
    # what the pattern caught is at odd places
    here, there = re.split("([0-9]{1,9})", host), re.split("([0-9]{1,9})", following)
    changes = [(place % 2, one, other) for place, (one, other) in enumerate(zip(here, there)) if one != other]
    if len(here) != len(there) or len(changes) != 1:
        return False
    ((number, one, other),) = changes
    return number == 1 and int(other) - int(one) == 1
