"""Installing GraphiQL's files."""

import shutil
from pathlib import Path

import pytest

from app.server.graphiql import install


def test_npm_is_not_called_when_the_files_are_installed(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert install.main([str(installed)]) == 0


def test_a_missing_npm_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert install.main([str(tmp_path / "var")]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "GraphiQL is not installed: npm was not found on the PATH; install Node.js with npm, then run this again"
    ]


def test_an_archive_with_another_checksum_installs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend_npm(
        tmp_path, monkeypatch, 'for p in "$@"; do case $p in *@*) echo evil > "${p%@*}-${p##*@}.tgz";; esac; done'
    )
    assert install.main([str(tmp_path / "var")]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "GraphiQL is not installed: react-18.3.1.tgz is not the expected archive (its sha512 differs); "
        "nothing was installed"
    ]
    assert list((tmp_path / "var").iterdir()) == []


def test_a_failing_npm_is_reported_in_one_line_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend_npm(tmp_path, monkeypatch, "echo npm error code ENOTFOUND >&2; echo more >&2; exit 1")
    assert install.main([str(tmp_path / "var")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("failed: npm error code ENOTFOUND")
    assert list((tmp_path / "var").iterdir()) == []


def test_files_of_an_older_version_count_as_not_installed(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(installed / install.FOLDER_NAME, tmp_path / install.FOLDER_NAME)
    assert install.is_installed(tmp_path / install.FOLDER_NAME)
    (tmp_path / install.FOLDER_NAME / "archives.json").write_text("[]")
    assert not install.is_installed(tmp_path / install.FOLDER_NAME)


def pretend_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
