# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything on a host that a run could have changed, as JSON: files below the given folders, packages, units."""

import grp
import hashlib
import json
import os
import pwd
import stat
import subprocess
import sys

# what Debian's own services and tor keep writing by themselves
RESTLESS = (
    "/var/lib/systemd/",
    "/var/lib/dbus/",
    "/var/lib/private/",
    "/var/lib/NetworkManager/",
    "/var/lib/apt/daily_lock",
    "/var/lib/logrotate/",
)


def name(table, number):
    try:
        return table(number)[0]
    except KeyError:
        return str(number)


def entry(path):
    status = os.lstat(path)
    found = {
        "mode": oct(status.st_mode),
        "owner": name(pwd.getpwuid, status.st_uid),
        "group": name(grp.getgrgid, status.st_gid),
        "mtime": status.st_mtime_ns,
    }
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            found["sha256"] = hashlib.sha256(file.read()).hexdigest()
    elif stat.S_ISLNK(status.st_mode):
        found["link"] = os.readlink(path)
    return found


files = {}
for root in sys.argv[1:]:
    for folder, folders, names in os.walk(root):
        for path in [folder] + [os.path.join(folder, each) for each in names]:
            if not path.startswith(RESTLESS):
                try:
                    files[path] = entry(path)
                except FileNotFoundError:
                    pass
        folders.sort()


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True).stdout


units = {}
for block in (
    output(
        "systemctl",
        "show",
        "--all",
        "--property=Id,ActiveState,UnitFileState,InvocationID,MainPID",
        "tor*",
        "pages*",
        "onion*",
    )
    .strip()
    .split("\n\n")
):
    values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    if values:
        units[values.pop("Id")] = values
packages = output("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Want} ${db:Status-Status} ${Version}\n")
json.dump(
    {
        "files": files,
        "units": units,
        "packages": packages.splitlines(),
        "users": sorted(user.pw_name for user in pwd.getpwall()),
    },
    sys.stdout,
)
