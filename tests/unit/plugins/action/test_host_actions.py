# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of modules that run on hosts (host_action, admission): what is sent, and what is believed."""

from __future__ import annotations

import importlib
import types
import typing as t

import pytest
from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.onionfleet.balance.plugins.action import guarded
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate import host_action
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.answers import ANSWERS

Data = t.Dict[str, t.Any]

ADDRESS = "2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion"
OTHER = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion"
RELAY = "A" * 40
SECRET = "very-secret"
DAEMONS = [
    {"name": "archivew1", "services": [{"name": "archive", "address": ADDRESS, "ports": []}]},
    {"name": "blogb1", "services": [{"name": "blog", "address": None, "ports": []}]},
]
DUE = {
    "name": "archivew1",
    "action": "restart",
    "reasons": ["its key is new"],
    "revisions": {"archive": 7},
    "stagger": 0,
}
KEPT = [
    {"name": "archive", "address": ADDRESS, "restricted": True},
    {"name": "blog", "address": OTHER, "restricted": False},
]
TRIED = {"address": ADDRESS, "tried": 8, "taken": 8, "refused": 0}
PERIOD = {"number": 19, "length": 1440, "random_value": "current"}

# arguments and an honest answer
MODULES: dict[str, tuple[Data, Data]] = {
    "guarded": ({"module": "ansible.builtin.ping", "options": {}}, {"ping": "pong"}),
    "keeper_config": ({"config": {"services": KEPT}}, {"action": "restart"}),
    "keeper_info": ({}, {"stale": False, "error": "", "status": None}),
    "onion_client_key": ({}, {"clients": [{"name": "alice", "public_key": "<new>"}], "removed": ["bob.auth"]}),
    "onion_descriptor_info": ({"addresses": [ADDRESS]}, {"period": PERIOD, "services": []}),
    "onion_drain": (
        {"daemons": ["archivew1"]},
        {"daemons": [{"name": "archivew1", "streams": 0, "error": None}], "seconds": 1.5},
    ),
    "onion_host_info": ({}, {"daemons": [], "publisher": None, "keeper": None, "installed": False}),
    "onion_key": ({}, {"address": "<new>", "public_key": "<new>"}),
    "onion_publishing": (
        {"daemons": ["archivew1"]},
        {"daemons": [{"name": "archivew1", "changed": True, "error": None, "services": [TRIED]}]},
    ),
    "onion_retire": ({}, {"removed": ["daemon archivew1"]}),
    "onionbalance_config": ({"services": [{"name": "archive"}]}, {"action": "reload", "kept_keys": []}),
    "onionbalance_info": ({}, {"configured": [], "status": None, "error": "nobody answers"}),
    "program": ({"path": "/usr/local/lib/onionfleet/keeper", "files": {}, "module_utils": []}, {}),
    "rolling_info": (
        {"daemons": ["archivew1"]},
        {"outdated": ["archivew1"], "publisher": False, "left_out": [], "reboot": False},
    ),
    "tor_authority_keys": (
        {"authorities": ["netauth1"]},
        {"authorities": {"netauth1": {"v3ident": RELAY, "fingerprint": RELAY}}, "created": ["netauth1"]},
    ),
    "tor_daemons": (
        {"actions": [{"name": "archivew1", "action": "restart"}]},
        {"done": [{"name": "archivew1", "action": "restart", "seconds": 1.5}]},
    ),
    "tor_instances": ({"daemons": DAEMONS}, {"actions": [DUE], "orphans": [], "kept_keys": []}),
}
OURS = [name for name in MODULES if name != "guarded"]
SECRETS: Data = {
    "secrets": {"archive": SECRET},
    "option_secrets": {"HTTPSProxyAuthenticator": SECRET},
    "credentials": {ADDRESS: SECRET},
    "secret": SECRET,
}


class Task(types.SimpleNamespace):
    """As much of a task as actions look at."""

    def copy(self) -> Task:
        return Task(**vars(self))


class Connection:
    """It prints what acts on a terminal, and bytes that are no text; or ``prints``."""

    become: t.Any = None
    has_pipelining = True

    def __init__(self, transport: str, prints: tuple[bytes, bytes]) -> None:
        self.transport, self.prints = transport, prints

    def exec_command(self, *_command: str) -> tuple[int, bytes, bytes]:
        return 0, *self.prints


