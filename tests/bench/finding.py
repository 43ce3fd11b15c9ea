"""The result of a part of the benchmark."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Finding:
    """Numbers for var/bench.json, lines to print, and the targets that were missed, in words."""

    numbers: dict[str, Any]
    lines: list[str]
    missed: list[str] = field(default_factory=list)
