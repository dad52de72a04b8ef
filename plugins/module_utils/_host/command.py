# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program with a time limit, which AnsibleModule.run_command has no option for; as root has it, and in English.

Overview::

  environment   of a program
  execute       runs it
"""

from __future__ import annotations

import asyncio
import os
import typing as t


class Done(t.NamedTuple):
    """A program that has ended: its exit code and what it wrote."""

    code: int
    output: str
    errors: str


def environment(**more: str) -> t.Dict[str, str]:
    """Ours, with the directories of root's programs, which su leaves out, and without a language."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
    return {**os.environ, "PATH": path, "LC_ALL": "C", **more}


def execute(command: t.Sequence[str], *, timeout: float, **variables: str) -> Done:
    """Run a program with nothing to read.

    :param variables: of its environment.
    :param timeout: seconds after which it is killed.
    :raises OSError: it cannot be started. :raises TimeoutError: it took too long.
    """
    return asyncio.run(_execute(command, environment(**variables), timeout))


async def _execute(command: t.Sequence[str], variables: t.Mapping[str, str], timeout: float) -> Done:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=variables,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), timeout)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        raise TimeoutError(f"{command[0]} did not end in {timeout:g} s") from None
    return Done(process.returncode or 0, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))
