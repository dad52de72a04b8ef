# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``onion_…`` variables that this collection reads, and those that an operator may have misspelt.

Module Overview:

    READ       what operators set
    unknown    names of variables -> faults, of misspelt ones, and hints, of others that nothing reads
"""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import near

DECLARATION = (
    "onion_services",
    "onion_daemon_options",
    "onion_daemons",
    "onion_network_options",
    "onion_probe_hosts",
    "onion_publisher",
    "onion_keeper",
    "onion_drained",
    "onion_targets",
    "onion_client_credentials",
    "onion_option_secrets",
)
READ = (
    *DECLARATION,
    "onion_backup_file",
    "onion_backup_files",
    "onion_clients_dir",
    "onion_clients_new",
    "onion_clients_of",
    "onion_clients_revoked",
    "onion_compromised",
    "onion_import",
    "onion_keys_dir",
    "onion_picture_file",
    "onion_picture_redacted",
    "onion_publish",
    "onion_publish_timeout",
    "onion_renew",
    "onion_renew_timeout",
    "onion_restore_files",
    "onion_restore_folder",
    "onion_status_format",
    "onion_vault_id",
)
# what our playbooks register themselves
_MADE = (
    "onion_backup",
    "onion_clients_folder",
    "onion_clients_kept",
    "onion_clients_make",
    "onion_clients_result",
    "onion_clients_revoke",
    "onion_clients_service",
    "onion_clients_store",
    "onion_clients_there",
    "onion_compromised_hosts",
    "onion_keys_running",
    "onion_keys_store",
    "onion_plan",
    "onion_publish_by",
    "onion_publish_waits_for",
    "onion_renew_faults",
    "onion_renew_here",
    "onion_renew_names",
    "onion_renew_told",
    "onion_renew_waits_for",
    "onion_restored",
)
_MISSPELT = 0.85  # of 1, as difflib measures


def unknown(names: t.Iterable[str]) -> t.Tuple[t.List[str], t.List[str]]:
    """Sort out variables that nothing reads.

    :param names: of all variables; those that do not begin with ``onion_`` are no matter.
    :returns: faults, of those that are almost the name of one that is read; hints, of the others.
    """
    faults, hints = [], []
    for name in sorted({str(name) for name in names if str(name).startswith("onion_")} - {*READ, *_MADE}):
        if difflib.get_close_matches(name, READ, n=1, cutoff=_MISSPELT):
            faults.append(f"{name}: no such variable is read{near(name, READ)}; rename or remove it")
        else:
            hints.append(f"{name}: no such variable is read{near(name, READ)}")
    return faults, hints
