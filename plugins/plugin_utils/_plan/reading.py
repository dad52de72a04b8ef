# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an operator's variables leaf by leaf into plain data, so that whatever cannot be read is named by its place.

Module Overview:

    Unreadable   the error of one value that cannot be read
    resolve      one template -> its value
    Template     raw variables -> plain data; what fails is collected
"""

from __future__ import annotations

import datetime
import math
import typing as t

from ansible.errors import AnsibleError
from ansible.parsing.vault import AnsibleVaultError
from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.services import LABEL

DEPTH = 12  # values inside one another; a declaration has six
LARGEST = 2**63
# at this depth are the fields of a service: one that cannot be read does not hide the others
FIELDS = 2
NESTED = "has values nested too deep; a YAML anchor must not hold itself: write out what is meant"
ENCRYPTED = (
    "is encrypted, and no vault password that was given opens it; give its password with --vault-id or --ask-vault-pass"
)


class Unreadable(Exception):
    """A value that cannot be read: what is wrong, and how to mend it."""


def resolve(templar: t.Any, read: t.Callable[[], t.Any]) -> t.Any:
    """The value of a template or of an inline vault; what a container holds stays untemplated until it is read.

    ansible-core has that since 2.19. Before, a text is templated with all that it stands for, a container not at all.

    :param read: gives the template; from a container that templates on access, this may fail as well.
    :returns: None for ``omit``.
    :raises Unreadable: whatever the template calls fails.
    """
    lazy = getattr(getattr(templar, "_engine", None), "resolve_to_container", None)
    try:
        value = read()
        if lazy:
            return lazy(value)
        if not isinstance(value, str):
            # an inline vault of ansible-core 2.18
            return getattr(value, "data", value)
        found = templar.template(value)
        return None if isinstance(found, str) and found == templar.available_variables.get("omit") else found
    except Exception as error:  # filters and lookups raise what they like
        if type(error).__name__ == "AnsibleValueOmittedError":
            return None
        raise Unreadable(_reason(error)) from None


class Template:
    """Templates raw variables into plain data, as JSON has it, and collects what fails.

    :param templar: of an action plugin, with the variables of its host.
    :param faults: where to collect what fails.
    :ivar unread: the places of what failed.
    """

    def __init__(self, templar: t.Any, faults: t.Optional[t.List[str]] = None) -> None:
        self._templar = templar
        self.faults: t.List[str] = [] if faults is None else faults
        self.unread: t.List[str] = []

    def read(self, value: t.Any, place: str, skip: t.Collection[str] = ()) -> t.Any:
        """``value`` as plain data; keys of mappings become texts. A leaf that fails becomes ``None``.

        :param place: where the value stands, for the fault's text.
        :param skip: keys that are dropped unread.
        """
        return self._read(lambda: value, place, skip, 0)

    def _read(self, read: t.Callable[[], t.Any], place: str, skip: t.Collection[str], depth: int) -> t.Any:
        try:
            if depth > DEPTH:
                raise RecursionError
            return self._plain(resolve(self._templar, read), place, skip, depth)
        except RecursionError:
            if depth > FIELDS:
                raise
            return self._failed(place, NESTED)
        except Unreadable as error:
            return self._failed(place, str(error))

    def _failed(self, place: str, why: str) -> t.Any:
        self.faults.append(f"{place}: {why}")
        self.unread.append(place)

    def _plain(self, value: t.Any, place: str, skip: t.Collection[str], depth: int) -> t.Any:
        if isinstance(value, t.Mapping):
            where = f"service '{value['name']}'" if _is_service(value, place) else place
            found: t.Dict[str, t.Any] = {}
            for key in [key for key in value if key not in skip]:
                name = _key(key)
                if name in found:
                    raise Unreadable(f"has the key {name!r} twice, as a text and as a number; remove one")
                # a mapping that templates on access: each key by itself
                found[name] = self._read(_getter(value, key), f"{where}: {name}", skip, depth + 1)
            return found
        if isinstance(value, (list, tuple)):
            return [
                self._read(_getter(value, number), f"{place} entry {number + 1}", skip, depth + 1)
                for number in range(len(value))
            ]
        return _scalar(value)


def _getter(container: t.Any, key: t.Any) -> t.Callable[[], t.Any]:
    return lambda: container[key]


def _is_service(value: t.Mapping[str, t.Any], place: str) -> bool:
    try:
        name = value.get("name") if place.startswith("onion_services") else None
    except Exception:  # a mapping that templates on access; the name is read and told by itself
        return False
    return isinstance(name, str) and bool(LABEL.match(name))


def _key(key: t.Any) -> str:
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise Unreadable(f"has a key that is {_kind(key)}; put it into quotes")
    return str(_scalar(key))


def _scalar(value: t.Any) -> t.Any:
    """The value of a plain type, instead of one of ansible-core's tagged ones."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and not -LARGEST < value < LARGEST:
        raise Unreadable("is a number of more than 18 digits; write a smaller one, or put it into quotes")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeError:
            raise Unreadable(
                "is a text that no file can hold: it has half of a surrogate pair; write it anew"
            ) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable("is no finite number; write another, or put it into quotes")
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    raise Unreadable(f"is {_kind(value)}; write a text (in quotes), a number, a list or a mapping")


def _kind(value: t.Any) -> str:
    kinds = (
        (bool, "true or false"),
        (type(None), "empty"),
        (datetime.date, "a date"),
        (bytes, "binary data"),
        (float, "a number with a point"),
    )
    return next(
        (words for kind, words in kinds if isinstance(value, kind)),
        f"a {type(value).__name__.rpartition('Tagged')[2].lower()}",
    )


def _reason(error: BaseException) -> str:
    causes = [error]
    # a chain of causes can be a ring
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)
    if any(
        isinstance(cause, AnsibleVaultError) or type(cause).__name__ == "UndecryptableVaultError" for cause in causes
    ):
        return ENCRYPTED
    what = " ".join(str(error).split()).rstrip(".") or "cannot be read"
    kind = "" if isinstance(error, AnsibleError) else f" ({type(error).__name__})"
    return f"{what}{kind}; define it, or mend the template"
