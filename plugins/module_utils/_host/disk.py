# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on a host: what they are to be, what differs, and writing several together or not at all.

Overview::

  Node         a directory or a file that is to be there, with mode, owner and content
  alone        keeps other runs from changing the host meanwhile
  Transaction  writes and removes files; rolls all of it back when one step fails
  passages     directories that daemons' users cannot pass
  read_text    the text of a file, or None
  last_change  when files were last changed
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import grp
import os
import pwd
import stat
import types
import typing as t

from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError, in_english
from ansible_collections.onionfleet.balance.plugins.module_utils._host import wipe
from ansible_collections.onionfleet.balance.plugins.module_utils._host.safe_open import open_file, opened

_LOCK = "/run/onionfleet.lock"
_MOST_BYTES = 16 << 20


@dataclasses.dataclass(frozen=True)
class Node:
    """``content`` None: a directory. ``label``: what a diff shows instead of the content, for keys.

    ``kept``: a file that is there and keeps its content; only its mode and owner are set.
    """

    path: str
    mode: int
    owner: str
    group: str
    content: t.Optional[bytes] = dataclasses.field(default=None, repr=False)
    label: str = ""
    kept: bool = False

    def shown(self) -> str:
        return self.label or (self.content or b"").decode("utf-8", "replace")


