# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How publisher and keeper tell their state. They bring this file along; the file status_socket reads what they answer.

Overview::

  exposition   samples in Prometheus's text format
  replace      write a file that its readers never see in part
  notify       tell systemd
  log_to       have loggers write to stderr, as systemd's journal wants it
"""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import socket
import sys
import tempfile
import typing as t

Families = t.Mapping[str, t.Tuple[str, str]]
Sample = t.Tuple[str, t.Mapping[str, str], float]

# of systemd: debug, info, warning for what is below a level of logging
_PRIORITIES, _ERROR = ((logging.INFO, 7), (logging.WARNING, 6), (logging.ERROR, 4)), 3


def exposition(prefix: str, families: Families, samples: t.Iterable[Sample]) -> str:
    """Prometheus text format 0.0.4.

    :param prefix: of all names. :param families: name -> type and help, in the order of the text.
    :param samples: name, labels and value of each.
    """
    lines: t.Dict[str, t.List[str]] = {}
    for name, labels, value in samples:
        text = ",".join(f'{key}="{_escaped(one)}"' for key, one in labels.items())
        lines.setdefault(name, []).append(f"{prefix}{name}{'{' + text + '}' if text else ''} {_number(value)}")
    told = [line for name, (kind, explanation) in families.items() if name in lines
            for line in (f"# HELP {prefix}{name} {explanation}", f"# TYPE {prefix}{name} {kind}", *lines[name])]
    return "\n".join(told) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() else repr(round(float(value), 3))


def replace(path: pathlib.Path, text: str) -> None:
    """Write a file that its readers never see in part, 0640. :raises OSError: the disk would not."""
    descriptor, temporary = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(file.fileno(), 0o640)
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def notify(state: str) -> None:
    """Tell systemd, where it wants to know (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)


def log_to(loggers: t.Iterable[logging.Logger]) -> None:
    """To stderr; with systemd's priorities where it listens, and the time where nobody adds it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Journal() if os.environ.get("JOURNAL_STREAM") else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    for logger in loggers:
        logger.addHandler(handler)


class _Journal(logging.Formatter):
    """Each line with its priority (sd-daemon)."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next((number for level, number in _PRIORITIES if record.levelno < level), _ERROR)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())
