# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of every module that runs on hosts: what may be sent to a host, and what may come back.

Module Overview:

    HostAction       runs the module of the same name; its answer passes the gate
    only             arguments -> the same with fewer secrets
    listed           an option that is a list, however it is written
    named, keyed     names in a module's arguments, which an operator may have written
    unpipelined      why no setting makes a connection pipeline
    refuse_exposure  refuses secrets while Ansible is told to show or to keep what it sends
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.admission import (
    admit,
    distrust,
    harmless,
    masked,
)
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.planted import planted_here
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.shapes import Odd, clean
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.waiting import at_most, sentence

display = Display()
Variables = t.Dict[str, t.Any]

MAPPINGS = ("secrets", "option_secrets", "credentials")
SECRETS = (*MAPPINGS, "secret")
ENGLISH = {"LC_ALL": "C"}
WAITS_FOR = "_waits_for"
PIPELINING = "set ansible_pipelining: true for it (with sudo, requiretty must be off, which is the default)"


class HostAction(ActionBase):
    """Runs the module of the same name; modules take their secrets as options named in SECRETS."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[Variables] = None) -> Variables:
        """What of the module's result passes the gate.

        :raises AnsibleActionFail: nothing was sent: there are secrets, which would be written to a file or shown, or
            that the host is not to have, or the host's facts hold a variable of ours.
        :raises AnsibleConnectionFailure: the answer does not pass; Ansible treats the host as unreachable.
        """
        super().run(tmp, task_vars)
        variables = task_vars or {}
        faults = [
            *planted_here(variables),
            *(f"{name}: is no mapping" for name in MAPPINGS if not _mapping(self._task.args.get(name))),
        ]
        if faults:
            raise AnsibleActionFail("\n".join(faults))
        self._task.args = self.sent(dict(self._task.args))
        self._refuse_files()
        # also messages of the system that modules quote are in the language of their sentences
        self._task.environment = [*(each for each in self._task.environment or [] if each != ENGLISH), ENGLISH]
        self._tell_wait(variables)
        with _harmless_connection(self._connection, self.host(variables), self._secrets()):
            return t.cast(Variables, wrap_var(self.act(variables)))

    def sent(self, arguments: Variables) -> Variables:
        """The module's arguments, with no secret that is none of the host's; raises AnsibleActionFail."""
        return arguments

    def act(self, task_vars: Variables) -> Variables:
        """What is done when nothing speaks against it."""
        return self.ask(task_vars)

    def ask(self, task_vars: Variables, **arguments: t.Any) -> Variables:
        """One run of the module.

        :param arguments: in place of those of the task.
        """
        module = self._task.action.rpartition(".")[2]
        given = {**self._task.args, **arguments}
        return self.passed(
            module,
            given,
            task_vars,
            lambda: self._execute_module(f"onionfleet.balance.{module}", dict(given), task_vars=task_vars),
        )

    def passed(self, module: str, arguments: Variables, task_vars: Variables, run: t.Callable[[], t.Any]) -> Variables:
        """What of a raw result passes the gate."""
        try:
            answer = admit(module, run(), arguments)
        except AnsibleConnectionFailure as failure:
            # it may quote what the host sent
            raise self.distrusted(clean(failure.message), task_vars) from None
        except AnsibleError as error:
            shown = clean(error.message, lines=True)
            if shown == error.message:
                raise
            raise AnsibleActionFail(shown) from None
        except Odd as odd:
            raise self.distrusted(distrust(self.host(task_vars), module, odd), task_vars) from None
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
            # from within ansible-core, which takes a mapping for granted
            raise self.distrusted(distrust(self.host(task_vars), module, "it is none"), task_vars) from None
        if "msg" in answer:
            # a line of its own could be taken for another host's
            answer["msg"] = answer["msg"].replace("\n", f"\n{self.host(task_vars)}: ")
        return t.cast(Variables, masked(answer, self._secrets()))

    def distrusted(self, sentence: str, task_vars: Variables) -> AnsibleError:
        """An error that makes the host unreachable. A delegated task would lose another host so, and just fails."""
        own = self.host(task_vars) == task_vars.get("inventory_hostname")
        return AnsibleConnectionFailure(sentence) if own else AnsibleActionFail(sentence)

    def host(self, task_vars: Variables) -> str:
        """Name of the host that is asked."""
        return str(self._task.delegate_to or task_vars.get("inventory_hostname", "?"))

    def longest(self) -> float:
        """Seconds that a module that waits by itself takes at most."""
        return float(self._task.args["timeout"])

    def show_wait(self, task_vars: Variables, elapsed: float, limit: float, missing: t.Sequence[str]) -> None:
        """Show a line about a wait; see the file waiting."""
        display.display(sentence(self.host(task_vars), elapsed, limit, missing), color="cyan")

    def _tell_wait(self, task_vars: Variables) -> None:
        """Tell what a task with a variable ``…_waits_for`` waits for, a text with a line for each missing thing.

        With ``until``, that is before each attempt but the first, with what the one before returned; else, as the
        module cannot tell anything itself, before it runs.
        """
        wanted = next((text for name, text in (self._task.vars or {}).items() if name.endswith(WAITS_FOR)), None)
        if wanted is None:
            return
        # each attempt has an action of its own; the task is the same
        began = self._task.__dict__.setdefault("_attempts_began", [])
        began.append(time.monotonic())
        elapsed, attempts = began[-1] - began[0], len(began) - 1
        if not attempts and (self._task.until or self._task.check_mode):
            return
        try:
            # of a template that says nothing, ansible-core 2.19 and later make None
            missing = str(self._templar.template(wanted) or "").splitlines()
            limit = at_most(elapsed, attempts, self._task.retries, self._task.delay) if attempts else self.longest()
        except Exception:  # whatever is wrong with a text, the wait goes on without it
            return
        self.show_wait(task_vars, elapsed, limit, [line.strip() for line in missing if line.strip()])

    def _secrets(self) -> t.Set[str]:
        """What is sent and must not come back in words."""
        given = [value for value in (self._task.args.get(name) for name in SECRETS) if value]
        texts = (list(value.values()) if isinstance(value, t.Mapping) else [value] for value in given)
        return {str(text) for each in texts for text in each if text}

    def _refuse_files(self) -> None:
        """Without pipelining a module travels with its arguments as a file, which stays when files are kept."""
        if self._secrets() or self._task.no_log:
            refuse_exposure()
        if not self._secrets():
            return
        at_home = self._connection.transport == "local" and not any(self._task.args.get(name) for name in MAPPINGS)
        if not at_home and not self._is_pipelining_enabled("new", wrap_async=False):
            raise AnsibleActionFail(
                "the secrets would be written into a temporary file on the host; "
                f"{unpipelined(self._connection) or PIPELINING}"
            )


@contextlib.contextmanager
def _harmless_connection(connection: t.Any, host: str, secrets: t.Collection[str]) -> t.Iterator[None]:
    """What a host prints is harmless to look at, for this action and those of ansible-core that it calls."""

    def shown(printed: t.Any) -> bytes:
        return harmless(to_text(printed, errors="surrogateescape"), host, secrets).encode("utf-8", "surrogateescape")

    run = connection.exec_command

    def exec_command(*arguments: t.Any, **options: t.Any) -> t.Tuple[int, bytes, bytes]:
        code, stdout, stderr = run(*arguments, **options)
        return code, shown(stdout), shown(stderr)

    connection.exec_command = exec_command
    try:
        yield
    finally:
        # the worker may use it for the next item of a loop
        del connection.exec_command


def _mapping(value: t.Any) -> bool:
    return value is None or isinstance(value, t.Mapping)


def unpipelined(connection: t.Any) -> str:
    """Why no setting makes a connection to a host pipeline, and the way out; empty where it can."""
    become = getattr(connection, "become", None)
    method = getattr(become, "name", "")
    # ansible-core before 2.20 says it of su in another place
    if become is not None and (method == "su" or not getattr(become, "pipelining", True)):
        return (
            f"become: '{method}' cannot pipeline; "
            "use ansible_become_method: sudo for this host, or log in as root (ansible_user: root)"
        )
    if not getattr(connection, "has_pipelining", True):
        return f"connection: '{connection.transport}' cannot pipeline; use ansible_connection: ssh for this host"
    return ""


def refuse_exposure() -> None:
    """Refuse to handle secrets while Ansible shows or keeps what it sends.

    :raises AnsibleActionFail: naming the setting.
    """
    for on, setting, what in (
        (C.DEFAULT_KEEP_REMOTE_FILES, "ANSIBLE_KEEP_REMOTE_FILES", "stay in a file on the host"),
        (C.DEFAULT_DEBUG, "ANSIBLE_DEBUG", "be shown and logged"),
        (C.DISPLAY_ARGS_TO_STDOUT, "ANSIBLE_DISPLAY_ARGS_TO_STDOUT", "be shown with a task's arguments"),
    ):
        if on:
            raise AnsibleActionFail(f"the secrets would {what}; unset {setting} (and its line in ansible.cfg)")


def only(arguments: Variables, **names: t.Iterable[t.Any]) -> Variables:
    """The arguments, where each of these mappings has these keys at most."""
    kept = {}
    for option, wanted in names.items():
        given, known = arguments.get(option), [*wanted]
        if isinstance(given, t.Mapping):
            kept[option] = {name: secret for name, secret in given.items() if name in known}
    return {**arguments, **kept}


def listed(value: t.Any) -> t.List[t.Any]:
    """An option that is a list, which may be written as a text with commas."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else [*(value or [])]


def named(entries: t.Any) -> t.List[t.Tuple[str, t.Mapping[str, t.Any]]]:
    """Name and entry of those that have a name; what else is wrong with them, the module says."""
    listed = entries if isinstance(entries, t.Sequence) and not isinstance(entries, str) else []
    return [(str(entry["name"]), entry) for entry in listed if isinstance(entry, t.Mapping) and "name" in entry]


def keyed(daemons: t.Any) -> t.List[str]:
    """Names of the services that daemons have the address of, and so need the key of.

    :param daemons: as tor_instances takes them; a backend has no address there, since its tor makes its key.
    """
    return [
        name
        for _name, daemon in named(daemons)
        for name, service in named(daemon.get("services"))
        if service.get("address")
    ]
