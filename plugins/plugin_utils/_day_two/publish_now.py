# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to publish services at once, because HSDirs hold nothing of them, or what somebody else made.

Module Overview:

    publish_now   what fleet_status found, and names of services -> one replica or publisher of each
"""

from __future__ import annotations

import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import near

Data = t.Dict[str, t.Any]


def publish_now(status: Data, names: t.Collection[str] = ()) -> Data:
    """Choose who publishes: of a hardmap the replica that its keeper lets publish, or that most visitors go to already.

    :param status: of fleet_status, just now.
    :param names: of services; none for those that no quorum of HSDirs holds, or holds as none of their hosts made them.
    :returns: ``daemons`` (host -> names) that publish, hosts of ``publishers`` that do, and ``faults``, sentences.
    """
    rows = {row["name"]: row for row in status["services"]}
    wanted = list(names) or status["unpublished"]
    faults = [f"onion_publish: no service is named '{name}'{near(name, rows)}" for name in wanted if name not in rows]
    daemons: t.Dict[str, t.List[str]] = {}
    publishers: t.Dict[str, None] = {}
    for row in (rows[name] for name in dict.fromkeys(wanted) if name in rows):
        running = [publisher for publisher in row["publishers"] if publisher["runs"]]
        able = [replica for replica in row["replicas"] if _able(replica)]
        if running:
            publishers[running[0]["host"]] = None
        elif able:
            chosen = max(able, key=_preference)
            of_host = daemons.setdefault(chosen["host"], [])
            of_host += [chosen["daemon"]] * (chosen["daemon"] not in of_host)
        else:
            faults.append(
                f"service '{row['name']}': none of its hosts could publish it; "
                f"{'; '.join(row['troubles']) or 'deploy it'}"
            )
    return {"daemons": daemons, "publishers": list(publishers), "faults": faults}


def _able(replica: Data) -> bool:
    """Whether it could serve who comes then."""
    keeper = replica["keeper"] or {"state": "", "targets": None}
    return bool(replica["introduction_circuits"]) and keeper["state"] != "drained" and keeper["targets"] is not False


def _preference(replica: Data) -> t.Tuple[bool, int]:
    return bool(replica["keeper"]) and replica["keeper"]["state"] in ("holds", "publishes"), replica["hsdirs"]
