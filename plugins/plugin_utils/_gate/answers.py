# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module that runs on hosts may answer: one table, for the gate, and for the tests of RETURN.

Module Overview:

    ANSWERS   name of a module -> the Record of what it answers when it succeeds
    COMMON    what any of them may add, and what a failure says; fields_of: all of a module
    FACTS     name of a module -> facts of the host that our roles read of it
    ASKED     name of a module -> where its answer has names, and where its arguments have those that it was asked about

What is not named here goes nowhere. A failure has all fields of its module, or none.
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._gate.shapes import (
    ACTING,
    LINES,
    Address,
    Data,
    Either,
    Flag,
    Many,
    Mapping,
    Maybe,
    Number,
    Record,
    Shape,
    Text,
    Whole,
    Word,
    record,
)

DAEMON = Word("[a-z0-9]{1,27}", "a name of a daemon")
SERVICE = Word("[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", "a name of a service")
INSTANCE = Word("[ !#-\\[\\]-z~]{1,255}/[a-z0-9]{1,27}", "an instance, host/daemon")
_OPENER = r"\{[{%#]"  # of a template
FILE = Word(rf"(?!\.\.?$)(?:(?!{_OPENER})[^/{ACTING}]){{1,255}}", "a name of a file")
PATH = Word(rf"/(?:(?!{_OPENER})[^{ACTING}]){{0,4095}}", "an absolute path")
RELAY = Word("[0-9A-F]{40}", "a relay's fingerprint")
POINT = Word("([0-9A-F]{40})?", "a relay's fingerprint, or empty")
POINT_KEY = Word("[A-Za-z0-9+/]{0,88}={0,2}", "a key in base64, or empty")
KEY = Word("[A-Za-z0-9+/]{1,88}={0,2}", "a key in base64")
BASE64 = Word("[A-Za-z0-9+/=\\s]{0,100000}", "base64 of a small file")
SHA256 = Word("[0-9a-f]{64}", "a SHA-256")
VERSION = Word("[0-9][0-9A-Za-z.~+-]{0,40}", "a version")
ACTION = Word("start|reload|restart|stop", "an action")
COUNTER = Whole(most=2**64)
PORT = Whole(1, 65535)
NEW = Word("<new>", "<new>")
LINED = Text(LINES, lines=True)

_PART: t.Dict[str, Shape] = {
    "before": Data(),
    "after": Data(),
    "before_header": Text(),
    "after_header": Text(),
    "prepared": LINED,
}
_CHANGE = Record(_PART, frozenset(_PART))

_LINED = record(before=LINED, after=LINED, before_header=Text(), after_header=Text())
# sentences, of which a host may have many, and none of which is long
_SENTENCES = Many(Text(1_000), 1_000)

COMMON: t.Dict[str, Shape] = {
    "changed": Flag(),
    "failed": Flag(),
    "msg": Text(LINES, lines=True),
    "faults": _SENTENCES,
    "diff": Either(Many(_CHANGE), _CHANGE),
    "warnings": _SENTENCES,
    "module_stdout": LINED,
    "module_stderr": LINED,
}

_MADE = record(
    address=Address(),
    directory=FILE,
    revision_counter=Maybe(COUNTER),
    blinded_key=Maybe(KEY),
    signing_key=Maybe(KEY),
    introduction_points=Maybe(Many(POINT)),
    introduction_keys=Maybe(Many(POINT_KEY)),
    introduction_circuits=Many(RELAY),
    silent_targets=Many(Text(1_000), 1_000),
)
_HELD = record(
    fingerprint=RELAY,
    replica=Whole(1, 16),
    held=Flag(),
    error=Maybe(Word("[A-Z_]{1,40}", "a reason of tor")),
    revision_counter=Maybe(COUNTER),
    blinded_key=Maybe(KEY),
    signing_key=Maybe(KEY),
    age_hours=Maybe(Whole()),
    introduction_points=Maybe(Many(POINT)),
    introduction_keys=Maybe(Many(POINT_KEY)),
)
_ACT = Maybe(record(at=Number(), why=Text()))

