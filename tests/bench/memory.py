"""The memory of a worker after the workloads. The part `attacks` reports its own."""

import json

from tests.bench.client import Connection, load, request
from tests.bench.finding import Finding
from tests.bench.installation import SHIPPED, Installation
from tests.bench.recording import configured, warmed_up
from tests.bench.workloads import workloads

LESS_THAN_MB, LESS_THAN_MB_WITH_STORAGE = 100, 105
_SECONDS_EACH = 0.5


async def measure(installation: Installation) -> Finding:
    """Resident memory of one shipped worker in MB, and the part that is in no other process.

    Runs all workloads first, since the worker has served no request when only this part is measured.
    """
    server = installation.server(SHIPPED)
    for workload in workloads(installation.seeded):
        raws = [request(server.port, installation.seeded.admin_key, body) for body in workload.bodies()]
        await load(server.port, raws, _SECONDS_EACH)
    at_start, resident, private = server.resident_at_start_mb, server.resident_mb(), server.private_mb()
    details = f"{at_start:.0f} at its start, {private:.0f} not shared"
    line = f"resident memory of a worker: {resident:.0f} MB ({details}), target under {LESS_THAN_MB} MB"
    numbers = {"rssMb": resident, "rssAtStartMb": at_start, "privateMb": private}
    with_storage = await _after_a_test_and_an_upload()
    numbers["rssAfterTestAndUploadMb"] = with_storage
    lines = [line, f"after a Test and an upload: {with_storage:.0f} MB, target under {LESS_THAN_MB_WITH_STORAGE} MB"]
    over = (resident >= LESS_THAN_MB, with_storage >= LESS_THAN_MB_WITH_STORAGE)
    return Finding(numbers, lines, [each for each, is_over in zip(lines, over, strict=True) if is_over])


async def _after_a_test_and_an_upload() -> float:
    query = "mutation($id:ID!){verifyStoredRecordingStorage(input:{accountId:$id}){verification{verdict}}}"
    async with configured("WAV") as place:
        del place.s3.answers["put"]  # it keeps what it is sent
        body = json.dumps({"query": query, "variables": {"id": place.world["own"]}}).encode()
        async with Connection(place.server.port) as connection:
            _, answer = await connection.ask(request(place.server.port, place.world.tokens["provider"], body))
        assert b"WORKING" in answer, answer
        await warmed_up(place)
        return place.server.resident_mb()
