"""The two client projects: installed, generated, compiled under strict settings, and run.

They are worked on in copies below `var/clients`, at the depth where `../../../schema.graphql` is the repository's.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
SOURCES = Path(__file__).parent
WORKSHOP = REPOSITORY / "var" / "clients"

_INSTALLED = ".installed"  # holds what the installed packages were pinned by, so that a second run installs nothing
_KEPT = {"node_modules", ".venv", ".mypy_cache", _INSTALLED}
_INSTALL_SECONDS = 600
_STEP_SECONDS = 180
_OLDEST_NODE = 20

Command = tuple[str, ...]


class Failed(Exception):
    """One clear line; what the program said follows it."""


@dataclass(frozen=True)
class Project:
    """One generated client. Its commands run in its folder."""

    name: str
    pins: tuple[str, ...]
    install: tuple[Command, ...]
    generate: Command
    compile: Command
    read: Command
    save: Command | None = None
    """Takes a name and a bucket; saves them by the account form."""
    watch: Command | None = None
    """Takes how many changes of calls to print."""

    @property
    def _folder(self) -> Path:
        return WORKSHOP / self.name

    def prepare(self) -> None:
        """Leaves a generated, compiled client behind. Raises Failed."""
        _copy(SOURCES / self.name, self._folder)
        pinned_by = self._pinned_by()
        stamp = self._folder / _INSTALLED
        if not stamp.exists() or stamp.read_text() != pinned_by:
            stamp.unlink(missing_ok=True)
            for command in self.install:
                self._run("installing", command, _INSTALL_SECONDS)
            stamp.write_text(pinned_by)
        self._run("generating", self.generate)
        self._run("compiling", self.compile)

    def account(self, url: str, key: str, account_id: str) -> Any:
        """What the client prints of an account. Raises Failed."""
        return self._printed("reading an account", self.read, url, key, account_id)

    def saved(self, url: str, key: str, account_id: str, name: str, bucket: str) -> Any:
        """What the client prints when it has saved the account form; None when it has none. Raises Failed."""
        if self.save is None:
            return None
        return self._printed("saving the account form", (*self.save, name, bucket), url, key, account_id)

    def watched(self, url: str, key: str, account_id: str) -> Any:
        """What the client prints of the next call that changes; None when it does not subscribe. Raises Failed."""
        if self.watch is None:
            return None
        return self._printed("watching calls", (*self.watch, "1"), url, key, account_id)

    def _printed(self, doing: str, command: Command, url: str, key: str, account_id: str) -> Any:
        printed = self._run(doing, command, GRAPHQL_URL=url, API_KEY=key, ACCOUNT_ID=account_id, NO_PROXY="127.0.0.1")
        try:
            return json.loads(printed)
        except ValueError:
            raise Failed(f"{self.name}: what it prints is no JSON:\n{printed}") from None

    def _pinned_by(self) -> str:
        versions = f"{sys.version}{_node_version()}".encode()
        return hashlib.sha256(versions + b"".join((self._folder / pin).read_bytes() for pin in self.pins)).hexdigest()

    def _run(self, doing: str, command: Command, seconds: float = _STEP_SECONDS, **environment: str) -> str:
        try:
            ended = subprocess.run(
                command,
                cwd=self._folder,
                env=os.environ | environment,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name}: {doing} did not end within {seconds} s ({' '.join(command)})") from None
        if ended.returncode:
            raise Failed(f"{self.name}: {doing} failed ({' '.join(command)}):\n{ended.stdout}{ended.stderr}".rstrip())
        return ended.stdout


TYPESCRIPT = Project(
    name="typescript",
    pins=("package.json", "package-lock.json"),
    install=(("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),),
    generate=("node", "node_modules/@graphql-codegen/cli/cjs/bin.js"),
    compile=("node", "node_modules/typescript/bin/tsc"),
    read=("node", "build/read-account.js"),
    save=("node", "build/rename-account.js"),
    watch=("node", "build/watch-calls.js"),
)
PYTHON = Project(
    name="python",
    pins=("requirements.txt", "constraints.txt"),
    install=(
        (sys.executable, "-m", "venv", "--clear", ".venv"),
        (".venv/bin/python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt", "-c", "constraints.txt"),
    ),
    generate=(".venv/bin/ariadne-codegen",),
    compile=(".venv/bin/mypy",),
    read=(".venv/bin/python", "read_account.py"),
)


def what_is_missing() -> list[str]:
    """One line for each thing that is not there, or too old."""
    lines = [
        f"{program} is missing: the TypeScript client needs Node.js {_OLDEST_NODE} or later, with npm."
        for program in ("node", "npm")
        if shutil.which(program) is None
    ]
    if not lines and int(_node_version().removeprefix("v").partition(".")[0]) < _OLDEST_NODE:
        lines = [f"node is {_node_version()}: the TypeScript client needs Node.js {_OLDEST_NODE} or later."]
    if not (REPOSITORY / "schema.graphql").exists():
        lines.append("schema.graphql is missing: `make schema` writes it.")
    return lines


def lay_out() -> None:
    """Copies the documents to where both projects look for them."""
    _copy(SOURCES / "documents", WORKSHOP / "documents")


def _node_version() -> str:
    return subprocess.run(("node", "--version"), capture_output=True, text=True, timeout=30, check=True).stdout.strip()


def _copy(source: Path, target: Path) -> None:
    """Makes `target` what `source` is, but for what is installed there; what was generated before goes."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.name not in _KEPT:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for file in source.iterdir():
        if file.is_file():
            shutil.copy(file, target)
