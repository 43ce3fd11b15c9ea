"""How much memory a worker holds after what was asked of it so far; attacks come later, and tell by themselves."""

from tests.bench.finding import Finding
from tests.bench.installation import SHIPPED, Installation

LESS_THAN_MB = 100


async def measure(installation: Installation) -> Finding:
    """Resident memory of one worker as it ships, in MB."""
    server = installation.server(SHIPPED)
    at_start, resident = server.resident_at_start_mb, server.resident_mb()
    line = (
        f"resident memory of a worker: {resident:.0f} MB ({at_start:.0f} at its start), target under {LESS_THAN_MB} MB"
    )
    numbers = {"rssMb": resident, "rssAtStartMb": at_start}
    return Finding(numbers, [line], [line] if resident >= LESS_THAN_MB else [])
