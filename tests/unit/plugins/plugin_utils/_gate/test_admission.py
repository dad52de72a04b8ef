# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: for each field of each module's answer, each kind of lie is refused or becomes harmless."""

from __future__ import annotations

import copy
import json
import math
import types

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate import admission
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.admission import (
    admit,
    distrust,
    greedy,
    harmless,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.answers import ANSWERS, COMMON, fields_of
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.shapes import (
    Address,
    Data,
    Either,
    Flag,
    Many,
    Mapping,
    Maybe,
    Number,
    Odd,
    Record,
    Text,
    Whole,
    Word,
)
from hypothesis import given
from hypothesis import strategies as st

ADDRESS = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
OTHER = "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion"
# one text for each pattern of the table
WORDS = (
    "newsroomw1",
    "web1/newsroomw1",
    "/var/lib/tor-instances/a",
    "A" * 40,
    "QUJD",
    "0" * 64,
    "restart",
    "none",
    "up",
    "current",
    "<new>",
    "A" * 52,
    "NOT_FOUND",
    "0" * 40,
    "0644",
    "pong",
    "0.4.9.15",
)
LIES = {
    "null": None,
    "wrong kind": {"path": "/etc/shadow"},
    "list": [["a"]],
    "number": -1.5,
    "nan": math.nan,
    "truth": True,
    "template": "{{ lookup('pipe', 'touch /tmp/run') }}",
    "block": "{% include '/etc/shadow' %}",
    "escape": "\x1b]0;title\x07\x9b2J",
    "surrogate": "\ud800",
    "bidi": "\u202egnp.exe",
    "line": "all is well\nfatal: [web1]: FAILED!",
    "path": "../../../../etc/shadow",
    "huge": "A" * 20_000_000,
    "number without end": 10**400,
}


def honest(shape):
    """A value of a shape."""
    if isinstance(shape, Record):
        return {name: honest(inner) for name, inner in shape.fields.items()}
    if isinstance(shape, Maybe):
        return honest(shape.inner)
    if isinstance(shape, Either):
        return honest(shape.first)
    if isinstance(shape, Many):
        return [honest(shape.inner)]
    if isinstance(shape, Mapping):
        return {honest(shape.key): honest(shape.inner)}
    if isinstance(shape, Word):
        return next(word for word in WORDS if fits(shape, word))
    return {Flag: True, Whole: 1, Number: 1.5, Text: "words", Address: ADDRESS, Data: {"a": "b"}}[type(shape)]


def fits(shape, value):
    try:
        shape.read(value, "")
    except Odd:
        return False
    return True


def asked(module):
    """Arguments that ask for what the honest answer is about."""
    names = ["newsroomw1"]
    of_probe = [{"name": "words", "address": ADDRESS}]
    return {
        "daemons": [{"name": "newsroomw1"}] if module == "tor_instances" else names,
        "addresses": [ADDRESS],
        "authorities": names,
        "actions": [{"name": "newsroomw1"}],
        "targets": of_probe,
    }


def places(value, at=()):
    """Every place of an answer."""
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*at, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*at, number))


def lying(answer, place, lie):
    if not place:
        return lie
    lied = copy.deepcopy(answer)
    inside = lied
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = lie
    return lied


@pytest.mark.parametrize("module", ANSWERS)
def test_an_honest_answer_passes_as_it_is(module):
    answer = {"changed": False, **honest(ANSWERS[module])}
    assert admit(module, answer, asked(module)) == answer


@pytest.mark.parametrize("module", ANSWERS)
def test_each_lie_in_each_field_is_refused_or_harmless(module):
    answer = {**{name: honest(shape) for name, shape in fields_of(module).items()}, "failed": False}
    for place in places(answer):
        for name, lie in LIES.items():
            passed, refused = attempt(module, lying(answer, place, lie))
            assert len(refused) < 300, (place, name)
            assert clean_for_a_terminal(refused), (place, name)
            told = json.dumps(passed, allow_nan=False, ensure_ascii=False)
            told.encode()
            assert clean_for_a_terminal(told.replace("\\n", " ")), (place, name)
            assert not any(opener in told for opener in ("{{", "{%")), (place, name)
            assert len(told) < 1_000_000, (place, name)
            assert set(passed) <= {*ANSWERS[module].fields, *COMMON}, (place, name)


def attempt(module, answer):
    """What passes, and why it does not."""
    try:
        return admit(module, answer, asked(module)), ""
    except Odd as odd:
        return {}, str(odd)


def clean_for_a_terminal(text):
    return all(character.isprintable() for character in text)


