# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was uploaded to which directory, and what is to be uploaded now. Pure: times are given.

    Ledger      the uploads of one descriptor (a service has two: of this and of the neighbouring time period)
    Wanted      what ought to be on the directories

Unlike stock Onionbalance, which takes an attempt for a success, each directory's answer counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

LIFETIME = 3600.0  # seconds after which an unchanged descriptor is uploaded again; directories keep it for three hours
MIN_GAP = 10.0  # seconds between two changes of one descriptor
ANSWER_SECONDS = 45.0  # a directory that has not answered by then has not taken it
FIRST_RETRY, LONGEST_RETRY = 5.0, 300.0  # seconds, doubled from one try to the next


@dataclasses.dataclass(frozen=True)
class Wanted:
    content: object  # anything that compares equal where nothing changed
    period: int  # number of the time period
    hsdirs: tuple[str, ...]  # fingerprints of the responsible directories


@dataclasses.dataclass
class Upload:
    state: str  # "pending", "uploaded", "failed"
    since: float


@dataclasses.dataclass
class Task:
    reason: str
    hsdirs: tuple[str, ...]


@dataclasses.dataclass
class Ledger:
    content: object = None
    period: int | None = None
    attempted: float | None = None  # the last upload to all directories
    changed: float | None = None  # the last change of content
    uploads: dict[str, Upload] = dataclasses.field(default_factory=dict)  # by fingerprint
    tries: int = 0  # of failed directories, in a row
    retry_at: float = 0.0
    counter: int = 0  # revision counter
    signing_key: str | None = None  # base64
    lifetime: float = LIFETIME

    def due(self, wanted: Wanted, now: float) -> Task | None:
        """What to upload now, and where to; None: nothing."""
        if not wanted.hsdirs:
            return None
        if self.attempted is None or self.changed is None:
            return Task("first", wanted.hsdirs)
        if self.period != wanted.period:
            return Task("time period", wanted.hsdirs)
        if self.content != wanted.content:
            return Task("changed", wanted.hsdirs) if now - self.changed >= MIN_GAP else None
        if now - self.attempted >= self.lifetime:
            return Task("age", wanted.hsdirs)
        new = tuple(one for one in wanted.hsdirs if one not in self.uploads)
        if new:
            return Task("directories", new)
        failed = tuple(one for one in wanted.hsdirs if self.uploads[one].state == "failed")
        return Task("retry", failed) if failed and now >= self.retry_at else None

    def started(self, task: Task, wanted: Wanted, now: float, counter: int, signing_key: str) -> None:
        if task.reason not in ("directories", "retry"):
            self.attempted = now
        self.tries += task.reason == "retry"
        if self.content != wanted.content or self.changed is None:
            self.changed = now
        if self.period != wanted.period:
            self.uploads, self.tries = {}, 0
        self.content, self.period, self.counter, self.signing_key = wanted.content, wanted.period, counter, signing_key
        self.uploads = {one: upload for one, upload in self.uploads.items() if one in wanted.hsdirs}
        self.uploads.update({one: Upload("pending", now) for one in task.hsdirs})

    def answered(self, hsdir: str, ok: bool, now: float) -> None:
        """The directory's answer; a refusal is tried again, later from time to time."""
        if hsdir not in self.waiting():
            return
        self.uploads[hsdir] = Upload("uploaded" if ok else "failed", now)
        if not ok:
            self.retry_at = now + min(FIRST_RETRY * 2 ** self.tries, LONGEST_RETRY)
        elif not self.waiting() and not self.failed():
            self.tries = 0

    def expire(self, now: float) -> tuple[str, ...]:
        """Directories that did not answer in time, which counts as a failure from now on."""
        late = tuple(
            one
            for one, upload in self.uploads.items()
            if upload.state == "pending" and now - upload.since > ANSWER_SECONDS
        )
        for one in late:
            self.answered(one, False, now)
        return late

    def waiting(self) -> tuple[str, ...]:
        return self._in("pending")

    def failed(self) -> tuple[str, ...]:
        return self._in("failed")

    def uploaded(self) -> tuple[str, ...]:
        return self._in("uploaded")

    def _in(self, state: str) -> tuple[str, ...]:
        return tuple(one for one, upload in self.uploads.items() if upload.state == state)


def answering(ledgers: Sequence[Ledger], hsdir: str) -> Ledger | None:
    """The ledger that a directory's answer is for: tor tells the service and the directory, and not the descriptor."""
    waiting = [one for one in ledgers if hsdir in one.waiting()]
    return min(waiting, key=lambda one: one.uploads[hsdir].since, default=None)


def must_wait(task: Task, other: Ledger) -> bool:
    """Would answers to this upload be mistaken for answers to the service's other descriptor?"""
    return not set(task.hsdirs).isdisjoint(other.waiting())
