# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that this collection reads, ``onion_…`` and those of its roles, and those that may be misspelt.

Module Overview:

    READ       what operators set
    unknown    names of variables -> faults, of misspelt ones, and hints, of others that nothing reads
"""

from __future__ import annotations

import difflib
import functools
import pathlib
import typing as t

from ansible.module_utils.common.yaml import yaml_load
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
# what roles and playbooks register or set themselves, spelt like an option of a role
_MADE_BESIDE_OPTIONS = (
    "daemons_restarted",
    "private_tor_network_keys",
    "roll_reboots",
    "roll_upgraded",
    "roll_upgrades",
    "softmap_publisher_wheel_name",
)
# of 1, as difflib measures; operators have roles of their own, whose variables may begin like those of ours
_MISSPELT, _MISSPELT_OPTION = 0.85, 0.9
_ROLES = pathlib.Path(__file__).parents[3] / "roles"


@functools.lru_cache(maxsize=None)
def _role_options() -> t.Tuple[t.Tuple[str, ...], t.FrozenSet[str]]:
    """What begins the names of our roles' variables; and their options."""
    files = sorted(_ROLES.glob("*/meta/argument_specs.yml"))
    entries = [entry for file in files for entry in yaml_load(file.read_text())["argument_specs"].values()]
    options = frozenset(option for entry in entries for option in entry.get("options") or ())
    # other collections have variables that begin like those of our role tor
    return tuple(f"{file.parents[1].name}_" for file in files if file.parents[1].name != "tor"), options


def unknown(*variables: t.Iterable[str]) -> t.Tuple[t.List[str], t.List[str]]:
    """Sort out variables that nothing reads.

    :param variables: names of all variables, or mappings by them, of each host; those that neither begin with
        ``onion_`` nor are almost the name of an option of our roles are no matter.
    :returns: faults, of those that are almost the name of one that is read; hints, of other ``onion_…`` ones.
    """
    begins, options = _role_options()
    faults, hints = [], []
    names = {str(name) for of_host in variables for name in of_host if str(name).startswith(("onion_", *begins))}
    for name in sorted(names - {*READ, *_MADE, *_MADE_BESIDE_OPTIONS, *options}):
        ours = name.startswith("onion_")
        known, cutoff = (READ, _MISSPELT) if ours else (options, _MISSPELT_OPTION)
        if difflib.get_close_matches(name, known, n=1, cutoff=cutoff):
            faults.append(f"{name}: no such variable is read{near(name, known)}; rename or remove it")
        elif ours:
            hints.append(f"{name}: no such variable is read{near(name, known)}")
    return faults, hints