class Host:
    """A host that gives the ``answer``, or raises it, and what was sent to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[tuple[str, Data]] = []
        self.answer: t.Any = None
        self.pipelining, self.transport, self.delegate_to, self.no_log = True, "ssh", "", False
        self.environment: list[Data] = [{"LC_ALL": "de_DE.UTF-8"}]
        self.environments: list[t.Any] = []
        self.prints = (b"\x1b[2Jone\n\\u001b \xff", b"two\r")
        self.connection: Connection | None = None
        self.variables: Data = {"inventory_hostname": "web1"}
        self.keywords: Data = {"vars": {}, "until": [], "retries": None, "delay": 5, "check_mode": False}
        self.template: t.Callable[[str], t.Any] = str
        self.shown: list[str] = []
        monkeypatch.setattr(
            host_action, "display", types.SimpleNamespace(display=lambda text, color: self.shown.append(text))
        )
        monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
        monkeypatch.setattr(ActionBase, "_is_pipelining_enabled", lambda *_arguments, **_options: self.pipelining)
        monkeypatch.setattr(
            ActionBase, "_execute_module", lambda action, *sent, task_vars: self.execute(action, *sent, task_vars)
        )

    def execute(self, action: ActionBase, name: str, arguments: Data, task_vars: Data) -> t.Any:
        assert task_vars is self.variables
        self.environments.append(action._task.environment)
        self.sent.append((name, arguments))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def ask(self, name: str, answer: t.Any = None, **arguments: t.Any) -> Data:
        """The action's result, where the module gives its honest answer or this one."""
        given, honest = MODULES[name]
        self.answer = {"changed": True, **honest} if answer is None else answer
        return self.act(name, {**given, **arguments})

    def act(self, name: str, arguments: Data) -> Data:
        task = Task(
            args=arguments,
            action=f"onionfleet.balance.{name}",
            delegate_to=self.delegate_to or None,
            no_log=self.no_log,
            environment=self.environment,
            **self.keywords,
        )
        return self.run(name, task)

    def run(self, name: str, task: Task) -> Data:
        """The result of an action that is made for this task."""
        module = importlib.import_module(f"ansible_collections.onionfleet.balance.plugins.action.{name}")
        action = object.__new__(module.ActionModule)
        assert isinstance(action, host_action.HostAction)
        action._task = task
        action._connection = self.connection = Connection(self.transport, self.prints)
        action._play_context = action._loader = action._shared_loader_obj = None
        action._templar = types.SimpleNamespace(template=self.template)
        return t.cast(Data, action.run(None, self.variables))


@pytest.fixture(name="host")
def fixture_host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


def test_every_module_of_a_host_is_here() -> None:
    assert {*MODULES, "onion_probe", "preflight"} == {name for name in ANSWERS if "." not in name} | {"guarded"}


@pytest.mark.parametrize("name", MODULES)
def test_an_honest_answer_passes(host: Host, name: str) -> None:
    arguments, honest = MODULES[name]
    assert host.ask(name) == {"changed": True, **honest}
    ours = (f"onionfleet.balance.{name}", arguments)
    assert host.sent == [("ansible.builtin.ping", {}) if name == "guarded" else ours]


# --- What is told while a task waits


def attempts(host: Host, monkeypatch: pytest.MonkeyPatch, times: list[float]) -> list[str]:
    """The lines of a task with until, whose attempts begin then. Each has an action of its own."""
    task = Task(
        args={"daemons": ["archivew1"]},
        action="onionfleet.balance.onion_descriptor_info",
        delegate_to=None,
        no_log=False,
        environment=[],
        **{**host.keywords, "until": ["x"], "retries": 60},
    )
    answer = {"changed": False, "daemons": []}
    for now in times:
        monkeypatch.setattr(host_action.time, "monotonic", lambda now=now: now)
        host.answer = answer
        host.run("onion_descriptor_info", task)
    return host.shown


