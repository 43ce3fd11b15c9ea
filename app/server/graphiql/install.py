"""`python -m app.server.graphiql.install [DATA_DIR]`: installs GraphiQL's files with npm.

Downloads three archives of exact versions, checks their sha512 in `archives.json`, and copies nine files to `DATA_DIR/graphiql`.
Does not call npm when they are installed already. The folder is an argument, since reading the settings would take longer than
the rest of such a second call.
"""

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER_NAME = "graphiql"
_ARCHIVES = Path(__file__).with_name("archives.json")
_NPM_TIMEOUT_SECONDS = 180


class InstallError(Exception):
    """The files could not be installed; the message is one line for the operator."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 when the files are installed, 1 after one line on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m app.server.graphiql.install", description="Install GraphiQL's files."
    )
    parser.add_argument("data_dir", nargs="?", default="var", type=Path, help="the server's DATA_DIR (default: var)")
    folder = parser.parse_args(arguments).data_dir / FOLDER_NAME
    try:
        if not is_installed(folder):
            install(folder)
    except InstallError as error:
        print(f"GraphiQL is not installed: {error}", file=sys.stderr)
        return 1
    return 0


def is_installed(folder: Path) -> bool:
    """Whether `folder` has all files, in the versions of the current `archives.json`."""
    listing = folder / _ARCHIVES.name
    return (
        listing.is_file()
        and listing.read_bytes() == _ARCHIVES.read_bytes()
        and all((folder / name).is_file() for name in file_names())
    )


def file_names() -> list[str]:
    """The names of the installed files, including licences."""
    return [name for archive in json.loads(_ARCHIVES.read_bytes()) for name in archive["files"].values()]


def install(folder: Path) -> None:
    """Downloads, checks and unpacks into `folder`, which is created whole or not at all.

    Raises InstallError when npm is missing or fails, an archive is not the expected one, or the folder cannot be written.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise InstallError("npm was not found on the PATH; install Node.js with npm, then run this again")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # In the same file system as the folder, so that the last step is a rename.
        with tempfile.TemporaryDirectory(prefix=f"{FOLDER_NAME}-", dir=folder.parent) as scratch:
            _fetch_and_unpack(npm, Path(scratch))
            shutil.rmtree(folder, ignore_errors=True)
            (Path(scratch) / "unpacked").rename(folder)
    except OSError as error:
        raise InstallError(f"cannot write {folder}: {error.strerror or error}") from None


def _fetch_and_unpack(npm: str, scratch: Path) -> None:
    import tarfile  # noqa: PLC0415  servers import this module, and never unpack

    archives = json.loads(_ARCHIVES.read_bytes())
    unpacked = scratch / "unpacked"
    unpacked.mkdir()
    _pack(npm, [f"{archive['name']}@{archive['version']}" for archive in archives], scratch)
    for archive in archives:
        packed = scratch / f"{archive['name']}-{archive['version']}.tgz"
        content = packed.read_bytes()
        actual = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        if actual != archive["integrity"]:
            raise InstallError(f"{packed.name} is not the expected archive (its sha512 differs); nothing was installed")
        with tarfile.open(packed) as tar:
            for source, name in archive["files"].items():
                member = tar.extractfile(f"package/{source}")
                if member is None:
                    raise InstallError(f"{packed.name} has no {source}; nothing was installed")
                (unpacked / name).write_bytes(member.read())
    (unpacked / _ARCHIVES.name).write_bytes(_ARCHIVES.read_bytes())


def _pack(npm: str, packages: list[str], scratch: Path) -> None:
    try:
        # In the scratch folder, so that no package.json of the current folder applies.
        finished = subprocess.run(  # noqa: S603 - the path that `which` found, and names from archives.json
            [npm, "pack", "--loglevel=error", *packages],
            cwd=scratch,
            capture_output=True,
            text=True,
            timeout=_NPM_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InstallError(f"npm pack did not end within {_NPM_TIMEOUT_SECONDS} seconds") from None
    if finished.returncode:
        reason = next((line for line in finished.stderr.splitlines() if line.strip()), "no reason given")
        raise InstallError(f"npm pack {' '.join(packages)} failed: {reason.strip()}")


if __name__ == "__main__":
    sys.exit(main())
