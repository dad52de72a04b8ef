# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what the responsible HSDirs hold: reads lines of JSON, each a list of addresses, and answers each with a line.

hsdirs.py FOLDER: where the collection's module_utils are; asks through the probe client of this host.
"""

import json
import sys
import time

sys.path.insert(0, sys.argv[1])
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._tor.published import held_by_hsdirs

CONTROL = "/run/tor-instances/onionprobe/control"

for line in sys.stdin:
    try:
        answer = held_by_hsdirs(json.loads(line), CONTROL, credentials={}, timeout=20)
    except (OnionfleetError, OSError) as error:
        answer = {"error": str(error), "services": []}
    print(json.dumps({"at": time.time(), **answer}), flush=True)
