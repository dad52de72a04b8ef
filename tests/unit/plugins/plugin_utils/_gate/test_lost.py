# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of hosts that brought nothing, as Ansible registers them."""

from __future__ import annotations

import pytest
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.admission import distrust, greedy
from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.lost import distrusted, first_line, lost

SENTENCES = [distrust("web1", "onion_host_info", "daemons: is missing"), greedy("web1", ["archive"])]


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"unreachable": True, "msg": "Failed to connect to the host via ssh"}, "host is not reachable"),
        ({"unreachable": True}, "host is not reachable"),
        ({"failed": True, "msg": "no python"}, "no python"),
        ({"failed": True, "msg": SENTENCES[0]}, SENTENCES[0]),
        ({"skipped": True}, "host was lost earlier in this run"),
        ({}, "host was lost earlier in this run"),
    ],
)
def test_why_nothing_is_known(result, why):
    assert lost(result) == why


@pytest.mark.parametrize("before", ["", "Task failed: ", "Task failed: Action failed: "])
@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_host_that_was_not_believed_is_told_from_one_that_is_down(sentence, before):
    """ansible-core 2.19 puts words before the message of an exception."""
    result = {"unreachable": True, "msg": before + sentence}
    assert lost(result) == "its answer is not to be trusted"
    assert distrusted(result) == sentence
    assert distrusted({**result, "msg": f"{before}{sentence}\n\nOrigin: tasks/main.yml"}) == sentence


@pytest.mark.parametrize(
    "message", ["Failed to connect", "host 'web1': is down", "", "one\nhost 'web1': its answer is not to be trusted"]
)
def test_others_were_believed(message):
    assert distrusted({"unreachable": True, "msg": message}) == ""


@pytest.mark.parametrize("sentence", SENTENCES)
def test_no_host_says_of_another_that_it_is_not_believed(sentence):
    assert distrusted({"failed": True, "msg": sentence}) == ""
    assert distrusted({"unreachable": True, "msg": f"Failed to connect to the host via ssh: {sentence}"}) == ""


def test_nothing_is_said_of_a_host_that_was_not_asked():
    assert distrusted({}) == ""


@pytest.mark.parametrize(
    ("result", "line"),
    [({"msg": "one\ntwo"}, "one"), ({"msg": ""}, "no reason given"), ({}, "no reason given"), ({"msg": 7}, "7")],
)
def test_first_line_of_a_message(result, line):
    assert first_line(result) == line
