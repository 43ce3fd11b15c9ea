"""A storage whose clock differs too much from ours: the operator is alerted, and the settings are not blamed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.recording.backoff import UploadFault
from app.storage.failures import StorageFailure
from tests.server.test_metrics import metrics, number
from tests.storage.test_verification_through_the_api import VERIFICATION, status
from tests.support.installation import Person, World
from tests.support.servers.scripted_s3 import ScriptedS3, error

ALARMS = "vga_storage_clock_differences_total"


@pytest.fixture
async def s3() -> AsyncIterator[ScriptedS3]:
    """A server that considers our clock wrong."""
    async with ScriptedS3() as server:
        server.answers = {call: error(403, "RequestTimeTooSkewed") for call in ("put", "create", "get", "delete")}
        yield server


def draft(s3: ScriptedS3) -> dict[str, Any]:
    return {
        "bucketVendor": "S3_COMPATIBLE",
        "endpointUrl": s3.endpoint,
        "bucketName": "calls",
        "region": "us-east-1",
        "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "secretAccessKey": "a secret of a tenant",
    }


async def test_a_clock_difference_fails_no_settings_and_alerts_the_operator(
    admin: Person, account_user: Person, world: World, s3: ScriptedS3
) -> None:
    before = number((await metrics(admin)).text, ALARMS)
    document = f"mutation ($input: VerifyRecordingStorageInput!) {{ verifyRecordingStorage(input: $input) {{ {VERIFICATION} }} }}"
    answer = await account_user.ask(document, input={"accountId": world["own"], **draft(s3)})
    assert [(one["extensions"]["code"], one["message"]) for one in answer.errors] == [
        (
            "SERVICE_UNAVAILABLE",
            "The clocks of this server and the storage differ by more than 15 minutes, so the settings cannot be tested. "
            "The operator of this server was alerted.",
        )
    ]
    assert number((await metrics(admin)).text, ALARMS) > before


async def test_a_clock_difference_keeps_the_stored_verdict(account_user: Person, world: World, s3: ScriptedS3) -> None:
    saved = await account_user.change(
        "updateRecordingConfig", "recordingConfig { id }", accountId=world["own"], **draft(s3)
    )
    assert saved["userErrors"] == []
    before = await status(account_user, world["own"])
    answer = await account_user.ask(
        "mutation ($input: VerifyStoredRecordingStorageInput!) {"
        " verifyStoredRecordingStorage(input: $input) { verification { verdict } } }",
        input={"accountId": world["own"]},
    )
    assert answer.codes == ["SERVICE_UNAVAILABLE"]
    assert await status(account_user, world["own"]) == before


def test_a_recording_with_a_clock_difference_is_retried_for_a_day() -> None:
    failure = StorageFailure(code="RequestTimeTooSkewed", http_status=403)
    assert UploadFault.of(failure, "us-east-1").is_transient
