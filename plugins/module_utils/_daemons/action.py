# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon has loaded, compared with what it is to load: start, reload, restart, stop or nothing. All pure.

Overview::

  State      the configuration of one daemon: daemon-wide lines, and lines and files of each service directory
  state_of   text of files -> State
  decide     State wanted, State loaded, state of the unit -> Decision
"""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import configuration
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import options as known_options
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc.configuration import Line

_POINTS = "hiddenservicenumintroductionpoints"
# On a reload tor keeps the subcredentials of publishers until it builds the next descriptor, up to a day later
# (hs_service.c, move_hs_state; hs_ob.c, hs_ob_refresh_keys)
_FRONTENDS, _FRONTENDS_FILE = "hiddenserviceonionbalanceinstance", "/ob_config"
_MODES = ("hiddenservicenonanonymousmode", "hiddenservicesinglehopmode")  # daemon-wide in spite of their names


@dataclasses.dataclass
class State:
    """``options``: daemon-wide. ``services``: directory to lines. ``files``: path to SHA-256 of what else is read."""

    options: t.List[Line]
    services: t.Dict[str, t.List[Line]]
    files: t.Dict[str, str]

    def to_data(self) -> t.Dict[str, t.Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_data(cls, data: t.Mapping[str, t.Any]) -> State:
        """:raises KeyError, TypeError, ValueError: this is no state."""

        def pairs(lines: t.Iterable[t.Sequence[t.Any]]) -> t.List[Line]:
            return [(str(keyword), str(value)) for keyword, value in lines]

        services = {str(path): pairs(lines) for path, lines in data["services"].items()}
        return cls(pairs(data["options"]), services, dict(data["files"]))


@dataclasses.dataclass
class Decision:
    """``action``: start, reload, restart, stop or None; ``reasons`` in words."""

    action: t.Optional[str]
    reasons: t.List[str]


def state_of_lines(lines: t.Iterable[Line], files: t.Mapping[str, bytes]) -> State:
    """A State from lines in tor's order: those after a HiddenServiceDir belong to it."""
    state, service = State([], {}, {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}), None
    for keyword, value in lines:
        lower = keyword.lower()
        if lower == "hiddenservicedir":
            service = state.services.setdefault(value.rstrip("/"), [])
        elif lower.startswith("hiddenservice") and lower not in _MODES and service is not None:
            service.append((keyword, value))
        else:
            state.options.append((keyword, value))
    return state


def state_of(torrc: str, config: t.Mapping[str, str], files: t.Mapping[str, bytes]) -> State:
    """The State that tor gets from a torrc.

    :param torrc: path of the main file.
    :param config: path to text of all configuration files, included ones by their paths.
    :param files: path to content of what else tor reads in the service directories.
    :raises OnionfleetError: a file that tor would not understand.
    """
    return state_of_lines(_expanded(torrc, config, 0), files)


def _expanded(path: str, config: t.Mapping[str, str], depth: int) -> t.Iterator[Line]:
    for keyword, value in configuration.parse(config.get(path, "")):
        if keyword != "%include" or depth > 8:
            yield keyword, value
            continue
        for inner in [value] if value in config else sorted(inside(value, config)):
            yield from _expanded(inner, config, depth + 1)


def inside(directory: str, paths: t.Iterable[str]) -> t.List[str]:
    """Those of the paths that tor includes with a directory: files right in it, without dotfiles."""
    prefix = directory.rstrip("/") + "/"
    return [
        path
        for path in paths
        if path.startswith(prefix) and "/" not in path[len(prefix) :] and not path[len(prefix) :].startswith(".")
    ]


def decide(wanted: t.Optional[State], loaded: t.Optional[State], *, active: bool, enabled: bool) -> Decision:
    """What to do with a unit.

    :param wanted: what the daemon is to run, None for nothing.
    :param loaded: what it runs, None when nobody can tell.
    :param active: whether the unit runs. :param enabled: whether it starts at boot.
    """
    if wanted is None:
        return Decision("stop", ["is not to run"]) if active or enabled else Decision(None, [])
    if not active:
        return Decision("start", ["is not running"])
    if loaded is None:
        return Decision("restart", ["nothing tells what it has loaded"])
    reasons = _option_reasons(wanted, loaded) + _service_reasons(wanted, loaded)
    if not reasons:
        return Decision(None, [])
    restart = any(needed for needed, _reason in reasons)
    return Decision(
        "restart" if restart else "reload",
        [reason + (": needs a restart" if needed else "") for needed, reason in reasons],
    )


def _sandbox(state: State) -> bool:
    return any(keyword.lower() == "sandbox" and value == "1" for keyword, value in state.options)


def _grouped(lines: t.Iterable[Line]) -> t.Dict[str, t.List[str]]:
    """Lower-case keyword to its values in order: between keywords tor does not care for the order."""
    groups: t.Dict[str, t.List[str]] = {}
    for keyword, value in lines:
        groups.setdefault(keyword.lower(), []).append(known_options.plain(keyword, value))
    return groups


def _changed(after: t.List[Line], before: t.List[Line]) -> t.List[t.Tuple[str, t.List[str], t.List[str]]]:
    new, old, names = _grouped(after), _grouped(before), {name.lower(): name for name, _value in [*before, *after]}
    return [
        (names[keyword], new.get(keyword, []), old.get(keyword, []))
        for keyword in sorted(set(new) | set(old))
        if new.get(keyword) != old.get(keyword)
    ]


def _option_reasons(wanted: State, loaded: State) -> t.List[t.Tuple[bool, str]]:
    fixed = known_options.restart_keywords(_sandbox(loaded) or _sandbox(wanted))
    return [
        (keyword.lower() in fixed, keyword + " differs")
        for keyword, _new, _old in _changed(wanted.options, loaded.options)
    ]


def _service_reasons(wanted: State, loaded: State) -> t.List[t.Tuple[bool, str]]:
    reasons = []
    for path in sorted(set(wanted.services) | set(loaded.services)):
        name = "service directory " + path.rpartition("/")[2]
        if path not in wanted.services:
            reasons.append((False, name + " is gone"))
        elif path not in loaded.services:
            reasons.append((_sandbox(loaded), name + " is new"))
        else:
            reasons += [
                (keyword.lower() == _FRONTENDS or _fewer_points(keyword, new, old), f"{name}: {keyword} differs")
                for keyword, new, old in _changed(wanted.services[path], loaded.services[path])
            ]
    for path in sorted(set(wanted.files) | set(loaded.files)):
        if wanted.files.get(path) != loaded.files.get(path) and path.startswith(
            tuple(p + "/" for p in wanted.services)
        ):
            frontends = path.endswith(_FRONTENDS_FILE) and path[: -len(_FRONTENDS_FILE)] in loaded.services
            reasons.append((frontends or _sandbox(loaded), path + " differs"))
    return reasons


def _fewer_points(keyword: str, new: t.List[str], old: t.List[str]) -> bool:
    """A reload with fewer introduction points silently stops all uploads until one of the old points expires."""
    return keyword.lower() == _POINTS and int((new or ["3"])[-1]) < int((old or ["3"])[-1])
