#!/usr/bin/python
# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onion_probe
short_description: Ask onion services through Tor, and wait until they answer
version_added: "0.1.0"
author: The onionfleet.balance developers (@onionfleet)
description:
  - Fetches pages from onion services, or connects to them, through a tor client on the host,
    and tells how many requests were answered, how fast, and by whom.
  - With O(wait), it asks again until the condition O(until) holds, and shows after each round what it waits for
    and for how long at most. Only services for which it does not hold yet are asked again.
  - Every request has circuits of its own. A new circuit is not a new visitor, as the client keeps the descriptor;
    O(fresh=client) makes it forget that too.
extends_documentation_fragment: [onionfleet.balance.attributes.read_only]
attributes:
  action:
    support: full
    description: The rounds and the judgement run on the controller.
options:
  targets:
    description: What to ask for.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: How results and messages call it; the address and port if it is absent.
        type: str
      address:
        description: The service's address, as in V(….onion).
        type: str
        required: true
      port:
        description: The service's port; by default 80 for http and 443 for https.
        type: int
      scheme:
        description: The protocol. With V(tcp), a connection is an answer.
        type: str
        choices: [http, https, tcp]
        default: http
      path:
        description: Path and query of the page.
        type: str
        default: /
      status:
        description: Status codes of HTTP that count as an answer; by default any below 400.
        type: list
        elements: int
        default: []
      contains:
        description: Text that the answer has to contain, in headers or body.
        type: str
        default: ""
      send:
        description: Text to send over a V(tcp) connection.
        type: str
        default: ""
      capture:
        description:
          - A regular expression with one group, searched in headers and body.
            What the group matches says who answered, as the name of a host that is in its page.
        type: str
        default: ""
      validate_certs:
        description:
          - Whether a certificate has to be valid for the address. An onion address names the service's key by itself,
            so few onion services have such certificates.
        type: bool
        default: false
  fresh:
    description:
      - V(circuit) takes new circuits for every request.
      - V(client) also forgets descriptors and everything else about the services, as a visitor who comes for the
        first time. Tor allows that once in 10 seconds, and the module waits for it.
      - V(first) does so before the first request of each round only, and takes new circuits for the others.
    type: str
    choices: [circuit, client, first]
    default: circuit
  requests:
    description: How often to ask each target in one round.
    type: int
    default: 1
  timeout:
    description: Seconds that a connection may take, and again each piece of the answer.
    type: int
    default: 60
  body:
    description: How many bytes of the last answer's body to return.
    type: int
    default: 0
  until:
    description: When a target is answered.
    type: dict
    default: {}
    suboptions:
      answered:
        description: V(all) its requests of one round, V(any) of them, or a number of them, have to be answered.
        type: str
        default: all
      answered_by:
        description: How many different answerers O(targets[].capture) has to find, all rounds together.
        type: int
        default: 0
  wait:
    description: Seconds after which no further round begins. 0 means one round.
    type: int
    default: 0
  fail:
    description: Whether to fail when the condition does not hold in the end.
    type: bool
    default: true
  control:
    description: Control socket of the tor client.
    type: path
    default: /run/tor-instances/onionprobe/control
  socks:
    description: SOCKS socket of the tor client. Errors are more telling if its SocksPort has C(ExtendedErrors).
    type: path
    default: /run/tor-instances/onionprobe/probe.sock
  credentials:
    description:
      - By a service's address, an authorized client's x25519 private key in base32, as C(.auth_private) files have it.
      - The client knows them while the module runs, and never on disk.
      - A malformed one is an error of the targets with this address, and of no other.
      - Needs pipelining (C(ansible_pipelining=true)), or Ansible would write it to a file on the host.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Wait until the page answers to visitors who come for the first time
  onionfleet.balance.onion_probe:
    targets:
      - name: newsroom
        address: 2qcz4ghce2roq2xhixog6nh6utoxm4szzl2nlurxncultp4yw2fybdid.onion
        capture: "served by ([a-z0-9-]+)"
    fresh: client
    requests: 3
    wait: 300
"""

RETURN = r"""
satisfied:
  description: Whether the condition holds for every target.
  returned: success
  type: bool
rounds:
  description: How many rounds it took.
  returned: success
  type: int
elapsed:
  description: Seconds since the first round began.
  returned: success
  type: float
targets:
  description: The last round of each target, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The target's name.
      type: str
    address:
      description: Its address.
      type: str
    port:
      description: Its port.
      type: int
    requests:
      description: How many requests were sent.
      type: int
    answered:
      description: How many were answered as expected.
      type: int
    failed:
      description: How many were not.
      type: int
    errors:
      description: How often each error came, as V(descriptor not found).
      type: dict
    seconds:
      description: How long each answered request took.
      type: list
      elements: float
    median:
      description: The median of these, or null.
      type: float
    answered_by:
      description: How often each answerer was found by O(targets[].capture), all rounds together.
      type: dict
    body:
      description: The beginning of the last answer's body, if O(body) asks for it.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import errors_fail
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.probe import ARGUMENTS, probe


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    with errors_fail(module):
        targets = probe(module.params)
    module.exit_json(changed=False, targets=targets)


if __name__ == "__main__":
    main()