_THERE = record(
    daemons=Many(
        record(
            name=FILE,
            managed=Flag(),
            running=Flag(),
            single_hop=Flag(),
            services=Many(
                record(
                    name=Maybe(SERVICE),
                    directory=FILE,
                    address=Maybe(Address()),
                    frontends=Many(Address()),
                    clients=Whole(),
                )
            ),
        )
    ),
    publisher=Maybe(
        record(
            running=Flag(),
            services=Many(record(name=SERVICE, configured=Flag(), address=Maybe(Address()))),
        )
    ),
    keeper=Maybe(record(running=Flag(), services=Many(SERVICE))),
    installed=Flag(),
)

ANSWERS: t.Dict[str, Record] = {
    "keeper_config": record(action=Word("start|restart|none", "an action of a keeper, or none")),
    "keeper_info": record(
        stale=Flag(),
        error=Text(),
        status=Maybe(
            record(
                time=Number(),
                turned=Number(),
                services=Many(
                    record(
                        # an older keeper may not tell all of it
                        optional=("address", "why", "probes"),
                        name=SERVICE,
                        address=Address(),
                        targets=Flag(),
                        answers=Maybe(Flag()),
                        why=Text(),
                        probes=record(answered=Whole(), failed=Whole()),
                        hsdirs_answer=Maybe(Flag()),
                        replicas=Many(
                            record(
                                optional=("daemon",),
                                name=INSTANCE,
                                daemon=DAEMON,
                                drained=Flag(),
                                holds=Maybe(Flag()),
                                publishes=Maybe(Flag()),
                                armed=Flag(),
                                ready=Flag(),
                                published=Many(Number()),
                                took_over=_ACT,
                                took_its_turn=_ACT,
                            )
                        ),
                    )
                ),
            )
        ),
    ),
    "onion_client_key": record(
        clients=Many(
            record(
                name=Word("[A-Za-z0-9_-]{1,255}", "a name of a client"),
                public_key=Either(Word("[A-Z2-7]{52}", "a client's public key"), NEW),
            )
        ),
        removed=Many(FILE),
    ),
    "onion_descriptor_info": record(
        optional=("period", "services", "daemons"),
        period=record(
            number=Whole(), length=Whole(1), random_value=Word("current|previous", "a name of a shared random value")
        ),
        services=Many(
            record(
                address=Address(),
                responsible=Whole(0, 256),
                held=Whole(0, 256),
                newest=Whole(0, 256),
                revision_counter=Maybe(COUNTER),
                hsdirs=Many(_HELD, 256),
            )
        ),
        daemons=Many(record(name=DAEMON, error=Maybe(Text()), services=Many(_MADE))),
    ),
    "onion_drain": record(daemons=Many(record(name=DAEMON, streams=Whole(), error=Maybe(Text()))), seconds=Number()),
    "onion_host_info": _THERE,
    "onion_key": record(address=Either(Address(), NEW), public_key=Either(KEY, NEW)),
    "onion_probe": record(
        targets=Many(
            record(
                optional=("body",),
                name=Text(),
                address=Address(),
                port=PORT,
                requests=Whole(),
                answered=Whole(),
                failed=Whole(),
                errors=Mapping(Text(), Whole()),
                seconds=Many(Number()),
                median=Maybe(Number()),
                answered_by=Mapping(Text(), Whole()),
                body=LINED,
            )
        )
    ),
    "onion_publishing": record(
        daemons=Many(
            record(
                name=DAEMON,
                changed=Flag(),
                error=Maybe(Text()),
                services=Many(record(address=Address(), tried=Whole(), taken=Whole(), refused=Whole())),
            )
        )
    ),
    "onion_retire": record(removed=Many(Text())),
    "onionbalance_config": record(
        action=Word("start|reload|restart|stop|none", "an action, or none"), kept_keys=Many(PATH)
    ),
    "onionbalance_info": record(
        configured=Many(
            record(
                name=SERVICE,
                instances=Many(record(name=INSTANCE, address=Maybe(Address()), drained=Flag())),
            )
        ),
        status=Maybe(
            record(
                # an older publisher may not tell all of it
                optional=("tor", "probes"),
                started=Number(),
                loaded=Maybe(SHA256),
                tor=record(connected=Flag(), consensus=Flag()),
                probes=record(interval=Number(), per_minute=Number(), suspended=Flag()),
                services=Many(
                    record(
                        optional=("introduction_points",),
                        name=SERVICE,
                        address=Address(),
                        introduction_points=Whole(),
                        descriptors=Many(
                            record(
                                optional=("revision_counter", "hsdirs", "uploaded", "failed"),
                                signing_key=Maybe(KEY),
                                revision_counter=Maybe(COUNTER),
                                hsdirs=Whole(),
                                uploaded=Whole(),
                                failed=Whole(),
                            )
                        ),
                        instances=Many(
                            record(
                                optional=("known", "listed", "since", "last_answer_seconds", "failures"),
                                name=INSTANCE,
                                address=Address(),
                                state=Word("up|down|drained|unknown", "a state of a backend"),
                                known=Flag(),
                                listed=Flag(),
                                listed_keys=Many(KEY),
                                since=Maybe(Number()),
                                last_answer_seconds=Maybe(Number()),
                                failures=Whole(),
                            )
                        ),
                    )
                ),
            )
        ),
        error=Text(),
    ),
    "preflight": record(
        faults=_SENTENCES,
        hints=_SENTENCES,
        missing_keys=Many(SERVICE),
        tor=Maybe(VERSION),
        clock=record(now=Number()),
        there=Maybe(_THERE),
    ),
    "program": record(),
    "rolling_info": record(
        outdated=Many(DAEMON), publisher=Flag(), left_out=Many(INSTANCE), reboot=Flag()
    ),
    "tor_authority_keys": record(
        authorities=Mapping(DAEMON, record(v3ident=RELAY, fingerprint=RELAY)), created=Many(DAEMON)
    ),
    "tor_daemons": record(
        optional=("failed_daemon",),
        done=Many(record(name=DAEMON, action=ACTION, seconds=Number())),
        failed_daemon=DAEMON,
    ),
    "tor_instances": record(
        actions=Many(
            record(
                name=DAEMON,
                action=ACTION,
                reasons=Many(Text()),
                revisions=Mapping(SERVICE, COUNTER),
                stagger=Whole(0, 3600),
            ),
            by="name",
        ),
        orphans=Many(record(daemon=FILE, service=Maybe(SERVICE))),
        kept_keys=Many(PATH),
    ),
    # of ansible-core: what our roles use of it
    "ansible.builtin.apt": record(),
    "ansible.builtin.command": record(rc=Whole(-255, 255), stdout=LINED, stderr=LINED),
    "ansible.builtin.dpkg_selections": record(),
    "ansible.builtin.file": record(),
    "ansible.builtin.find": record(
        files=Many(
            record(
                optional=("checksum",),
                path=PATH,
                isreg=Flag(),
                mode=Word("[0-7]{4}", "a mode"),
                uid=Whole(),
                gid=Whole(),
                checksum=Word("[0-9a-f]{40}", "a SHA-1"),
            ),
            most=100_000,
        )
    ),
    "ansible.builtin.ping": record(ping=Word("pong", "pong")),
    "ansible.builtin.reboot": record(),
    "ansible.builtin.setup": record(),
    "ansible.builtin.slurp": record(content=BASE64),
    "ansible.builtin.systemd_service": record(),
    "ansible.builtin.template": record(),
    "ansible.builtin.user": record(),
}