def test_from_the_second_attempt_on_the_wait_is_told(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter(["a: 1 of 8\nb\n", "b\n\n"])
    host.keywords["vars"] = {"other": "x", "verify_waits_for": "{{ … }}"}
    host.template = lambda text: next(told)
    assert attempts(host, monkeypatch, [100, 105, 127]) == [
        "[web1] 5 s of at most 300 s: waiting for a: 1 of 8; b",
        # the attempts themselves take time
        "[web1] 27 s of at most 810 s: waiting for b",
    ]


@pytest.mark.parametrize("text", ["\n", None])
def test_a_wait_without_words_is_told(host: Host, monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    host.keywords["vars"], host.template = {"verify_waits_for": "x"}, lambda _text: text
    assert attempts(host, monkeypatch, [0, 5]) == ["[web1] 5 s of at most 300 s: waiting"]


@pytest.mark.parametrize("error", [AnsibleError("it is undefined"), KeyError("x"), TypeError("no text")])
def test_a_text_that_cannot_be_made_ends_no_wait(host: Host, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def template(_text: str) -> str:
        raise error

    host.keywords["vars"], host.template = {"verify_waits_for": "x"}, template
    assert attempts(host, monkeypatch, [0, 5, 10]) == []
    assert len(host.sent) == 3


def test_what_a_host_says_begins_no_line(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.keywords["vars"] = {"verify_waits_for": "a\r\x1b[2J\u202eb\u2028c {{ 1 }}" + "d" * 9000}
    (line,) = attempts(host, monkeypatch, [0, 5])
    assert line.isprintable() and "{{" not in line and len(line) < 800


def test_a_module_that_waits_by_itself_tells_it_before(host: Host) -> None:
    host.keywords["vars"] = {"handover_waits_for": "visitors of archivew1 to finish"}
    host.ask("onion_drain", timeout="600")
    assert host.shown == ["[web1] 0 s of at most 600 s: waiting for visitors of archivew1 to finish"]
    host.keywords["check_mode"] = True
    host.ask("onion_drain", timeout=600)
    assert len(host.shown) == 1


def test_a_reboot_tells_how_long_it_may_take(host: Host) -> None:
    host.keywords["vars"] = {"roll_waits_for": "its reboot"}
    host.ask("guarded", options={"reboot_timeout": 600})
    assert host.shown == ["[web1] 0 s of at most 600 s: waiting for its reboot"]


def test_daemons_come_back_one_after_another(host: Host) -> None:
    host.keywords["vars"] = {"roll_waits_for": "a\nb"}
    actions = [{"name": "archivew1", "action": "restart"}, {"name": "blogb1", "action": "restart"}]
    host.ask("tor_daemons", actions=actions, timeout=300)
    assert host.shown == ["[web1] 0 s of at most 600 s: waiting for a; b"]


# --- What is sent


@pytest.mark.parametrize("name", MODULES)
def test_modules_speak_english(host: Host, name: str) -> None:
    host.ask(name)
    host.environment = host.environments[0]  # as when a task is tried again
    host.ask(name)
    assert host.environments == [[{"LC_ALL": "de_DE.UTF-8"}, {"LC_ALL": "C"}]] * 2


@pytest.mark.parametrize("option", SECRETS)
@pytest.mark.parametrize("name", OURS)
def test_secrets_need_pipelining(host: Host, name: str, option: str) -> None:
    host.pipelining = False
    with pytest.raises(AnsibleActionFail, match="ansible_pipelining: true"):
        host.ask(name, **{option: SECRETS[option]})
    assert host.sent == []
    host.pipelining = True
    assert host.ask(name, **{option: SECRETS[option]})["changed"]
    assert host.sent[0][1][option] == SECRETS[option]


@pytest.mark.parametrize(
    ("become", "has_pipelining", "words"),
    [
        (types.SimpleNamespace(name="su"), True, "become: 'su' cannot pipeline; use ansible_become_method: sudo"),
        (types.SimpleNamespace(name="doas", pipelining=False), True, "become: 'doas' cannot pipeline"),
        (None, False, "connection: 'ssh' cannot pipeline; use ansible_connection: ssh"),
        (types.SimpleNamespace(name="sudo", pipelining=True), True, "set ansible_pipelining: true"),
    ],
)
def test_the_way_out_is_one(
    host: Host, monkeypatch: pytest.MonkeyPatch, become: t.Any, has_pipelining: bool, words: str
) -> None:
    host.pipelining = False
    monkeypatch.setattr(Connection, "become", become)
    monkeypatch.setattr(Connection, "has_pipelining", has_pipelining)
    with pytest.raises(AnsibleActionFail, match=words):
        host.ask("tor_instances", secrets=SECRETS["secrets"])


def test_a_key_that_stays_on_the_controller_does_not(host: Host) -> None:
    host.pipelining, host.transport = False, "local"
    assert host.ask("onion_key", secret=SECRET)["changed"]
    with pytest.raises(AnsibleActionFail, match="ansible_pipelining: true"):
        host.ask("tor_instances", secrets=SECRETS["secrets"])


@pytest.mark.parametrize("name", MODULES)
def test_without_secrets_nothing_is_asked_for(host: Host, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(C, "DEFAULT_KEEP_REMOTE_FILES", True)
    host.pipelining = False
    assert host.ask(name) == {"changed": True, **MODULES[name][1]}
    assert name == "guarded" or host.ask(name, secrets={}) == host.ask(name)


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("DEFAULT_KEEP_REMOTE_FILES", "ANSIBLE_KEEP_REMOTE_FILES"),
        ("DEFAULT_DEBUG", "ANSIBLE_DEBUG"),
        ("DISPLAY_ARGS_TO_STDOUT", "ANSIBLE_DISPLAY_ARGS_TO_STDOUT"),
    ],
)
@pytest.mark.parametrize("name", OURS)
def test_secrets_would_be_kept_or_shown(
    host: Host, monkeypatch: pytest.MonkeyPatch, name: str, setting: str, shown: str
) -> None:
    monkeypatch.setattr(C, setting, True)
    for host.transport in ("ssh", "local"):
        with pytest.raises(AnsibleActionFail, match=f"unset {shown} "):
            host.ask(name, secrets={"archive": SECRET})
    assert host.sent == []
    assert host.ask(name)["changed"]


@pytest.mark.parametrize("name", OURS)
def test_no_message_holds_the_secret(host: Host, name: str) -> None:
    host.pipelining = False
    with pytest.raises(AnsibleActionFail) as caught:
        host.ask(name, secrets={"archive": SECRET})
    assert SECRET not in str(caught.value)


KEYS = dict.fromkeys(("archive", "blog", "newsroom"), SECRET)
CREDENTIALS = dict.fromkeys((ADDRESS, OTHER), SECRET)


@pytest.mark.parametrize(
    ("name", "arguments", "option", "given", "sent"),
    [
        ("tor_instances", {"daemons": DAEMONS}, "secrets", KEYS, ["archive"]),
        ("tor_instances", {"daemons": []}, "secrets", KEYS, []),
        ("tor_instances", {"daemons": []}, "option_secrets", SECRETS["option_secrets"], []),
        ("tor_instances", {}, "option_secrets", SECRETS["option_secrets"], []),
        (
            "tor_instances",
            {"daemons": DAEMONS},
            "option_secrets",
            SECRETS["option_secrets"],
            ["HTTPSProxyAuthenticator"],
        ),
        ("onionbalance_config", {"services": [{"name": "blog"}]}, "secrets", KEYS, ["blog"]),
        ("onionbalance_config", {"services": []}, "secrets", KEYS, []),
        ("keeper_config", {"config": {"services": KEPT}}, "credentials", CREDENTIALS, [ADDRESS]),
        ("keeper_config", {"config": {}}, "credentials", CREDENTIALS, []),
        ("onion_descriptor_info", {"addresses": [OTHER]}, "credentials", CREDENTIALS, [OTHER]),
        ("onion_descriptor_info", {"addresses": []}, "credentials", CREDENTIALS, []),
        ("onion_descriptor_info", {"daemons": ["archivew1"]}, "credentials", CREDENTIALS, [ADDRESS, OTHER]),
    ],
)
def test_no_secret_is_sent_that_the_plan_does_not_give(
    host: Host, name: str, arguments: Data, option: str, given: Data, sent: list[str]
) -> None:
    host.answer = {"failed": True, "msg": "no matter"}
    of_task = {**arguments, option: given}
    host.act(name, of_task)
    assert host.sent == [(f"onionfleet.balance.{name}", {**arguments, option: dict.fromkeys(sent, SECRET)})]
    assert of_task == {**arguments, option: given}, "what the task has stays as it is"


@pytest.mark.parametrize(
    "daemons", ["archive", [7, None, {}], [{"name": "a", "services": "b"}], [{"name": "a", "services": [7]}], {"a": 1}]
)
def test_what_is_wrong_with_the_arguments_the_module_says(host: Host, daemons: t.Any) -> None:
    failure = {"failed": True, "msg": "daemons: is no list"}
    assert host.ask("tor_instances", failure, daemons=daemons, secrets=KEYS) == failure
    assert host.sent[0][1]["secrets"] == {}


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_sent_to_a_host_that_sets_variables_of_ours(host: Host, name: str) -> None:
    host.variables["ansible_facts"] = {"distribution": "Debian", "onion_services": []}
    with pytest.raises(AnsibleActionFail, match="host 'web1': its facts hold the variable 'onion_services'"):
        host.ask(name)
    assert host.sent == []
    del host.variables["ansible_facts"]["onion_services"]
    assert host.ask(name)["changed"]


# --- What comes back


def _fields() -> list[tuple[str, str]]:
    return [(name, field) for name, (_arguments, honest) in MODULES.items() for field in ("changed", *honest)]


@pytest.mark.parametrize(("name", "field"), _fields())
def test_a_host_that_answers_oddly_counts_as_unreachable(host: Host, name: str, field: str) -> None:
    answer = {"changed": True, **MODULES[name][1], field: {"\x1b[2J": SECRET}}
    with pytest.raises(AnsibleConnectionFailure) as caught:
        host.ask(name, answer)
    said = str(caught.value)
    module = "ansible.builtin.ping" if name == "guarded" else name
    assert f"host 'web1': its answer to {module} is not to be trusted: " in said
    assert field in said.partition("trusted: ")[2].partition(". Nothing")[0]
    assert SECRET not in said and said.isprintable()


@pytest.mark.parametrize("name", MODULES)
def test_the_host_that_a_task_is_delegated_to_is_named(host: Host, name: str) -> None:
    """It fails: were it unreachable, Ansible would leave out the host that delegates."""
    host.delegate_to = "web2"
    with pytest.raises(
        AnsibleActionFail, match=f"host 'web2': its answer to .*{'ping' if name == 'guarded' else name} is "
    ):
        host.ask(name, {"changed": 1})


@pytest.mark.parametrize("name", MODULES)
def test_what_nobody_asked_for_goes_nowhere(host: Host, name: str) -> None:
    honest = {"changed": True, **MODULES[name][1]}
    more = {
        "ansible_facts": {"onion_services": [], "anything": 1},
        "exception": "x",
        "invocation": {},
        "deprecations": [{}],
    }
    assert host.ask(name, {**honest, **more}) == honest


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("option", SECRETS)
def test_secrets_that_come_back_in_words_are_masked(host: Host, name: str, option: str) -> None:
    honest = {"changed": True, **MODULES[name][1]}
    said = {
        "msg": f"read {SECRET}!",
        "faults": [SECRET],
        "diff": [{"before": "", "after": f"a\n{SECRET}\n", "before_header": "", "after_header": ""}],
        "module_stderr": SECRET,
    }
    answer = host.ask(name, {**honest, **said}, **{option: SECRETS[option]})
    assert SECRET not in str(answer)
    assert answer["msg"] == "read ********!"
    assert {key: answer[key] for key in honest} == honest


@pytest.mark.parametrize(
    ("name", "answer", "place"),
    [
        ("onion_descriptor_info", {"daemons": [{"name": "archivew2", "error": None, "services": []}]}, "daemons.name"),
        (
            "onion_descriptor_info",
            {
                "services": [
                    {"address": OTHER, "responsible": 0, "held": 0, "newest": 0, "revision_counter": None, "hsdirs": []}
                ]
            },
            "services.address",
        ),
        ("onion_drain", {"daemons": [{"name": "archivew2", "streams": 0, "error": None}]}, "daemons.name"),
        (
            "onion_publishing",
            {"daemons": [{"name": "archivew2", "changed": True, "error": None, "services": []}]},
            "daemons.name",
        ),
        ("rolling_info", {"outdated": ["archivew1", "archivew2"]}, "outdated"),
        ("tor_authority_keys", {"authorities": {"archivew2": {"v3ident": RELAY, "fingerprint": RELAY}}}, "authorities"),
        ("tor_authority_keys", {"created": ["archivew2"]}, "created"),
        ("tor_daemons", {"done": [{"name": "archivew2", "action": "stop", "seconds": 0}]}, "done.name"),
        ("tor_instances", {"actions": [{**DUE, "name": "archivew2"}]}, "actions.name"),
    ],
)
def test_a_host_answers_about_what_it_was_asked(host: Host, name: str, answer: Data, place: str) -> None:
    strange = OTHER if place == "services.address" else "archivew2"
    with pytest.raises(
        AnsibleConnectionFailure, match=f"host 'web1': .*{place}: is '{strange}', which it was not asked about"
    ):
        host.ask(name, {"changed": True, **MODULES[name][1], **answer})


def test_revisions_are_of_services_that_the_daemon_has(host: Host) -> None:
    """Others would change the order of restarts of the fleet."""
    actions = [
        {**DUE, "revisions": {"archive": 7, "blog": 9, "newsroom": 1}},
        {**DUE, "name": "blogb1", "revisions": {"archive": 7, "blog": 9}},
    ]
    told = host.ask("tor_instances", {"changed": True, "actions": actions, "orphans": [], "kept_keys": []})
    assert [action["revisions"] for action in told["actions"]] == [{"archive": 7}, {"blog": 9}]


def test_a_failure_has_no_actions(host: Host) -> None:
    failure = {"failed": True, "msg": "tor: is not installed"}
    assert host.ask("tor_instances", failure) == failure


@pytest.mark.parametrize(
    "crash",
    [
        AttributeError("'list' object has no attribute 'get'"),
        RecursionError(SECRET),
        KeyError("x"),
        TypeError("x"),
        ValueError("x"),
    ],
    ids=lambda crash: type(crash).__name__,
)
@pytest.mark.parametrize("name", MODULES)
def test_an_answer_that_ansible_core_falls_over_is_none(host: Host, name: str, crash: Exception) -> None:
    with pytest.raises(
        AnsibleConnectionFailure, match="host 'web1': its answer to .* is not to be trusted: it is none"
    ) as caught:
        host.ask(name, crash)
    assert SECRET not in str(caught.value)


class TypeFault(AnsibleError, TypeError):
    """As ansible-core 2.19 has some."""


@pytest.mark.parametrize("error", [AnsibleActionFail("one"), TypeFault("three")], ids=str)
@pytest.mark.parametrize("name", MODULES)
def test_errors_of_ansible_stay_what_they_are(host: Host, name: str, error: AnsibleError) -> None:
    with pytest.raises(AnsibleError) as caught:
        host.ask(name, error)
    assert caught.value is error


@pytest.mark.parametrize("name", MODULES)
def test_a_failed_connection_quotes_a_host_harmlessly(host: Host, name: str) -> None:
    with pytest.raises(AnsibleConnectionFailure) as caught:
        host.ask(name, AnsibleConnectionFailure("Failed to connect: \x1b[2Jwelcome {{ here }}\nbye"))
    assert caught.value.message == "Failed to connect: [2Jwelcome { { here }} bye"


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "words as they are"),
        ("short", "a short word"),
        ("a longer one\n", "said: a longer one"),
        ("line one\nline two", "line one line two"),
        ("with {{ braces }}", "with {{ braces }}"),
    ],
)
def test_secrets_are_masked_however_they_come_back(host: Host, secret: str, said: str) -> None:
    honest = {"changed": True, **MODULES["tor_instances"][1]}
    answer = host.ask("tor_instances", {**honest, "faults": [said], "msg": said}, option_secrets={"x": secret})
    if len(secret) < 6:
        assert answer["faults"] == [said]
    else:
        assert "********" in answer["msg"] and "********" in answer["faults"][0]
        assert "longer" not in str(answer) and "braces" not in str(answer) and "line" not in str(answer)


