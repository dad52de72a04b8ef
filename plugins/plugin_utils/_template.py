# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an operator's variables leaf by leaf, so that an undefined one is named by its place."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError


def resolve(templar: t.Any, value: t.Any) -> t.Any:
    """The value of a template; what a container holds stays untemplated until it is read.

    ansible-core has that since 2.19. Before, a text is templated with all that it stands for, a container not at all.
    """
    lazy = getattr(getattr(templar, "_engine", None), "resolve_to_container", None)
    if lazy:
        return lazy(value)
    return templar.template(value) if isinstance(value, str) else value


class Template:
    """Templates raw variables into plain data and collects what fails.

    :param templar: of an action plugin, with the variables of its host.
    :param faults: where to collect what fails.
    """

    def __init__(self, templar: t.Any, faults: t.Optional[t.List[str]] = None) -> None:
        self._templar = templar
        self.faults: t.List[str] = [] if faults is None else faults

    def read(self, value: t.Any, place: str, skip: t.Collection[str] = ()) -> t.Any:
        """``value`` as plain Python data. Keys in ``skip`` are dropped unread. A leaf that fails becomes ``None``.

        :param place: where the value stands, for the fault's text.
        """
        if isinstance(value, str):
            try:
                value = resolve(self._templar, value)
            except AnsibleError as error:
                self.faults.append(f"{place}: {_reason(error)}; define it, or mend the template")
                return None
        try:
            return self._plain(value, place, skip)
        except AnsibleError as error:
            self.faults.append(f"{place}: {_reason(error)}; define it, or mend the template")
            return None

    def _plain(self, value: t.Any, place: str, skip: t.Collection[str]) -> t.Any:
        if isinstance(value, t.Mapping):
            keys = [key for key in value if key not in skip]
            where = f"service '{value['name']}'" if _is_service(value, place) else place
            # a mapping that templates on access: each key by itself
            return {_scalar(key): self._item(value, key, f"{where}: {key}", skip) for key in keys}
        if isinstance(value, (list, tuple)):
            return [
                self._item(value, number, f"{place} entry {number + 1}", skip) for number in range(len(value))
            ]
        return _scalar(value)

    def _item(self, container: t.Any, key: t.Any, place: str, skip: t.Collection[str]) -> t.Any:
        try:
            return self.read(container[key], place, skip)
        except AnsibleError as error:
            self.faults.append(f"{place}: {_reason(error)}; define it, or mend the template")
            return None


def _is_service(value: t.Mapping[str, t.Any], place: str) -> bool:
    return place.startswith("onion_services") and isinstance(value.get("name"), str) and "{{" not in value["name"]


def _scalar(value: t.Any) -> t.Any:
    # plain types instead of ansible-core's tagged ones
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value


def _reason(error: AnsibleError) -> str:
    return " ".join(str(error).split())
