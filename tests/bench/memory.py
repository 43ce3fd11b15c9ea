"""How much memory a worker holds after the workloads; attacks come later, and tell by themselves."""

from tests.bench.client import load, request
from tests.bench.finding import Finding
from tests.bench.installation import SHIPPED, Installation
from tests.bench.workloads import workloads

LESS_THAN_MB = 100
_SECONDS_EACH = 0.5


async def measure(installation: Installation) -> Finding:
    """Resident memory of one worker as it ships, in MB, and how much of it is in no other process.

    Where this part is measured alone, nobody has asked the worker for anything yet: so all workloads are asked for here.
    """
    server = installation.server(SHIPPED)
    for workload in workloads(installation.seeded):
        raws = [request(server.port, installation.seeded.admin_key, body) for body in workload.bodies()]
        await load(server.port, raws, _SECONDS_EACH)
    at_start, resident, private = server.resident_at_start_mb, server.resident_mb(), server.private_mb()
    details = f"{at_start:.0f} at its start, {private:.0f} not shared"
    line = f"resident memory of a worker: {resident:.0f} MB ({details}), target under {LESS_THAN_MB} MB"
    numbers = {"rssMb": resident, "rssAtStartMb": at_start, "privateMb": private}
    return Finding(numbers, [line], [line] if resident >= LESS_THAN_MB else [])
