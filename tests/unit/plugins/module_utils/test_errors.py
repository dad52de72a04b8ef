# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import socket
import struct
import subprocess
import sys

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import (
    OnionfleetError,
    collected,
    errors_fail,
    in_english,
)

PLUGINS = pathlib.Path(__file__).parents[4] / "plugins"
GERMAN = {"": "Content-Type: text/plain; charset=UTF-8\n", "Is a directory": "Ist ein Verzeichnis"}
# as ansible-playbook begins, with our catalogue for the C library
CONTROLLER = """
import ctypes, errno, locale, os, sys
from ansible_collections.onionfleet.balance.plugins.plugin_utils._store import archive
ctypes.CDLL(None).bindtextdomain(b"libc", os.fsencode(sys.argv[1]))
locale.setlocale(locale.LC_ALL, "")
try:
    archive.read(sys.argv[1], None)
except archive.OnionfleetError as error:
    print(error)
print(os.strerror(errno.EISDIR))
"""


def catalogue(words):
    """Translations as GNU gettext reads them (.mo)."""
    texts = [text.encode() + b"\0" for column in zip(*sorted(words.items())) for text in column]
    begins = [28 + 8 * len(texts) + sum(map(len, texts[:number])) for number in range(len(texts))]
    table = b"".join(struct.pack("<2I", len(text) - 1, begin) for text, begin in zip(texts, begins))
    return struct.pack("<7I", 0x950412DE, 0, len(words), 28, 28 + 8 * len(words), 0, 0) + table + b"".join(texts)


def test_the_systems_words_are_english_on_a_controller_that_is_not(tmp_path):
    (tmp_path / "de/LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "de/LC_MESSAGES/libc.mo").write_bytes(catalogue(GERMAN))
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "de", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", CONTROLLER, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    *ours, systems = done.stdout.splitlines()
    if systems != "Ist ein Verzeichnis":
        pytest.skip("this C library translates nothing in the locale C.UTF-8")
    assert ours == [f"{tmp_path}: cannot be read: Is a directory"]


def test_an_error_without_a_number_of_the_system_has_its_own_words():
    assert in_english(OSError("cannot read from timed out object")) == "cannot read from timed out object"
    assert in_english(socket.gaierror(socket.EAI_NONAME, "Name or service not known")) == "Name or service not known"


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(PLUGINS.rglob("*.py"))
        if path.name != "_errors.py"
    ],
    ids=lambda path: path.name,
)
def test_the_systems_words_are_taken_in_one_place(path):
    assert "strerror" not in path.read_text()


def test_faults_are_collected():
    def fails():
        raise OnionfleetError("one", "two")

    faults = ["zero"]
    assert collected(faults, lambda: 7) == 7
    assert collected(faults, fails) is None
    assert faults == ["zero", "one", "two"]


class Module:
    def fail_json(self, **result):
        self.result = result
        raise SystemExit


def work(module, error):
    done = []
    with errors_fail(module, lambda: {"done": done}):
        done.append("alphaw1")
        raise error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OnionfleetError("one", "two"), {"msg": "one\ntwo", "faults": ["one", "two"]}),
        (OSError(28, "Kein Platz", "/etc/tor"), {"msg": "/etc/tor: No space left on device"}),
        (OSError(28, "Kein Platz"), {"msg": "the host: No space left on device"}),
    ],
    ids=str,
)
def test_errors_fail_the_module_with_what_was_done_until_then(error, told):
    module = Module()
    with pytest.raises(SystemExit):
        work(module, error)
    assert module.result == {**told, "done": ["alphaw1"]}


def test_what_no_operator_can_mend_is_raised():
    with pytest.raises(ZeroDivisionError):
        work(Module(), ZeroDivisionError())
