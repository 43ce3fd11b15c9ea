"""The messages for users about recordings and stored credentials."""

from pathlib import Path
from typing import Any

from app.calls.model import RecordingState
from app.demo.local_s3 import LocalS3
from tests.calls.conftest import gateway_of, report
from tests.recording.recorded import recorded, target_in
from tests.support.installation import Installation, Person, World
from tests.support.messages import SELECTION, check_messages
from tests.support.servers.scripted_s3 import Answer, ScriptedS3, error

NEWEST = "{ recentCalls(first: 1) { nodes { id } } }"
CREDENTIALS = "query ($id: ID!) { account(id: $id) { storedCredentials { nodes { id } } } }"


async def test_messages_for_users(
    installation: Installation, local_s3: LocalS3, account_user: Person, world: World
) -> None:
    errors: list[dict[str, Any]] = []

    async def change(mutation: str, **input: Any) -> None:
        errors.extend((await account_user.change(mutation, SELECTION, **input))["userErrors"])

    async def credential() -> str:
        found = (await account_user.ask(CREDENTIALS, id=world["own"])).only("account")["storedCredentials"]["nodes"]
        return str(found[0]["id"])

    gateway = await gateway_of(installation, serviceProviderId=world["provider"])
    await report(gateway, {"accountId": world["own"], "callId": "unrecorded"})
    unrecorded = (await account_user.ask(NEWEST)).only("recentCalls")["nodes"][0]["id"]
    target = target_in(local_s3)
    stored = await recorded(installation, target)
    unknown = f"CA{'0' * 32}"
    for call_id in (unknown, unrecorded, stored.id):
        await change("retryRecording", id=call_id)
    for call_id in (unknown, unrecorded):
        await change("deleteRecording", id=call_id)
    await change("removeStoredCredential", id=f"SC{'0' * 32}")
    await change("removeStoredCredential", id=await credential())
    await change("deleteRecording", id=stored.id)
    await change("retryRecording", id=stored.id)
    running = await recorded(installation, target, recording_state=RecordingState.RECORDING)
    await change("deleteRecording", id=running.id)
    await change("retryRecording", id=running.id)
    await change("removeStoredCredential", id=await credential(), force=True)
    async with ScriptedS3() as s3:
        refused = await recorded(installation, target_in(s3.endpoint))
        for answer in (error(403, "AccessDenied"), error(503, "SlowDown"), Answer(502)):
            s3.answers["delete"] = answer
            await change("deleteRecording", id=refused.id)
    await change("removeStoredCredential", id=await credential(), force=True)
    await change("deleteRecording", id=refused.id)
    check_messages(Path(__file__).parent, errors)
