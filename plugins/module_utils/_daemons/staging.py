# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking tor whether it understands a configuration, without touching what runs.

``tor --verify-config`` also creates and tightens the data directory and reads ob_config (src/feature/hs/hs_config.c),
so it is run on a copy in which every such path is another one.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import command, disk, locations
from ansible_collections.onionfleet.balance.plugins.module_utils._torrc import configuration

DEFAULTS = "/usr/share/tor/tor-service-defaults-torrc-instances"


def tor_program() -> t.Optional[str]:
    return shutil.which("tor", path="/usr/bin:/usr/sbin:/usr/local/bin")


class _Copy:
    """A directory with copies of everything, and the way back from its paths to the real ones."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.real: t.Dict[str, str] = {}

    def path(self, real: str) -> str:
        copy = os.path.join(self.root, str(len(self.real)))
        self.real[copy] = real
        return copy

    def write(self, copy: str, text: str) -> None:
        with open(copy, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)

    def lines(
        self, lines: t.Iterable[configuration.Line], config: t.Mapping[str, str], files: t.Mapping[str, bytes]
    ) -> str:
        return configuration.render(
            [pair for keyword, value in lines for pair in self._line(keyword, value, config, files)]
        )

    def _line(
        self,
        keyword: str,
        value: str,
        config: t.Mapping[str, str],
        files: t.Mapping[str, bytes],
    ) -> t.List[configuration.Line]:
        lower = keyword.lower()
        if lower == "user":
            return []
        if lower == "%include":
            return [(keyword, self.include(value, config, files))]
        if lower == "hiddenservicedir":
            return [(keyword, self._service(value.rstrip("/"), files))]
        return [(keyword, self.path(value) if lower in ("datadirectory", "cachedirectory", "keydirectory") else value)]

    def include(self, value: str, config: t.Mapping[str, str], files: t.Mapping[str, bytes]) -> str:
        copy = self.path(value)
        if value in config:
            self.write(copy, self.lines(configuration.parse(config[value]), config, files))
            return copy
        os.mkdir(copy)
        for path in sorted(path for path in config if os.path.dirname(path) == value.rstrip("/")):
            inner = os.path.join(copy, os.path.basename(path))
            self.real[inner] = path
            self.write(inner, self.lines(configuration.parse(config[path]), config, files))
        return copy

    def _service(self, directory: str, files: t.Mapping[str, bytes]) -> str:
        copy = self.path(directory)
        if directory + "/ob_config" in files:
            os.mkdir(copy, 0o700)
            self.write(copy + "/ob_config", files[directory + "/ob_config"].decode("utf-8", "replace"))
        return copy

    def named(self, text: str) -> str:
        """Real paths in what tor said."""
        for copy in sorted(self.real, key=len, reverse=True):
            text = text.replace(copy + "/", self.real[copy].rstrip("/") + "/").replace(copy, self.real[copy])
        return text


def refusals(program: str, name: str, config: t.Mapping[str, str], files: t.Mapping[str, bytes]) -> t.List[str]:
    """Why tor would refuse the configuration of an instance, empty when it would not.

    :param config: path to text of its torrc and everything included. :param files: path to content of ob_config files.
    :raises OnionfleetError: the defaults of the package are missing.
    """
    defaults = disk.read_text(DEFAULTS)
    if defaults is None:
        raise OnionfleetError(f"{DEFAULTS}: is missing; install the package tor of the distribution")
    with tempfile.TemporaryDirectory(prefix="onionfleet-") as root:
        copy = _Copy(root)
        torrc = locations.torrc_path(name)
        data, first, main = copy.path(f"{locations.DATA_ROOT}/{name}"), copy.path(DEFAULTS), copy.path(torrc)
        os.mkdir(data, 0o700)
        copy.write(first, copy.lines(configuration.parse(defaults.replace("@@NAME@@", name)), {}, {}))
        copy.write(main, copy.lines(configuration.parse(config[torrc]), config, files))
        done = command.execute(
            [program, "--defaults-torrc", first, "-f", main, "--verify-config"], timeout=60, HOME=root
        )
        said = copy.named(done.output + done.errors)
    return [] if done.code == 0 else _complaints(said)


def _complaints(said: str) -> t.List[str]:
    found = re.findall(r"\[(?:warn|err)\] (.*)", said)
    telling = [
        line for line in found if not re.match(r"Reading config failed|You are running Tor as root|Fixing perm", line)
    ]
    return telling or said.strip().splitlines()[-1:] or ["tor gave no reason"]
