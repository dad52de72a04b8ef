# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import importlib.metadata
import json
import pathlib
import subprocess
import sys
import zipfile

import pytest
from fake_tor import Backend, tor_key
from installed_program import install
from onionfleet_publisher import overrides, wheel

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "roles" / "softmap_publisher" / "files" / "publisher"
NAME = "onionbalance-0.2.4-py2.py3-none-any.whl"


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A wheel with the files of the real one, as pip has installed them, and its hash."""
    distribution = importlib.metadata.distribution("onionbalance")
    with zipfile.ZipFile(tmp_path / NAME, "w") as archive:
        for file in distribution.files or ():
            if file.suffix == ".py" and file.parts[0] == "onionbalance":
                archive.write(distribution.locate_file(file), str(file))
    digest = hashlib.sha256((tmp_path / NAME).read_bytes()).hexdigest()
    (tmp_path / "requirements.txt").write_text(f"# why\nonionbalance=={distribution.version} --hash=sha256:{digest}\n")
    return tmp_path


def test_the_pinned_version_is_the_one_that_the_program_is_made_for() -> None:
    name, digest = wheel.pin((PROGRAM / "requirements.txt").read_text())
    assert name == NAME
    assert len(digest) == 64
    assert name.split("-")[1] == overrides.VERSION


def test_onionbalance_is_imported_from_the_file(folder: pathlib.Path) -> None:
    program = (
        f"import sys; sys.path[:0] = [{str(PROGRAM)!r}]; from onionfleet_publisher import overrides, wheel; "
        f"import pathlib;wheel.add(pathlib.Path({str(folder)!r})); import onionbalance; "
        "print(onionbalance.__file__, overrides.check())"
    )
    output = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output == f"{folder}/{NAME}/onionbalance/__init__.py []\n"


def test_another_file_is_refused(folder: pathlib.Path) -> None:
    with (folder / NAME).open("ab") as file:
        file.write(b"x")
    with pytest.raises(wheel.Refused, match="has the SHA-256"):
        wheel.add(folder)
    (folder / NAME).unlink()
    with pytest.raises(wheel.Refused, match="No such file"):
        wheel.add(folder)
    (folder / "requirements.txt").write_text("onionbalance\n")
    with pytest.raises(wheel.Refused, match="no onionbalance with a hash"):
        wheel.add(folder)


def test_the_program_checks_its_configuration_and_tells_what_it_cannot_do(folder: pathlib.Path) -> None:
    program = install("softmap_publisher", "publisher", folder)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-I",
            "-B",
            str(program),
            str(folder / "config.yaml"),
            "--wheel-folder",
            str(folder),
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    (folder / "key").write_bytes(tor_key(b"archive"))
    service = {
        "name": "archive",
        "key": str(folder / "key"),
        "instances": [{"name": "app1/w1", "address": Backend().address}],
    }
    config = {"status-socket-location": str(folder / "missing" / "status.sock"), "services": [service]}
    (folder / "config.yaml").write_text(json.dumps(config))
    assert (run("--check").returncode, run("--check").stderr) == (0, "")
    done = run()
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Refused to start: status socket: " in done.stderr
    (folder / "config.yaml").write_text(json.dumps(config)[:-1])
    assert "Refused to start: " in run("--check").stderr
    (folder / "key").unlink()
    (folder / "config.yaml").write_text(json.dumps(config))
    assert run("--check").returncode == 1


def test_the_program_says_in_one_line_why_it_does_not_start(tmp_path: pathlib.Path) -> None:
    program = install("softmap_publisher", "publisher", tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(program), "--wheel-folder", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Refused to start: Onionbalance: " in done.stderr
    assert done.stderr.count("\n") == 1
