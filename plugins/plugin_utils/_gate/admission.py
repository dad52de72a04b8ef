# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: what a host returned becomes what the controller uses, or is refused. All pure.

Module Overview:

    admit      name of a module and its raw result -> what passes; raises Odd
    harmless   what a host printed, before anything reads it -> what ansible-core may show of it
    distrust   host, module and what is wrong -> the sentence that people read
    masked     a value and secrets -> the same without them
    greedy     likewise for a host that asks for keys that it is not to have
    DISTRUST   the part of that sentence by which a result tells that its host was not believed
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import several
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.answers import (
    ANSWERS,
    ASKED,
    COMMON,
    FACTS,
    fields_of,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.shapes import ACTING, Odd, Record, Word, clean

Result = t.Dict[str, t.Any]

DISTRUST = "is not to be trusted"
# ansible-core remembers as a fact where a host has its Python, after a task that runs once for all hosts
_DISCOVERED = Word(
    r"/(usr/|usr/local/)?(bin|libexec)/(platform-)?python3?(\.[0-9]{1,2})?",
    "where a distribution puts its Python; set ansible_python_interpreter for this host",
)
MASK = "********"  # as Ansible does
SHORTEST, SHORTEST_KEY = 6, 16  # characters; less is part of too many words, and a key is a field's name more often
_LONGEST = 100_000  # characters of what is no result
_SENTENCE, _MOST_WARNINGS = 1_000, 20
_LARGEST = 16_000_000  # characters, and values, of a whole answer
_SPELT = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_UNSHOWN = re.compile(f"(?![\n\t\ud800-\udfff])[{ACTING}]")


def admit(module: str, result: t.Any, arguments: t.Mapping[str, t.Any]) -> Result:
    """What of a result passes.

    :param module: ``onion_host_info``, say, for a module of ours; with its collection for one of ansible-core.
    :param result: as ActionBase._execute_module returned it.
    :param arguments: of the module.
    :returns: fields that the table has for the module, and those that any may have; as plain types, with clean texts.
    :raises Odd: the result has not the shape of the table, or is about what it was not asked.
    """
    if not isinstance(result, dict):
        raise Odd("", "it is no mapping")
    _weigh(result)
    answer, fields = ANSWERS[module], fields_of(module)
    needed = {*answer.fields} - answer.optional
    if result.get("failed") and not needed <= {*result}:
        fields = {name: shape for name, shape in fields.items() if name in COMMON or name not in answer.fields}
    passed = Record(fields, frozenset({*COMMON, *answer.optional})).read({**result, **_warnings(result)}, "")
    if "diff" in passed:
        passed["diff"] = _as_lines(passed["diff"])
    for said, asked in ASKED.get(module, ()):
        known = {part.strip() for name in _names(arguments, asked.split(".")) for part in str(name).split(",")}
        strange = {*_names(passed, said.split("."))} - known
        if strange:
            raise Odd(said, f"is '{min(strange)}', which it was not asked about")
    facts = _facts(module, result.get("ansible_facts"))
    return {**passed, **({"ansible_facts": facts} if facts else {})}


def _names(data: t.Any, path: t.Sequence[str]) -> t.Iterator[t.Any]:
    """What stands at a path, of all entries of lists on the way; of a mapping at its end the keys."""
    if isinstance(data, list):
        for each in data:
            yield from _names(each, path)
    elif path:
        yield from _names(data.get(path[0]) if isinstance(data, t.Mapping) else None, path[1:])
    elif isinstance(data, t.Mapping):
        yield from data
    elif data is not None:
        yield data


def _facts(module: str, facts: t.Any) -> Result:
    """The few facts that pass: where the host's Python is, and what a role reads."""
    if not isinstance(facts, dict):
        return {}
    passed = {}
    for name, value in facts.items():
        if str(name) == "discovered_interpreter_python":
            passed[str(name)] = _DISCOVERED.read(value, "its Python")
    wanted = FACTS.get(module)
    return {**passed, **(wanted.read(facts, "ansible_facts") if wanted else {})}


def _warnings(result: Result) -> Result:
    """A warning of ansible-core 2.19 and later is an object with its words in an event."""
    warnings = result.get("warnings")
    if not isinstance(warnings, list):
        return {}
    return {"warnings": [getattr(getattr(each, "event", None), "msg", each) for each in warnings]}


def _as_lines(diff: t.Any) -> t.Any:
    """Ansible shows a text that is prepared as it is, and others behind a sign at the beginning of each line."""
    if isinstance(diff, list):
        return [_as_lines(part) for part in diff]
    prepared = diff.pop("prepared", "")
    return {**diff, "before": "", "after": prepared} if prepared else diff


def _weigh(value: t.Any) -> None:
    """Refuse an answer that is too large to look at; one that is nested without end has been refused by the parser."""
    waiting, weight = [value], 0
    while waiting:
        each = waiting.pop()
        weight += len(each) if isinstance(each, str) else 1
        if weight > _LARGEST:
            raise Odd("", "it is too large")
        if isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each


def harmless(printed: str, host: str, secrets: t.Collection[str] = ()) -> str:
    """What a host printed as ansible-core may have it, which shows parts of it before any action can look.

    It has no control character, be it there or as an escape of JSON. A module's result stays, without junk around it;
    its warnings name the host, and what modules do not say themselves (``_ansible_…``) goes, as does what no role
    reads. Escapes of printable ASCII become what they stand for, so that secrets are found.

    :param secrets: what the host was sent, and is not shown.
    """
    text = _SPELT.sub(_spelt, _UNSHOWN.sub(" ", printed))
    result = _result_in(text)
    if result is None:
        return t.cast(str, masked(text[:_LONGEST], secrets))
    kept = {
        name: value
        for name, value in result.items()
        if not name.startswith("_ansible_") and name not in ("deprecations", "exception")
    }
    if isinstance(kept.get("warnings"), list):
        kept["warnings"] = [
            clean(f"host '{host}': {_words(each)}"[:_SENTENCE]) for each in kept["warnings"][:_MOST_WARNINGS]
        ]
    return json.dumps(masked(kept, secrets))


def _result_in(text: str) -> t.Optional[Result]:
    """The first object of JSON that begins a line, as Ansible looks for it."""
    start = re.search(r"^[^\S\n]*(?=\{)", text, re.MULTILINE)
    if not start:
        return None
    try:
        found, _end = json.JSONDecoder().raw_decode(text, start.end())
    except (ValueError, RecursionError):
        return None
    return t.cast(Result, found)


def _words(warning: t.Any) -> str:
    """A warning of ansible-core 2.19 and later is an object with its words in an event."""
    event = warning.get("event") if isinstance(warning, dict) else None
    return str(event.get("msg", "") if isinstance(event, dict) else warning)


def _spelt(escape: t.Match[str]) -> str:
    name = escape[1]
    character = chr(int(name[1:], 16)) if len(name) == 5 else {"b": "\b", "f": "\f", "r": "\r", "/": "/"}.get(name, "")
    if _UNSHOWN.match(character):
        return " "
    return character if " " <= character <= "~" and character not in '"\\' else escape[0]


def masked(value: t.Any, secrets: t.Collection[str]) -> t.Any:
    """The value without secrets in its texts, nor lines of them. A host may return what it was sent."""
    lines = {clean(line).strip() for secret in secrets for line in (secret, *secret.splitlines())}
    hidden = sorted((line for line in lines if len(line) >= SHORTEST), key=len, reverse=True)
    return _masked(value, hidden) if hidden else value


def _masked(value: t.Any, hidden: t.Sequence[str]) -> t.Any:
    if isinstance(value, dict):
        long = [secret for secret in hidden if len(secret) >= SHORTEST_KEY]
        return {_masked(key, long): _masked(each, hidden) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, hidden) for each in value]
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, MASK)
    return value


def distrust(host: str, module: str, odd: object) -> str:
    """The sentence about a host whose answer does not pass."""
    return (
        f"host '{host}': its answer to {module} {DISTRUST}: {odd}. Nothing of it was used, and the host is treated as "
        "one that cannot be reached; look at it (docs/compromised.md) before you run again"
    )


def greedy(host: str, names: t.Sequence[str]) -> str:
    """The sentence about a host that asks for keys of services that the plan does not give it."""
    keys = several([f"'{name}'" for name in names])
    return (
        f"host '{host}' asked for the key of {keys}, which it does not serve: it {DISTRUST}. It was sent none, "
        "and is treated as a host that cannot be reached; look at it (docs/compromised.md) before you run again"
    )
