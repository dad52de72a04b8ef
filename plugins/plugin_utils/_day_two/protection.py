# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What protects a service in places that it leaves, and would not in those that it has by the plan. All pure.

What stays in its place is looked at by its host, in the preflight: there it may be somebody else's tor, too.

Module Overview:

    lowered   leaving places, those that stay, the plan -> a sentence for each protection that would go without a word
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._plan.layouts import Data
from ansible_collections.onionfleet.balance.plugins.plugin_utils._status.found import Place, shown

_REMEDY = {"hardmap": "name clients", "softmap": "keep the layout hardmap, the only one that has clients"}


def lowered(gone: t.Iterable[Place], places: t.Iterable[Place], plan: Data) -> t.List[str]:
    """Faults of services that would be opened, or lose their anonymity, by moving.

    One whose new places are there and at work without the protection has lost it already, by the word of an earlier
    run.

    :param gone: of present services, and of others. :param places: of all hosts.
    """
    found = []
    for name, planned in plan["services"].items():
        if planned["state"] != "present" or planned["lower_protection"]:
            continue
        leaving = [place for place in gone if place.owner == name]
        new = [place for place in places if place.owner == name and place.stays and place.at_work]
        restricted = [place for place in leaving if place.clients]
        if restricted and not planned["restricted"] and all(place.clients for place in new):
            found.append(
                f"service '{name}': authorized_clients: clients are authorized on {shown(restricted)}, and none in the "
                f"declaration, so that everybody could come in; {_REMEDY[planned['layout']]}, or say "
                "'lower_protection: true'"
            )
        anonymous = [place for place in leaving if not place.single_hop]
        if anonymous and planned["single_hop"] and not any(place.single_hop for place in new):
            found.append(
                f"service '{name}': single_hop: the service is anonymous on {shown(anonymous)}, and everybody could "
                "learn where it is; remove the field, or say 'lower_protection: true'"
            )
    return found