# the parts of these are read by verification
_DIFFS = {"keeper_config", "onionbalance_config", "tor_instances"}


def fields_of(module: str) -> t.Dict[str, Shape]:
    """All that a module may answer."""
    return {**COMMON, **({"diff": Many(_LINED)} if module in _DIFFS else {}), **ANSWERS[module].fields}


_ROUTE = record(optional=("address", "gateway", "interface"), address=Text(), gateway=Text(), interface=Text())
FACTS: t.Dict[str, Record] = {
    "ansible.builtin.setup": record(
        optional=("ansible_default_ipv4", "ansible_default_ipv6"),
        ansible_default_ipv4=_ROUTE,
        ansible_default_ipv6=_ROUTE,
    ),
}

# path in the answer, path in the arguments; an answer about what it was not asked would count for something else
ASKED: t.Dict[str, t.Tuple[t.Tuple[str, str], ...]] = {
    "onion_descriptor_info": (("daemons.name", "daemons"), ("services.address", "addresses")),
    "onion_drain": (("daemons.name", "daemons"),),
    "onion_probe": (("targets.address", "targets.address"),),
    "onion_publishing": (("daemons.name", "daemons"),),
    "rolling_info": (("outdated", "daemons"),),
    "tor_authority_keys": (("authorities", "authorities"), ("created", "authorities")),
    "tor_daemons": (("done.name", "actions.name"),),
    "tor_instances": (("actions.name", "daemons.name"),),
}
