"""When `python -m app maintain` last succeeded: the modification time of a file in DATA_DIR, which the metrics export."""

from pathlib import Path

_FILE = "maintained"


def record_success(data_dir: Path) -> None:
    """Raises OSError when the folder is not writable."""
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / _FILE).touch()


def last_success(data_dir: Path) -> float:
    """Unix time; 0 when there is none."""
    try:
        return (data_dir / _FILE).stat().st_mtime
    except OSError:
        return 0.0
