# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import os

import pytest
from ansible_collections.onionfleet.balance.plugins.module_utils._daemons import installed_key
from ansible_collections.onionfleet.balance.plugins.module_utils._errors import OnionfleetError
from ansible_collections.onionfleet.balance.plugins.module_utils._onion import key_file

KEY, OTHER = key_file.generate(), key_file.generate()
FILES = KEY.service_files()
SECRET = base64.b64encode(KEY.to_tor_file()).decode()


def missing(path, secret=None, *, check=False):
    return installed_key.missing_files(str(path), KEY.address, secret, check=check)


def install(path, files):
    for name, content in files.items():
        (path / name).write_bytes(content)


def test_nothing_is_missing_of_a_key_that_is_there(tmp_path, monkeypatch):
    install(tmp_path, FILES)
    monkeypatch.setattr(key_file, "directory_state", None)  # no arithmetic
    assert missing(tmp_path) == {}


def test_a_check_run_compares_secret_and_public_key(tmp_path):
    install(tmp_path, {**FILES, "hs_ed25519_secret_key": OTHER.to_tor_file()})
    assert missing(tmp_path) == {}, "who loads them compares them"
    with pytest.raises(OnionfleetError, match="belongs to another key than hs_ed25519_secret_key"):
        missing(tmp_path, check=True)


def test_all_of_it_is_missing(tmp_path):
    assert missing(tmp_path / "none", SECRET) == FILES
    assert missing(tmp_path, check=True) == dict.fromkeys(FILES, b""), "a check run may have no secret"
    assert missing(tmp_path, SECRET, check=True) == FILES


@pytest.mark.parametrize("left", ["hs_ed25519_secret_key", "hs_ed25519_public_key", "hostname"])
def test_what_a_killed_run_left_is_completed(tmp_path, left):
    install(tmp_path, {left: FILES[left]})
    assert missing(tmp_path, SECRET) == FILES


@pytest.mark.parametrize(
    ("files", "secret", "words"),
    [
        ({}, None, "no secret was given"),
        ({}, "", "no secret was given"),
        ({}, base64.b64encode(OTHER.to_tor_file()).decode(), f"is that of {OTHER.address}, not of {KEY.address}"),
        ({}, "\ud800", "in no known format"),
        (OTHER.service_files(), SECRET, "keys are never overwritten: move the directory away"),
        ({**FILES, "hostname": b"rubbish"}, None, "broken: "),
        ({**FILES, "hs_ed25519_secret_key": b"short"}, None, "restore the key files or move the directory away"),
        ({"hostname": f"{OTHER.address}\n".encode()}, None, "holds the key of another address"),
    ],
    ids=["missing", "empty", "of another", "no text", "foreign", "host name", "truncated", "foreign host name"],
)
def test_faults(tmp_path, files, secret, words):
    install(tmp_path, files)
    for check in [False] if "no secret" in words else [False, True]:
        with pytest.raises(OnionfleetError) as caught:
            missing(tmp_path, secret, check=check)
        assert words in str(caught.value)


def test_a_link_in_a_folder_of_others_is_no_key(tmp_path):
    (tmp_path / "hostname").symlink_to("/etc/hostname")
    tmp_path.chmod(0o777)
    with pytest.raises(OnionfleetError, match="is no regular file"):
        missing(tmp_path)


def test_a_lost_hostname_needs_no_secret(tmp_path):
    install(tmp_path, {name: content for name, content in FILES.items() if name != "hostname"})
    assert missing(tmp_path) == missing(tmp_path, check=True) == {"hostname": FILES["hostname"]}


# --- keys that a tor made itself


def test_a_tor_that_has_made_no_key_yet_lacks_nothing(tmp_path):
    assert installed_key.own_files(str(tmp_path)) == installed_key.own_files(str(tmp_path / "none")) == {}


@pytest.mark.parametrize("lost", [[], ["hostname"], ["hs_ed25519_public_key"], ["hostname", "hs_ed25519_public_key"]])
def test_what_can_be_told_from_the_secret_is_completed(tmp_path, lost):
    install(tmp_path, {name: content for name, content in FILES.items() if name not in lost})
    assert installed_key.own_files(str(tmp_path)) == {name: FILES[name] for name in lost}


@pytest.mark.parametrize("left", [["hostname"], ["hostname", "hs_ed25519_public_key"]])
def test_a_lost_secret_is_told_with_the_way_out(tmp_path, left):
    install(tmp_path, {name: FILES[name] for name in left})
    with pytest.raises(OnionfleetError, match=r"hs_ed25519_secret_key: is gone; .*onionfleet\.balance\.renew"):
        installed_key.own_files(str(tmp_path))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["FIFO", "link"])
def test_what_a_tor_puts_in_the_place_of_a_key_is_neither_followed_nor_waited_for(tmp_path, kind, name, check):
    folder, elsewhere = tmp_path / "service", tmp_path / "elsewhere"
    folder.mkdir()
    install(folder, {each: content for each, content in FILES.items() if each != name})
    folder.chmod(0o775)  # as one of tor's: others than root can change it
    elsewhere.write_bytes(FILES[name])
    os.mkfifo(folder / name) if kind == "FIFO" else (folder / name).symlink_to(elsewhere)
    with pytest.raises(OnionfleetError, match=f"{name}: is no regular file"):
        missing(folder, SECRET, check=check)
