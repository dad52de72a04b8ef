# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures out of outages. Pure.

    outage         requests of visitors -> seconds from a fault until one, and until all, were answered again
    waits          how long plain replicas take, by tor's timers
    later_than     the share of waits that are longer
    chart          outages as SVG: a dot for each run
"""

from __future__ import annotations

import html
import random
from collections.abc import Mapping, Sequence

TIMER = (3600.0, 7200.0)  # seconds from one upload of a service to its next (tor 0.4.9, hs_service.c)
WIDTH, LEFT, ROW, TOP = 720, 190, 34, 26  # of the chart


def outage(requests: Sequence[Mapping], fault: float) -> tuple[float | None, float | None]:
    """Seconds after which the first answer was there, and after which every request that began was answered.

    :param requests: with "at" (when it began), "seconds" and "ok". Those of before the fault do not count.
    """
    after = sorted((one for one in requests if one["at"] > fault), key=lambda one: one["at"])
    answered = [one["at"] + one["seconds"] for one in after if one["ok"]]
    last_failed = max((one["at"] for one in after if not one["ok"]), default=fault)
    good = [one["at"] for one in after if one["ok"] and one["at"] > last_failed]
    return min(answered) - fault if answered else None, good[0] - fault if good else None


def waits(replicas: int, samples: int = 20000, seed: int = 4) -> list[float]:
    """Seconds from the death of the replica that published last until another one's timer fires."""
    chance = random.Random(seed)
    return [_wait(replicas, chance) for _index in range(samples)]


def _wait(replicas: int, chance: random.Random) -> float:
    moment, last, following = 20 * TIMER[1], [], []
    for _index in range(replicas):
        at = before = chance.uniform(-TIMER[1], 0)
        while at <= moment:
            before, at = at, at + chance.uniform(*TIMER)
        last.append(before)
        following.append(at)
    dead = last.index(max(last))
    return min(at for number, at in enumerate(following) if number != dead) - moment


def later_than(seconds: float, found: Sequence[float]) -> float:
    return sum(one > seconds for one in found) / len(found)


def chart(rows: Mapping[str, Sequence[float | None]], limit: float, promise: float) -> str:
    """A row of dots for each name; what is longer than `limit`, or has no end (None), is an arrow at the right."""
    height = TOP + ROW * len(rows) + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for tick in range(0, int(limit) + 1, 10):
        colour = "#c33" if tick == promise else "#ddd"
        lines.append(f'<path d="M{_x(tick, limit):.1f} {TOP - 8}V{height - 24}" stroke="{colour}"/>')
        lines.append(f'<text x="{_x(tick, limit):.1f}" y="{height - 8}" text-anchor="middle">{tick} s</text>')
    for place, (name, values) in enumerate(rows.items()):
        y = TOP + ROW * place + ROW / 2
        lines.append(f'<text x="{LEFT - 14}" y="{y + 4:.1f}" text-anchor="end">{html.escape(name)}</text>')
        lines += [_mark(value, y, limit) for value in values]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _x(seconds: float, limit: float) -> float:
    return LEFT + (WIDTH - LEFT - 30) * min(seconds, limit) / limit


def _mark(value: float | None, y: float, limit: float) -> str:
    if value is None or value > limit:
        x = WIDTH - 18
        return f'<path d="M{x - 10} {y - 5}L{x} {y}L{x - 10} {y + 5}" fill="none" stroke="#333"/>'
    return f'<circle cx="{_x(value, limit):.1f}" cy="{y}" r="5" fill="#369" fill-opacity="0.6"/>'