@pytest.mark.parametrize("module", [name for name in ANSWERS if ANSWERS[name].fields.keys() - ANSWERS[name].optional])
def test_a_field_that_is_missing_is_named_unless_the_module_failed(module):
    answer = {"changed": False, **honest(ANSWERS[module])}
    gone = min(ANSWERS[module].fields.keys() - ANSWERS[module].optional)
    del answer[gone]
    with pytest.raises(Odd, match=f"^{gone}: is missing"):
        admit(module, answer, asked(module))
    assert admit(module, {**answer, "failed": True, "msg": "no"}, asked(module))["msg"] == "no"


@pytest.mark.parametrize("result", [None, [], "text", 1, [{"changed": True}]])
def test_what_is_no_mapping_is_no_answer(result):
    with pytest.raises(Odd):
        admit("program", result, {})


def test_keys_that_nothing_documents_go_nowhere():
    more = {
        "ansible_facts": {"onion_services": [], "verify_report_file": "/x", "ansible_host": "127.0.0.1"},
        "add_host": {"host_name": "x"},
        "add_group": "x",
        "ansible_stats": {},
        "skipped": True,
        "unreachable": True,
        "invocation": {},
        "_ansible_no_log": False,
        "results": [],
        "exception": "\x1b",
        "deprecations": [{"msg": "x"}],
        "attempts": 1,
        "stdout": "x",
    }
    honest = {"outdated": [], "publisher": False, "left_out": [], "reboot": False}
    assert admit("rolling_info", {**honest, **more}, asked("")) == honest


@pytest.mark.parametrize(
    "path", ["/usr/bin/python3", "/usr/bin/python3.11", "/usr/local/bin/python3.13", "/usr/libexec/platform-python"]
)
def test_where_a_host_has_its_python_is_remembered(path):
    facts = {"discovered_interpreter_python": path}
    assert admit("program", {"changed": False, "ansible_facts": facts}, {})["ansible_facts"] == facts


@pytest.mark.parametrize(
    "path", ["/tmp/python3", "/usr/bin/python3 -c 'evil'", "/bin/sh", "python3", "/usr/bin/../../tmp/python3", None, 3]
)
def test_another_python_is_refused_since_other_hosts_might_run_it(path):
    with pytest.raises(Odd, match="^its Python: "):
        admit("program", {"changed": False, "ansible_facts": {"discovered_interpreter_python": path}}, {})


def test_of_a_hosts_own_facts_pass_those_that_a_role_reads():
    facts = {
        "ansible_default_ipv4": {"address": "10.0.0.1", "mtu": 1500},
        "ansible_hostname": "x",
        "onion_services": [],
    }
    passed = admit("ansible.builtin.setup", {"changed": False, "ansible_facts": facts}, {})
    assert passed == {"changed": False, "ansible_facts": {"ansible_default_ipv4": {"address": "10.0.0.1"}}}


def test_warnings_are_words_whatever_ansible_core_makes_of_them():
    event = types.SimpleNamespace(event=types.SimpleNamespace(msg="a \x1b[2Jwarning"))
    assert admit("program", {"changed": False, "warnings": ["plain", event]}, {})["warnings"] == [
        "plain",
        "a [2Jwarning",
    ]


@pytest.mark.parametrize(
    ("module", "answer", "place"),
    [
        (
            "onion_drain",
            {"daemons": [{"name": "archiveb1", "streams": 0, "error": None}], "seconds": 1},
            "daemons.name",
        ),
        ("rolling_info", {"outdated": ["archiveb1"], "publisher": False, "left_out": [], "reboot": False}, "outdated"),
        (
            "tor_authority_keys",
            {"authorities": {"netauth2": {"v3ident": "A" * 40, "fingerprint": "B" * 40}}, "created": []},
            "authorities",
        ),
        ("tor_daemons", {"done": [{"name": "archiveb1", "action": "start", "seconds": 1}]}, "done.name"),
    ],
)
def test_an_answer_about_something_else_is_refused(module, answer, place):
    with pytest.raises(Odd, match=f"^{place}: is '.*', which it was not asked about"):
        admit(module, {"changed": False, **answer}, asked(module))


def test_an_address_that_was_not_asked_about_is_refused():
    held = {"address": OTHER, "responsible": 0, "held": 0, "newest": 0, "revision_counter": None, "hsdirs": []}
    with pytest.raises(Odd, match=OTHER):
        admit("onion_descriptor_info", {"changed": False, "services": [held]}, {"addresses": [ADDRESS]})


def test_too_much_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(admission, "_LARGEST", 100)
    with pytest.raises(Odd, match="it is too large"):
        admit("program", {"x": ["a" * 10] * 20}, {})


def test_what_a_terminal_would_act_on_goes_before_anything_is_read():
    sent = (
        json.dumps({"a_\x1b[2J": 1, "smile": "😀", "two": "a\nb\t\\u001b \\\\", "bidi": "\u202e", "c1": "\x9b"})
        + "\x1b[31m junk\r"
    )
    assert json.loads(harmless(sent, "web1")) == {
        "a_ [2J": 1,
        "smile": "😀",
        "two": "a\nb\t\\u001b \\\\",
        "bidi": " ",
        "c1": " ",
    }
    assert harmless("\x1b[31mno\r\\u001b result", "web1") == " [31mno   result"


