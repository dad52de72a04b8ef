# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a replica does. Pure: no clock, no input, no output, no chance.

    decide(rules, state, view)      the new state and one action

Two things are enough to go by: what the HSDirs hold (its revision counter changes when anybody publishes),
and whether the service answers. Nobody needs to know who the others are. Before a replica publishes it
looks whether somebody just did.
"""

from __future__ import annotations

import dataclasses

from onionfleet_keeper import turns
from onionfleet_keeper.model import AGAIN, TOOK_OVER, TURN, WAIT, Action, Look, Probe, Rules, State, View

HOUR = 3600.0
FAILURES = 2  # failed probes in a row that are enough to take over
SETTLE = 2.0  # seconds until a new descriptor is judged
LOOK_EVERY, LOOK_OFTEN, LOOK_LOST = (
    60.0,
    20.0,
    5.0,
)  # seconds between readings: where nothing happens; where probes fail; where no HSDir answers
LOOK_FRESH = 20.0  # seconds that a reading is fresh enough to publish by
FIRST_LOOK = 20.0  # seconds that a first reading may take before an unknown holder becomes a standby
CONFIRM = 30.0  # seconds in which the HSDirs are read again and again for what we published
UPLOADING = 10.0  # seconds: an HSDir may have a new descriptor while another one is still read with the old
LOST = 45.0  # seconds without any answer through Tor after which a holder steps down
RECOVERY = 120.0  # seconds: TCP tries again after as long as it was cut off, and after this at the latest
STALE = 130 * 60.0  # seconds: older than a holder's tor lets a descriptor become (120 minutes)
RESERVE = 2  # publications of the bound that turns leave to take-overs


def decide(rules: Rules, state: State, view: View) -> tuple[State, Action]:
    """One moment. The caller carries out the action, shows what came of it in a later view, and keeps the state."""
    state = _learn(rules, state, view)
    if view.publishes is None:
        return state, _look(state, view) or WAIT
    action = _stand_by(rules, state, view) or _publish(rules, state, view) or _look(state, view) or WAIT
    if action.kind == "stand_by":
        state = dataclasses.replace(state, holds=False)
    elif action.kind == "publish":
        number = turns.slot(rules, view.wall)
        state = dataclasses.replace(
            state,
            holds=True,
            changed=view.now,
            slot=number,
            held=number,
            failures=0,
            failing=None,
            published=(*state.published, view.now),
            futile=state.futile + 1,
        )
    return state, action


# --- what the view tells ---


def _learn(rules: Rules, state: State, view: View) -> State:
    if state.began is None:
        state = dataclasses.replace(state, began=view.now, well=view.now, slot=turns.slot(rules, view.wall))
    away = None if view.publishes is not None else state.away if state.away is not None else view.now
    if away != state.away:
        state = dataclasses.replace(state, away=away, back=view.now if away is None else state.back)
    if (
        view.look
        and not view.look.answered
        and state.silent is None
        and view.look.began > max(state.answered or 0.0, state.looked or 0.0)
    ):
        state = dataclasses.replace(state, silent=state.well, trusted=None)
    if view.look and view.look.answered and view.look.began != state.looked:
        state = _learn_look(rules, _returned(state, view.now), view, view.look)
    if view.probe and view.probe.began != state.probed:
        state = _learn_probe(state, view.probe, view.now)
    number = turns.slot(rules, view.wall)
    if state.slot is not None and state.slot > number:  # the clock was set back
        state = dataclasses.replace(state, slot=number, held=None)
    if state.holds and _lost(state, view.now):
        state = dataclasses.replace(state, holds=False)
    if state.published and view.now - state.published[0] >= HOUR:
        state = dataclasses.replace(state, published=tuple(at for at in state.published if view.now - at < HOUR))
    return state


def _returned(state: State, now: float) -> State:
    """An HSDir answers again. That does not mean that all connections of before do: neither probes nor our replica's
    own circuits tell anything until one of them has, or TCP has tried all of them again.
    """
    if state.silent is None:
        return state
    return dataclasses.replace(
        state, silent=None, trusted=now + min(now - state.silent, RECOVERY), failures=0, failing=None
    )


def _trusts(state: State, now: float) -> bool:
    """Does our own Tor work?"""
    return state.silent is None and (state.trusted is None or now >= state.trusted)


def _learn_look(rules: Rules, state: State, view: View, look: Look) -> State:
    first = state.looked is None
    uploaded = _uploaded(state, view)
    same = first or look.period != state.period or look.revision == state.revision
    state = dataclasses.replace(state, well=view.now, looked=look.began, period=look.period, revision=look.revision)
    if first and state.holds is None:
        return dataclasses.replace(state, holds=bool(look.own))
    if look.answered and look.revision is None and state.failing is None:  # the HSDirs have lost it
        state = dataclasses.replace(state, failing=view.now)
    if look.revision is None:
        return state
    if same:
        return state if first or look.own is None else dataclasses.replace(state, holds=_told(state, view, look))
    own = uploaded if look.own is None else look.own
    number = turns.slot(rules, view.wall)
    if own:
        state = dataclasses.replace(state, credited=view.uploaded)
    if own and state.holds:  # as we ordered, or its tor by itself
        changed = max(at for at in (state.changed, view.uploaded, state.began) if at is not None)
        return dataclasses.replace(state, changed=changed, slot=number, held=number)
    # whoever published may have died since: what was asked after the reading began counts against it
    return dataclasses.replace(
        state, holds=own, changed=look.began, slot=number, held=number if own else state.held, failures=0, failing=None
    )


def _told(state: State, view: View, look: Look) -> bool:
    """Its tor says late whether the descriptor is its own; what was ordered a moment ago may still be on its way."""
    if look.own:
        return view.targets and not view.drained
    return bool(state.holds and state.published) and look.began - state.published[-1] < CONFIRM


def _uploaded(state: State, view: View) -> bool:
    """Has this replica published since the last reading? What was seen of one publication is not taken for the next."""
    if view.uploaded is None or state.looked is None or view.uploaded < state.looked - UPLOADING:
        return False
    return state.credited is None or view.uploaded > state.credited + UPLOADING


def _learn_probe(state: State, probe: Probe, now: float) -> State:
    if probe.answered:
        if state.holds and state.away is not None and probe.began > state.away:  # by somebody else: its own tor is gone
            state = dataclasses.replace(state, holds=False)
        answered = max(probe.began, state.answered or probe.began)
        return dataclasses.replace(
            state,
            probed=probe.began,
            answered=answered,
            well=now,
            silent=None,
            trusted=None,
            failures=0,
            failing=None,
            futile=0,
        )
    asked_before = max(at for at in (state.answered, state.changed and state.changed + SETTLE, 0.0) if at is not None)
    # of the descriptor before this one, or slower than a later probe, or of circuits that may be dead
    if probe.began <= asked_before or not _trusts(state, now):
        return dataclasses.replace(state, probed=probe.began)
    failures = state.failures + 1
    failing = state.failing if state.failing is not None else now if failures >= FAILURES else None
    return dataclasses.replace(state, probed=probe.began, failures=failures, failing=failing)


def _lost(state: State, now: float) -> bool:
    return state.well is not None and now - state.well > LOST


# --- what to do ---


def _stand_by(rules: Rules, state: State, view: View) -> Action | None:
    why = ""
    if view.drained:
        why = "drained"
    elif not view.targets:
        why = "its targets do not answer"
    elif not rules.stands_by:
        return None
    elif _helpless(rules, state, view.now):
        return (
            Action("release", "it may order no more, and nobody answers: left to tor's own timers")
            if view.publishes is False
            else None
        )
    elif state.holds is False:
        why = "our own Tor does not answer" if _lost(state, view.now) else "it does not hold"
    elif state.holds is None and view.now - (state.began or view.now) > FIRST_LOOK:
        why = "nobody knows who holds"
    return Action("stand_by", why) if why and (view.publishes or not view.armed) else None


def _helpless(rules: Rules, state: State, now: float) -> bool:
    """Where it may not help any more, a replica must be no worse than one without a keeper."""
    return state.failing is not None and not _may_take_over(rules, state, now)


@dataclasses.dataclass(frozen=True)
class _Wish:
    done: str
    why: str
    due: float  # since when, monotonic


def _publish(rules: Rules, state: State, view: View) -> Action | None:
    if not (view.ready and view.targets) or view.drained or state.looked is None or not _trusts(state, view.now):
        return None
    wish = _take_over(rules, state, view) or _refresh(rules, state, view) or _turn(rules, state, view)
    if wish is None:
        return None
    # whoever was to go before us has published by the time that our wish is due: look again
    if state.looked < wish.due or view.now - state.looked > LOOK_FRESH:
        return Action("look", "before it publishes")
    return Action("publish", wish.why, wish.done)


def _take_over(rules: Rules, state: State, view: View) -> _Wish | None:
    if state.failing is None:
        return None
    due = _place(rules, view, state.failing, bool(state.holds))
    if view.now < due or not _may_take_over(rules, state, view.now):
        return None
    silent = "it never answered" if state.answered is None else f"unreachable for {view.now - state.answered:.0f} s"
    return _Wish(AGAIN if state.holds else TOOK_OVER, silent, due)


def _place(rules: Rules, view: View, since: float, holds: bool) -> float:
    return since + turns.place_delay(rules, view.wall - view.now + since, holds)


def _refresh(rules: Rules, state: State, view: View) -> _Wish | None:
    """A holder's tor refreshes its descriptor in time; where it may not, because it stands by, somebody else does."""
    last = state.changed if state.changed is not None else state.began
    if last is None or (state.holds and view.publishes):
        return None
    due = _place(rules, view, last + STALE, False)
    if view.now < due or not _within(rules, state, view.now, RESERVE):
        return None
    return _Wish(TOOK_OVER, f"nobody has published for {(view.now - last) / 60:.0f} minutes", due)


