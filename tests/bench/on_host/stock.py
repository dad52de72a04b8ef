# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stock Onionbalance from its wheel, with production timers.

stock.py WHEEL ...: the arguments are Onionbalance's. On a network with short time periods it must run with
--is-testnet, which shortens its timers, too; here they stay what they are in production.
"""

import sys

sys.path.insert(0, sys.argv.pop(1))
from onionbalance.common import argparser
from onionbalance.hs_v3 import manager, params

for name in [name for name in vars(params) if name.endswith("_TESTNET")]:
    setattr(params, name, getattr(params, name[: -len("_TESTNET")]))
sys.exit(manager.main(argparser.get_common_argparser().parse_args()))
