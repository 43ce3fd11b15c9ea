"""The files of the repository, without untracked files, for tests that check all files of a kind."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def is_repository(root: Path) -> bool:
    return (root / ".git").exists()


def tracked(root: Path, pattern: str) -> list[Path]:
    """The files that git tracks; in an unpacked archive, all files."""
    if not is_repository(root):
        return sorted(path for path in root.glob(pattern) if path.is_file())
    command = ["git", "-C", str(root), "ls-files", "-z", "--", f":(glob){pattern}"]
    names = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")[:-1]
    return sorted(path for name in names if (path := root / name).is_file())
