# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold after each run, whatever hosts said; each function returns sentences about what does not.

Module Overview:

    leaks       a secret went to a host that the plan does not give it to, or to the terminal
    touched     a file of the controller was read, written or run that nobody asked for
    unnamed     liars whose lie was told, and that the output does not name
    noise       the output has control characters or a traceback, or is far too long
    misled      honest hosts were told something else than without liars
    misreported rows of honest services differ from those without liars
"""

from __future__ import annotations

import base64
import json

from hostile.fleet import ACTING, CANARY, HONEST, OWN

MOST = 300_000  # characters of output
KEY_FILE = 128  # characters of tor's file with a secret key in base64


def _forms(secret):
    """How a secret may look on the wire or on the terminal: as it is, and the raw key where it is tor's file."""
    if len(secret) != KEY_FILE:
        return [secret]
    inner = base64.b64decode(secret)
    # from the middle, so that what surrounds it does not matter; repr as a program would print bytes
    return [secret, secret[43:-4], repr(inner[40:72])[2:-1], inner[40:72].hex()]


def leaks(outcome, *, told=()):
    """:param told: hosts that were sent secrets though the plan does not give them any, which the test expects."""
    given, found = outcome.fleet.given(), []
    for host in outcome.hosts():
        sent = outcome.bytes_to(host)
        for secret, (what, hosts) in given.items():
            if host not in (*hosts, *told) and any(form in sent for form in _forms(secret)):
                found.append(f"{host} was sent {what}")
        if CANARY in sent or base64.b64encode(CANARY.encode()).decode()[:-4] in sent:
            found.append(f"{host} was sent a file of the controller")
    return found + _shown(outcome, given)


def _shown(outcome, given):
    return [
        f"the output shows {what}"
        for secret, (what, _hosts) in given.items()
        if any(form in outcome.output for form in _forms(secret))
    ]


def touched(outcome, *, asked=()):
    """:param asked: files, relative to the fleet's folder, that the run was to write."""
    strange = [path for path in outcome.changed if path not in asked]
    found = [f"{path} was changed" for path in strange]
    return found + (["a command ran on the controller"] if outcome.fleet.pipe.exists() else [])


def unnamed(outcome):
    hosts = sorted({lied.split(" ")[0] for lied in outcome.lied})
    lines = outcome.output.splitlines()
    return [
        f"{host} is not named"
        for host in hosts
        if not any(host in line and "not to be trusted" in line for line in lines)
    ]


def noise(outcome):
    found, output = ACTING.search(outcome.output), outcome.output
    acting = (
        [f"the output has {found[0]!r} after {output[max(0, found.start() - 80) : found.start()]!r}"] if found else []
    )
    traceback = ["the output has a traceback"] if "Traceback" in output or "THE KIT FAILED" in output else []
    return acting + traceback + ([f"the output has {len(output)} characters"] if len(output) > MOST else [])


def misled(outcome, honest, hosts=HONEST):
    """:param honest: orders by host of a run without liars."""
    return [
        f"{host} was told something else than without liars" for host in hosts if ordered(outcome, host) != honest[host]
    ]


def ordered(outcome, host):
    """What a host was told, without what the services of liars have in it."""
    strange = {"decoy", "bait", "watched"}
    notes = []
    for note in outcome.orders(host):
        services = note["arguments"].get("services")
        if isinstance(services, list):
            own = [each for each in services if isinstance(each, dict) and each.get("name") not in strange]
            note = {**note, "arguments": {**note["arguments"], "services": own}}
        notes.append(json.dumps(note, sort_keys=True))
    return sorted(notes)


def misreported(report, honest):
    """:param report: of verify, as JSON; :param honest: that of a run without liars."""
    rows, wanted = ({row["name"]: row for row in each["services"]} for each in (report, honest))
    found = [
        f"the row of {name} differs: {_difference(rows.get(name), wanted[name])}"
        for name in OWN
        if rows.get(name) != wanted[name]
    ]
    drift, expected = (
        sorted((row for row in each.get("drift", []) if row["host"] in HONEST), key=str) for each in (report, honest)
    )
    return found + (["the drift of honest hosts differs"] if drift != expected else [])


def _difference(row, wanted):
    return {key: (row[key], wanted[key]) for key in wanted if row[key] != wanted[key]} if row else "missing"