def test_secrets_are_masked_in_keys_and_never_in_numbers(host: Host) -> None:
    honest = {"changed": True, **MODULES["onion_descriptor_info"][1]}
    key = SECRET * 3
    diff = [{"before": {key: 1700}, "after": ""}]
    answer = host.ask("onion_descriptor_info", {**honest, "diff": diff}, option_secrets={"x": key, "y": "1700"})
    assert answer["diff"] == [{"before": {"********": 1700}, "after": ""}]


@pytest.mark.parametrize("answer", [[], "text", 7])
@pytest.mark.parametrize("name", MODULES)
def test_an_answer_is_a_mapping(host: Host, name: str, answer: t.Any) -> None:
    with pytest.raises(AnsibleConnectionFailure, match="is not to be trusted: it is no mapping"):
        host.ask(name, answer)


@pytest.mark.parametrize("name", MODULES)
def test_what_a_host_prints_is_harmless_to_look_at_while_the_action_runs(host: Host, name: str) -> None:
    printed = []
    execute = host.execute

    def listening(*given: t.Any) -> t.Any:
        assert host.connection is not None
        printed.append(host.connection.exec_command("true"))
        return execute(*given)

    host.execute = listening  # type: ignore[method-assign]
    host.ask(name)
    assert printed == [(0, b" [2Jone\n  \xff", b"two ")]
    assert host.connection is not None and host.connection.exec_command("true")[2] == b"two\r"


