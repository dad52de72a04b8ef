# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import grp
import os
import pathlib
import pwd

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._host import disk
from ansible_collections.onionfleet.balance.plugins.module_utils._host.disk import Node, Transaction

ME, MINE = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name


def node(path: pathlib.Path, content: str | None = None, mode: int = 0o600) -> Node:
    return Node(str(path), mode, ME, MINE, None if content is None else content.encode())


def tree(root: pathlib.Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def write(nodes: list[Node], removed: list[str]) -> None:
    with Transaction() as transaction:
        transaction.write(nodes, removed)


def test_writes_with_modes_and_leaves_nothing_beside(tmp_path: pathlib.Path) -> None:
    wanted = [node(tmp_path / "d", mode=0o2700), node(tmp_path / "d/a", "new", 0o640), node(tmp_path / "b", "b")]
    (tmp_path / "b").write_text("old")
    (tmp_path / "gone").write_text("x")
    (tmp_path / ".b.new").write_text("of a killed run")
    assert all(disk.differs(item) for item in wanted)
    write(wanted, [str(tmp_path / "gone"), str(tmp_path / "never")])
    assert tree(tmp_path) == {"b": "b", "d/a": "new"}
    assert not any(disk.differs(item) for item in wanted)
    assert (tmp_path / "d/a").stat().st_mode & 0o7777 == 0o640


def test_what_killed_runs_left_goes_and_what_is_in_its_place_stays(tmp_path: pathlib.Path) -> None:
    (tmp_path / "torrc").write_text("in place")
    os.link(tmp_path / "torrc", tmp_path / ".torrc.old")  # killed before the new one had its place
    (tmp_path / ".a.conf.old").write_text("HashedControlPassword")
    (tmp_path / ".shopw1.old").mkdir()  # a daemon that was being retired
    (tmp_path / ".shopw1.old/torrc").write_text("HashedControlPassword")
    os.link(tmp_path / ".shopw1.old/torrc", tmp_path.parent / "linked")
    write([node(tmp_path / "b", "b")], [])
    assert tree(tmp_path) == {"b": "b", "torrc": "in place"}
    assert sorted(os.listdir(tmp_path)) == ["b", "torrc"]
    assert b"Hashed" not in (tmp_path.parent / "linked").read_bytes()


def test_a_file_that_is_kept_gets_its_mode_and_stays_itself(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "key"
    path.write_text("secret")
    path.chmod(0o644)
    kept, inode = Node(str(path), 0o600, ME, MINE, b"", "key\n", kept=True), path.stat().st_ino
    assert disk.differs(kept)
    write([kept], [])
    assert not disk.differs(kept)
    assert (path.read_text(), path.stat().st_ino) == ("secret", inode)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    tmp_path.chmod(0o777)
    with pytest.raises(OnionfleetError, match="is no regular file"):
        write([kept], [])


@pytest.mark.parametrize("broken", ["fsync", "rename", "link", "unlink"])
def test_a_failing_step_brings_everything_back(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    (tmp_path / "a").write_text("old a")
    (tmp_path / "c").write_text("old c")
    (tmp_path / "d").write_text("old d")
    real, calls = getattr(os, broken), []

    def second_fails(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")
        return real(*args, **kwargs)

    monkeypatch.setattr(os, broken, second_fails)
    with pytest.raises((OnionfleetError, OSError), match="No space left"):
        write(
            [node(tmp_path / "a", "new a"), node(tmp_path / "b", "new b")], [str(tmp_path / "c"), str(tmp_path / "d")]
        )
    monkeypatch.undo()
    assert {name: text for name, text in tree(tmp_path).items() if not name.startswith(".")} == {
        "a": "old a",
        "c": "old c",
        "d": "old d",
    }


def test_a_new_key_stays_when_the_rest_is_taken_back(tmp_path: pathlib.Path) -> None:
    key = tmp_path / "hs_ed25519_secret_key"

    def fails_afterwards() -> None:
        with Transaction() as transaction:
            transaction.write([node(key, "key"), node(tmp_path / "torrc", "x")], [])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails_afterwards()
    assert tree(tmp_path) == {"hs_ed25519_secret_key": "key"}


def test_differs_by_kind_mode_and_label(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x"
    path.write_text("a")
    path.chmod(0o600)
    assert not disk.differs(node(path, "a"))
    assert disk.differs(node(path, "b"))
    assert disk.differs(node(path))
    assert disk.differs(node(path, "a", 0o640))
    assert not disk.differs(Node(str(path), 0o600, ME, MINE, b"secret", "key of x"))
    assert "secret" not in repr(Node(str(path), 0o600, ME, MINE, b"secret"))


def test_directory_faults(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    assert "is no directory" in next(disk.directory_faults(node(tmp_path / "file")))
    assert "is no directory" in next(disk.directory_faults(node(tmp_path / "link")))
    assert list(disk.directory_faults(node(tmp_path))) == list(disk.directory_faults(node(tmp_path / "none"))) == []
    assert "belongs to user" in next(disk.directory_faults(Node(str(tmp_path), 0o700, "nobody-there", MINE)))


@pytest.fixture(name="foreign")
def fixture_foreign(tmp_path: pathlib.Path) -> pathlib.Path:
    """A directory that others can change, with a link to one that they cannot, and one to a file in there."""
    foreign, ours = tmp_path / "foreign", tmp_path / "ours"
    foreign.mkdir()
    foreign.chmod(0o777)
    ours.mkdir(0o755)
    (ours / "file").write_text("ours")
    (ours / ".file.new").write_text("of somebody else")
    (foreign / "www").symlink_to(ours)
    (foreign / "link").symlink_to(ours / "file")
    return foreign


def test_nothing_is_written_over_links_of_others(tmp_path: pathlib.Path, foreign: pathlib.Path) -> None:
    before = tree(tmp_path / "ours")
    for nodes, removed in [
        ([node(foreign / "www", mode=0o2700)], []),
        ([node(foreign / "www/key", "x")], []),
        ([node(foreign / "www/clients", mode=0o700)], []),
        ([], [str(foreign / "www/file")]),
    ]:
        with pytest.raises(OnionfleetError, match="foreign/www.*Not a directory"):
            write(nodes, removed)
    assert tree(tmp_path / "ours") == before
    assert (tmp_path / "ours").stat().st_mode & 0o7777 == 0o755
    write([node(foreign / "link", "new")], [])
    assert tree(tmp_path / "ours") == before
    assert tree(foreign)["link"] == "new"


def test_a_directory_that_is_swapped_in_the_middle(
    tmp_path: pathlib.Path, foreign: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what is staged and what is moved to its place."""
    (foreign / "real").mkdir(0o700)
    before, real = tree(tmp_path / "ours"), os.fsync

    def swap(handle: int) -> None:
        real(handle)
        if not (foreign / "moved").exists():
            (foreign / "real").rename(foreign / "moved")
            (foreign / "real").symlink_to(tmp_path / "ours")

    monkeypatch.setattr(os, "fsync", swap)
    with pytest.raises(OnionfleetError, match="Not a directory"):
        write([node(foreign / "real/file", "x")], [])
    assert tree(tmp_path / "ours") == before


def test_nothing_is_read_over_links_of_others(tmp_path: pathlib.Path, foreign: pathlib.Path) -> None:
    os.mkfifo(foreign / "fifo")
    assert disk.read_text(str(foreign / "www/file")) is None
    assert disk.listed(str(foreign / "www")) == []
    for name in ("link", "fifo"):
        with pytest.raises(OnionfleetError, match=f"{name}: is no regular file"):
            disk.read_text(str(foreign / name))


def test_links_of_ours_are_followed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write([node(tmp_path / "link/a", "x")], [])
    (tmp_path / "real/b").symlink_to("a")
    assert disk.read_text(str(tmp_path / "link/b")) == "x"
    assert disk.listed(str(tmp_path / "link")) == ["a", "b"]


def test_a_file_that_is_too_large_for_any_of_ours_is_not_read(tmp_path: pathlib.Path) -> None:
    with (tmp_path / "hostname").open("wb") as file:
        file.truncate(1 << 40)  # of holes
    with pytest.raises(OnionfleetError, match="hostname: is larger than 16 MiB; move it away"):
        disk.read_bytes(str(tmp_path / "hostname"))