def user_id(name: str) -> t.Optional[int]:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def group_id(name: str) -> t.Optional[int]:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def read_bytes(path: str) -> t.Optional[bytes]:
    """The content of a regular file, None where there is none.

    :raises OnionfleetError: something else is there, or it is too large to be any of ours or of tor's.
    """
    try:
        with os.fdopen(open_file(path, os.O_RDONLY), "rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(content) > _MOST_BYTES:
        raise OnionfleetError(f"{path}: is larger than {_MOST_BYTES >> 20} MiB; move it away")
    return content


def read_text(path: str) -> t.Optional[str]:
    content = read_bytes(path)
    return None if content is None else content.decode("utf-8", "surrogateescape")


def listed(directory: str) -> t.List[str]:
    """Names in a directory but for dotfiles, sorted; none where there is no directory."""
    try:
        with opened(directory) as handle:
            return sorted(name for name in os.listdir(handle) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def differs(node: Node) -> bool:
    """Whether the disk has not yet what a node says: kind, mode, owner, group, content."""
    try:
        status = os.lstat(node.path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    kind = stat.S_ISDIR if node.content is None else stat.S_ISREG
    attributes = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    if not kind(status.st_mode) or attributes != (node.mode, user_id(node.owner), group_id(node.group)):
        return True
    return node.content is not None and not node.label and read_bytes(node.path) != node.content


def passages(paths: t.Iterable[str]) -> t.List[Node]:
    """Root's directories that are there and do not let every user through, with the mode that does.

    Missing ones are made on the way to what is in them.
    """
    return [
        Node(path, 0o755, "root", "root") for path in paths if os.path.isdir(path) and not os.stat(path).st_mode & 0o001
    ]


def directory_faults(node: Node) -> t.Iterator[str]:
    """What speaks against using a directory as it is: no directory, or another owner's."""
    try:
        status = os.lstat(node.path)
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISDIR(status.st_mode):
        yield f"{node.path}: is no directory; move it away"
    elif status.st_uid != user_id(node.owner):
        yield (
            f"{node.path}: belongs to user {status.st_uid}, not to {node.owner}; "
            "change its owner or name another directory"
        )


@contextlib.contextmanager
def alone() -> t.Iterator[None]:
    """Keep other runs from changing this host at the same time.

    :raises OnionfleetError: one does.
    """
    handle = os.open(_LOCK, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise OnionfleetError(
            "another run is changing this host's onion services; try again when it has ended"
        ) from None
    finally:
        os.close(handle)


class Transaction:
    """Writes nodes and removes files. Leaving it by an exception brings back every file as it was.

    New content is written beside its place first, so that a full disk is met before anything is replaced; what is
    replaced is kept under a second name until all is done. Directories and keys that were made stay.
    """

    def __init__(self) -> None:
        self._staged: t.List[t.Tuple[str, str]] = []
        self._kept: t.List[t.Tuple[str, t.Optional[str]]] = []

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self,
        kind: t.Optional[t.Type[BaseException]],
        error: t.Optional[BaseException],
        _trace: t.Optional[types.TracebackType],
    ) -> None:
        if kind is not None:
            for path, kept in reversed(self._kept):
                self._restore(path, kept)
        for leftover in [kept for _path, kept in self._kept if kept] + [temporary for temporary, _path in self._staged]:
            with contextlib.suppress(OSError):  # the next run removes it
                _unlink(leftover)
        if isinstance(error, OSError):
            raise OnionfleetError(
                f"{error.filename or 'the disk'}: {in_english(error)}; the previous configuration is back in place"
            ) from None

    @staticmethod
    def _restore(path: str, kept: t.Optional[str]) -> None:
        if kept is not None:
            _rename(kept, path)
        elif not path.endswith("/hs_ed25519_secret_key"):
            _unlink(path)

    def write(self, nodes: t.Iterable[Node], removed: t.Iterable[str]) -> None:
        """Bring all of it about, in the order given; removals last.

        :raises OSError: the disk would not; ``__exit__`` makes an OnionfleetError of it.
        """
        nodes, removed = list(nodes), list(removed)
        for directory in {os.path.dirname(path) for path in [node.path for node in nodes] + removed}:
            _clean(directory)
        for node in nodes:
            try:
                if node.kept:
                    _set_attributes(node)
                elif node.content is None:
                    _make_directory(node)
                else:
                    self._stage(node, node.content)
            except OSError as error:
                raise OSError(error.errno, in_english(error), node.path) from None
        for temporary, path in self._staged:
            self._keep(path)
            _rename(temporary, path)
        for path in removed:
            self._keep(path)
            _unlink(path)
        for directory in sorted({os.path.dirname(path) for _temporary, path in self._staged}):
            _sync_directory(directory)

    def _stage(self, node: Node, content: bytes) -> None:
        temporary = _beside(node.path, "new")
        self._staged.append((temporary, node.path))
        with opened(os.path.dirname(temporary)) as folder:
            handle = os.open(os.path.basename(temporary), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            os.fchown(handle, t.cast(int, user_id(node.owner)), t.cast(int, group_id(node.group)))
            os.fchmod(handle, node.mode)
            stream.flush()
            os.fsync(handle)

    def _keep(self, path: str) -> None:
        kept: t.Optional[str] = _beside(path, "old")
        try:
            with opened(os.path.dirname(path)) as folder:
                os.link(
                    os.path.basename(path),
                    os.path.basename(t.cast(str, kept)),
                    src_dir_fd=folder,
                    dst_dir_fd=folder,
                    follow_symlinks=False,
                )
        except FileNotFoundError:
            kept = None
        self._kept.append((path, kept))


def _beside(path: str, what: str) -> str:
    """A name that tor does not include, in the same directory."""
    directory, name = os.path.split(path)
    return f"{directory}/.{name}.{what}"


def last_change(roots: t.Iterable[str]) -> float:
    """When files, or files in folders, were last changed: seconds since the epoch, 0 where there is none."""
    found = list(roots)
    for root in list(found):
        found += [os.path.join(folder, name) for folder, _folders, names in os.walk(root) for name in names]
    return max((os.stat(path).st_ctime for path in found if os.path.isfile(path)), default=0)


def _clean(directory: str) -> None:
    """Remove what a killed run left beside its places."""
    with contextlib.suppress(FileNotFoundError), opened(directory) as folder:
        for name in os.listdir(folder):
            if name.startswith(".") and name.endswith((".new", ".old")):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if not stat.S_ISDIR(found.st_mode) and found.st_nlink > 1:  # the file itself is still in its place
                    os.unlink(name, dir_fd=folder)
                else:
                    wipe.remove(f"{directory}/{name}")


def _rename(path: str, to: str) -> None:
    with opened(os.path.dirname(to)) as folder:
        os.rename(os.path.basename(path), os.path.basename(to), src_dir_fd=folder, dst_dir_fd=folder)


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError), opened(os.path.dirname(path)) as folder:
        os.unlink(os.path.basename(path), dir_fd=folder)


def _set_attributes(node: Node) -> None:
    with os.fdopen(open_file(node.path, os.O_RDONLY), "rb") as stream:
        os.fchown(stream.fileno(), t.cast(int, user_id(node.owner)), t.cast(int, group_id(node.group)))
        os.fchmod(stream.fileno(), node.mode)


def _make_directory(node: Node) -> None:
    parent, name = os.path.split(node.path)
    with opened(parent, make=0o755) as folder:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)
        handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            os.fchown(handle, t.cast(int, user_id(node.owner)), t.cast(int, group_id(node.group)))
            os.fchmod(handle, node.mode)
        finally:
            os.close(handle)


def _sync_directory(path: str) -> None:
    with opened(path) as folder:
        os.fsync(folder)
