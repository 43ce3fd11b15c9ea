"""The two client projects: installs, generates, compiles and runs them.

They are copied to `var/clients`, a folder of the same depth, so that `../../../schema.graphql` is the repository's.
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
BUILD_FOLDER = REPOSITORY / "var" / "clients"

_INSTALLED = ".installed"  # has a hash of the pinned versions, so that a second run installs nothing
_KEPT = {"node_modules", ".venv", ".mypy_cache", _INSTALLED}
_INSTALL_SECONDS = 600
_STEP_SECONDS = 180
_OLDEST_NODE = 20

Command = tuple[str, ...]


class Failed(Exception):
    """The message is one line, followed by the output of the program."""


@dataclass(frozen=True)
class Project:
    """A generated client; its commands run in its folder."""

    name: str
    pins: tuple[str, ...]
    install: tuple[Command, ...]
    generate: Command
    compile: Command
    read: Command
    save: Command | None = None
    """Arguments: a name and a bucket, which the account form saves."""
    watch: Command | None = None
    """Argument: how many changes of calls to print."""

    @property
    def _folder(self) -> Path:
        return BUILD_FOLDER / self.name

    def prepare(self) -> None:
        """Installs, generates and compiles the client. Raises Failed."""
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
        """Returns the account that the client prints. Raises Failed."""
        return self._printed("reading an account", self.read, url, key, account_id)

    def saved(self, url: str, key: str, account_id: str, name: str, bucket: str) -> Any:
        """Returns the output of saving the account form; None without a form. Raises Failed."""
        if self.save is None:
            return None
        return self._printed("saving the account form", (*self.save, name, bucket), url, key, account_id)

    def watched(self, url: str, key: str, account_id: str) -> Any:
        """Returns the next changed call that the client prints; None without a subscription. Raises Failed."""
        if self.watch is None:
            return None
        return self._printed("watching calls", (*self.watch, "1"), url, key, account_id)

    def _printed(self, doing: str, command: Command, url: str, key: str, account_id: str) -> Any:
        printed = self._run(doing, command, GRAPHQL_URL=url, API_KEY=key, ACCOUNT_ID=account_id, NO_PROXY="127.0.0.1")
        try:
            return json.loads(printed)
        except ValueError:
            raise Failed(f"{self.name}: its output is not JSON:\n{printed}") from None

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


def missing_requirements() -> list[str]:
    """One line for each program or file that is missing or too old."""
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


def copy_documents() -> None:
    """Copies the documents to the folder where both projects read them."""
    _copy(SOURCES / "documents", BUILD_FOLDER / "documents")


def _node_version() -> str:
    return subprocess.run(("node", "--version"), capture_output=True, text=True, timeout=30, check=True).stdout.strip()


def _copy(source: Path, target: Path) -> None:
    """Makes `target` a copy of `source`. Keeps installed packages, deletes generated files."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.name not in _KEPT:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for file in source.iterdir():
        if file.is_file():
            shutil.copy(file, target)