def test_what_a_host_prints_has_no_secret_while_the_action_runs(host: Host) -> None:
    """ansible-core shows warnings of a module, and what is no JSON, before its action has the answer."""
    key, printed = "key/" * 8, []
    execute = host.execute

    def listening(*given: t.Any) -> t.Any:
        assert host.connection is not None
        printed.append(host.connection.exec_command("true"))
        return execute(*given)

    host.execute = listening  # type: ignore[method-assign]
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in key)
    for form in (key, escaped, key.replace("/", "\\/")):
        host.prints = f'{{"warnings": ["{form}"]}}{form}'.encode(), form.encode()
        host.ask("tor_instances", secrets={"archive": key})
    assert {*printed} == {(0, b'{"warnings": ["host \'web1\': ********"]}', b"********")}


def test_no_line_of_a_message_looks_like_one_about_another_host(host: Host) -> None:
    answer = host.ask("tor_instances", {"failed": True, "msg": "no\n\nhost 'web9' asked"})
    assert answer["msg"] == "no\nweb1: \nweb1: host 'web9' asked"


def test_a_lost_host_that_another_one_asks_is_a_failure_of_that_task(host: Host) -> None:
    host.delegate_to = "app1"
    with pytest.raises(AnsibleActionFail, match="^Failed to connect"):
        host.ask("onion_drain", AnsibleConnectionFailure("Failed to connect"))