def test_letters_spelt_as_escapes_become_letters():
    sent = r'{"\u006bey": "a\/b\u002b \\u0041 \u0022 \u005c \u00e4"'
    assert harmless(sent, "web1") == r'{"key": "a/b+ \\u0041 \u0022 \u005c \u00e4"'
    assert json.loads(harmless(sent + "}", "web1")) == json.loads(sent + "}")


@given(
    st.dictionaries(
        st.text().filter(lambda name: name not in ("warnings", "deprecations", "exception")),
        st.text() | st.lists(st.text()),
    )
)
def test_what_is_harmless_is_read_as_it_was_but_for_controls(value):
    def shown(text):
        return "".join(" " if admission._UNSHOWN.match(character) else character for character in text)

    expected = {
        shown(key): shown(each) if isinstance(each, str) else list(map(shown, each))
        for key, each in value.items()
        if not shown(key).startswith("_ansible_")
    }
    assert json.loads(harmless(json.dumps(value), "web1")) == expected
    assert json.loads(harmless(json.dumps(value, ensure_ascii=False), "web1")) == expected


def test_warnings_name_the_host_and_are_few_and_short():
    """The newest ansible-core shows them before an action has the answer."""
    event = {"__ansible_type": "WarningSummary", "event": {"msg": "of a\nmodule"}}
    sent = {
        "ping": "pong",
        "warnings": ["PLAY RECAP\nhost 'web1' asked", event, 7, *["x" * 5000] * 100],
        "deprecations": [{"msg": "x"}],
        "exception": "x",
        "_ansible_no_log": False,
    }
    told = json.loads(harmless(f"banner\n {json.dumps(sent)}\nPLAY RECAP\n", "web2"))
    assert told.keys() == {"ping", "warnings"}
    assert told["warnings"][:3] == [
        "host 'web2': PLAY RECAP host 'web1' asked",
        "host 'web2': of a module",
        "host 'web2': 7",
    ]
    assert len(told["warnings"]) == 20 and max(map(len, told["warnings"])) == 1000


@pytest.mark.parametrize("sent", ["x" * 20_000_000, '{"a": ' * 100_000, '{"a": ' + "9" * 5000 + "}", "[" * 100_000])
def test_what_is_no_result_is_short(sent):
    assert harmless(sent, "web1") == sent[:100_000]


def test_secrets_are_not_in_what_a_host_prints():
    key, short = "longkey/" * 4, "Pw1234"
    sent = {"warnings": [short], "msg": key, key: 1, "x" + short: 2}
    assert json.loads(harmless(json.dumps(sent), "web1", [key, short])) == {
        "warnings": ["host 'web1': ********"],
        "msg": "********",
        "********": 1,
        "x" + short: 2,
    }
    assert harmless(f"no result, {short} and {key}", "web1", [key, short]) == "no result, ******** and ********"


def test_a_failure_has_all_fields_or_none():
    whole = honest(ANSWERS["onion_host_info"])
    assert admit("onion_host_info", {"failed": True, "msg": "x", **whole}, {}) == {"failed": True, "msg": "x", **whole}
    for name in whole:
        partial = {field: value for field, value in whole.items() if field != name}
        assert admit("onion_host_info", {"failed": True, "msg": "x", **partial}, {}) == {"failed": True, "msg": "x"}


def test_a_text_that_is_prepared_becomes_lines_of_a_diff():
    change = {"prepared": "PLAY RECAP\n", "before_header": "a\nb"}
    assert admit("ansible.builtin.apt", {"diff": change}, {})["diff"] == {
        "before": "",
        "after": "PLAY RECAP\n",
        "before_header": "a b",
    }
    assert admit("ansible.builtin.apt", {"diff": [change]}, {})["diff"][0]["after"] == "PLAY RECAP\n"


def test_a_daemon_is_restarted_once():
    action = {"name": "newsroomw1", "action": "restart", "reasons": [], "revisions": {}, "stagger": 0}
    answer = {"actions": [action, action], "orphans": [], "kept_keys": []}
    with pytest.raises(Odd, match="actions: has two entries with the same name"):
        admit("tor_instances", answer, asked("tor_instances"))


def test_the_sentences_name_host_and_what_is_wrong():
    assert distrust("web3", "onion_host_info", Odd("daemons[0].name", "is missing")).startswith(
        "host 'web3': its answer to onion_host_info is not to be trusted: daemons[0].name: is missing. "
    )
    assert greedy("web3", ["archive"]).startswith(
        "host 'web3' asked for the key of 'archive', which it does not serve: "
    )
    assert "'a', 'b', 'c', 'd', 'e' and 2 more" in greedy("web3", list("abcdefg"))