def _turn(rules: Rules, state: State, view: View) -> _Wish | None:
    """Also a holder's, where nobody comes: if two believe that they hold, one of them learns better."""
    number = turns.slot(rules, view.wall)
    late = turns.since(rules, view.wall) - turns.turn_delay(rules, number, state.held)
    if not rules.interval or state.slot is None or state.slot >= number:
        return None
    if late < 0 or not _within(rules, state, view.now, RESERVE):
        return None
    return _Wish(TURN, f"nobody has in this turn of {rules.interval / 60:.0f} minutes", view.now - late)


def _may_take_over(rules: Rules, state: State, now: float) -> bool:
    """Whoever publishes in vain saves the rest for later."""
    return _within(rules, state, now, min(state.futile, RESERVE))


def _within(rules: Rules, state: State, now: float, reserve: int) -> bool:
    return sum(now - at < HOUR for at in state.published) + reserve < rules.bound


def _look(state: State, view: View) -> Action | None:
    last = state.looked if view.look is None else max(view.look.began, state.looked or view.look.began)
    every = LOOK_LOST if state.silent is not None else LOOK_OFTEN if state.failures else LOOK_EVERY
    ordered = state.published[-1] if state.published else None
    if (
        ordered is not None
        and SETTLE <= view.now - ordered < CONFIRM
        and (state.credited is None or state.credited < ordered)
    ):
        every = SETTLE  # until the HSDirs are seen to have it
    if state.holds and state.back is not None and last is not None and last < state.back:
        every = 0.0  # a tor that starts is about to publish: has somebody taken over?
    if view.slow is not None and last is not None and last < view.slow:
        every = 0.0  # somebody may just have published: whom do we doubt?
    return Action("look") if last is None or view.now - last > every else None