@pytest.mark.parametrize("option", ["secrets", "option_secrets", "credentials"])
def test_secrets_that_are_no_mapping_are_refused(host: Host, option: str) -> None:
    """A module would read a text as JSON, and the keys in it would pass no plan."""
    with pytest.raises(AnsibleActionFail, match=f"{option}: is no mapping"):
        host.ask("tor_instances", **{option: '{"archive": "key"}'})
    assert host.sent == []


def test_what_a_task_hides_is_not_asked_for_while_ansible_shows_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(C, "DEFAULT_DEBUG", True)
    host.ask("guarded")
    host.no_log = True
    with pytest.raises(AnsibleActionFail, match="ANSIBLE_DEBUG"):
        host.ask("guarded")


def test_an_error_of_ansible_quotes_a_host_harmlessly(host: Host) -> None:
    with pytest.raises(AnsibleActionFail, match="^Failed to get information: { { code }}"):
        host.ask("guarded", AnsibleError("Failed to get information: {{ code }} \x1b"))


# --- guarded


def test_guarded_runs_what_the_table_has(host: Host) -> None:
    with pytest.raises(AnsibleActionFail, match="value of module must be one of: ansible.builtin.apt, "):
        host.ask("guarded", module="ansible.builtin.shell")
    assert host.sent == []


def test_guarded_hands_over_to_an_action_of_ansible_core(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    class Command:
        def __init__(self, task: Task, **_given: t.Any) -> None:
            self.task = task

        def run(self, task_vars: Data) -> Data:
            assert (task_vars, self.task.action, self.task.args) == (
                host.variables,
                "ansible.builtin.command",
                {"argv": ["id"]},
            )
            answer = {"rc": 0, "stdout": "root\n", "stderr": ""}
            return {**answer, "changed": False, "ansible_facts": {"verify_redact": 1}}

    loader = types.SimpleNamespace(has_plugin=lambda _name: True, get=lambda _name, **given: Command(**given))
    monkeypatch.setattr(guarded, "action_loader", loader)
    told = host.ask("guarded", module="ansible.builtin.command", options={"argv": ["id"]})
    assert told == {"rc": 0, "stdout": "root\n", "stderr": "", "changed": False}
    assert host.sent == []
