"""Deleting a recording: only its object is deleted, the call says so, and one event is published."""

import asyncio
from typing import Any

import pytest

from app.audit.model import AuditEvent
from app.calls.model import Call, RecordingState
from app.demo.local_s3 import LocalS3
from app.foundation.events import LiveEvents
from app.recording import deletion
from app.recording.spool import Spool
from tests.recording.recorded import Recorded, client_of, configure, count_stored_credentials, recorded, target_in
from tests.support.installation import Installation, Person, World, refusals
from tests.support.servers.iam_s3 import IamS3
from tests.support.servers.scripted_s3 import ScriptedS3, error

SELECTION = "call { id recording { state } } keptVersions"


@pytest.fixture
async def own(installation: Installation, local_s3: LocalS3) -> Recorded:
    """A recorded call of the own account."""
    return await recorded(installation, target_in(local_s3))


async def delete(person: Person, call: Recorded) -> Any:
    return await person.change("deleteRecording", SELECTION, id=call.id)


async def events(installation: Installation, operation: str = "deleteRecording") -> list[AuditEvent]:
    async with installation.database():
        return await AuditEvent.filter(operation=operation)


async def test_a_deletion_removes_the_object_and_marks_the_call(
    own: Recorded, installation: Installation, account_user: Person
) -> None:
    neighbour = await recorded(installation, own.target)
    client_of(own.target).put_object(Bucket="calls", Key=f"{own.call.recording_key}.txt", Body=b"mine")
    with installation.resources.clients[LiveEvents].subscribe(own.call.account_id) as listener:
        payload = await delete(account_user, own)
        heard = await asyncio.wait_for(listener.next(), 1)
    assert payload == {
        "call": {"id": own.id, "recording": {"state": "DELETED"}},
        "keptVersions": False,
        "userErrors": [],
    }
    assert heard.call_id == own.call.id
    assert not own.is_in_bucket()
    assert neighbour.is_in_bucket()
    client_of(own.target).head_object(Bucket="calls", Key=f"{own.call.recording_key}.txt")
    tombstone = await own.now()
    assert (tombstone.recording_state, tombstone.recording_key) == (RecordingState.DELETED, own.call.recording_key)
    (event,) = await events(installation)
    assert (event.object_id, event.account_id) == (own.call.id, own.call.account_id)
    assert (event.before or {})["recordingState"] == "STORED"
    assert (event.after or {})["recordingState"] == "DELETED"
    answer = await account_user.client.get(own.path, headers=account_user.headers)
    assert answer.status_code == 410


async def test_deleting_again_changes_nothing(own: Recorded, installation: Installation, admin: Person) -> None:
    first, second = await delete(admin, own), await delete(admin, own)
    assert second == {**first, "keptVersions": None}
    assert len(await events(installation)) == 1


async def test_recordings_of_other_tenants_are_not_deleted(
    own: Recorded, sibling_user: Person, other_provider: Person, read_only: Person, admin: Person
) -> None:
    unknown = await admin.change("deleteRecording", SELECTION, id=f"CA{'0' * 32}")
    for person in (sibling_user, other_provider):
        assert (await delete(person, own)) == unknown
    assert refusals(unknown) == [("NOT_FOUND", ["id"])]
    answer = await read_only.ask(f'mutation {{ deleteRecording(input: {{id: "{own.id}"}}) {{ keptVersions }} }}')
    assert answer.codes == ["FORBIDDEN"]
    assert own.is_in_bucket()


async def test_a_storage_that_refuses_changes_nothing(
    installation: Installation, iam_s3: IamS3, account_user: Person
) -> None:
    keys = iam_s3.key_that_may("PutObject", "GetObject")
    call = await recorded(installation, target_in(iam_s3.endpoint, "calls", *keys, region="us-east-1"))
    payload = await delete(account_user, call)
    assert refusals(payload) == [("STORAGE_REFUSED", ["id"])]
    assert payload["userErrors"][0]["message"] == (
        "The storage did not delete the recording (DELETE_DENIED: AccessDenied (HTTP 403)). "
        "The key may not delete objects: allow it s3:DeleteObject."
    )
    assert payload["call"] is None
    assert (await call.now()).recording_state is RecordingState.STORED
    assert await events(installation) == []


async def test_an_unreachable_storage_changes_nothing(installation: Installation, account_user: Person) -> None:
    async with ScriptedS3() as s3:
        call = await recorded(installation, target_in(s3.endpoint))
        s3.answers["delete"] = error(503, "SlowDown")
        assert refusals(await delete(account_user, call)) == [("STORAGE_REFUSED", ["id"])]
    assert refusals(await delete(account_user, call)) == [("STORAGE_REFUSED", ["id"])]
    assert (await call.now()).recording_state is RecordingState.STORED


async def test_a_recording_of_a_deleted_bucket_counts_as_deleted(
    installation: Installation, local_s3: LocalS3, account_user: Person
) -> None:
    target = target_in(local_s3, "short-lived", "s3adminkey", "s3adminsecret")
    local_s3.create_bucket("short-lived")
    call = await recorded(installation, target)
    client_of(target).delete_object(Bucket="short-lived", Key=call.call.recording_key)
    client_of(target).delete_bucket(Bucket="short-lived")
    payload = await delete(account_user, call)
    assert (refusals(payload), payload["call"]["recording"]["state"]) == ([], "DELETED")


async def test_a_deletion_in_a_versioned_bucket_reports_kept_versions(
    installation: Installation, iam_s3: IamS3, account_user: Person
) -> None:
    admin = iam_s3.admin()
    admin.create_bucket(Bucket="versioned")
    admin.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    keys = (iam_s3._admin["aws_access_key_id"], iam_s3._admin["aws_secret_access_key"])
    call = await recorded(installation, target_in(iam_s3.endpoint, "versioned", *keys, region="us-east-1"))
    payload = await delete(account_user, call)
    assert (refusals(payload), payload["keptVersions"]) == ([], True)
    assert not call.is_in_bucket()
    versions = admin.list_object_versions(Bucket="versioned", Prefix=call.call.recording_key)["Versions"]
    assert len(versions) == 1


async def test_kept_versions_of_seaweedfs_are_reported(
    installation: Installation, local_s3: LocalS3, account_user: Person
) -> None:
    target = target_in(local_s3, "with-versions", "s3adminkey", "s3adminsecret")
    local_s3.create_bucket("with-versions")
    versioning = {"Status": "Enabled"}
    client_of(target).put_bucket_versioning(Bucket="with-versions", VersioningConfiguration=versioning)
    call = await recorded(installation, target)
    assert (await delete(account_user, call))["keptVersions"] is True


async def test_a_call_that_is_being_recorded_keeps_its_recording(
    installation: Installation, local_s3: LocalS3, account_user: Person
) -> None:
    call = await recorded(installation, target_in(local_s3), recording_state=RecordingState.RECORDING)
    assert refusals(await delete(account_user, call)) == [("CONFLICT", ["id"])]
    assert (await call.now()).recording_state is RecordingState.RECORDING


@pytest.mark.parametrize("state", [RecordingState.STORING, RecordingState.FAILED])
async def test_a_recording_that_is_not_stored_is_deleted_by_the_server_that_holds_it(
    installation: Installation, local_s3: LocalS3, account_user: Person, state: RecordingState
) -> None:
    call = await recorded(installation, target_in(local_s3), recording_state=state, recording_error={"code": "x"})
    payload = await delete(account_user, call)
    assert (payload["call"]["recording"]["state"], payload["keptVersions"]) == ("DELETED", None)
    now = await call.now()
    # An upload may have to be aborted, with the keys.
    assert (now.recording_error, now.recording_credential_id) == (None, call.call.recording_credential_id)
    assert call.is_in_bucket(), "only the server that holds it deletes it"
    assert len(await events(installation)) == 1


async def test_a_recording_stored_during_its_deletion_is_deleted_in_the_bucket(
    installation: Installation, local_s3: LocalS3, account_user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await recorded(installation, target_in(local_s3), recording_state=RecordingState.STORING)
    mark = deletion._mark_deleted

    async def late(context: Any, found: Call) -> Call | None:
        if found.recording_state is RecordingState.STORING:
            await Call.filter(id=found.id).update(recording_state=RecordingState.STORED)
        return await mark(context, found)

    monkeypatch.setattr(deletion, "_mark_deleted", late)
    assert (await delete(account_user, call))["keptVersions"] is False
    assert not call.is_in_bucket()


async def test_a_deletion_interrupted_after_the_object_can_be_completed(own: Recorded, admin: Person) -> None:
    client_of(own.target).delete_object(Bucket="calls", Key=own.call.recording_key)
    assert (await delete(admin, own))["call"]["recording"]["state"] == "DELETED"


async def test_concurrent_deletions_publish_one_event(own: Recorded, installation: Installation, admin: Person) -> None:
    payloads = await asyncio.gather(*(delete(admin, own) for _ in range(6)))
    assert all(payload["userErrors"] == [] for payload in payloads)
    assert len(await events(installation)) == 1


async def test_credentials_are_deleted_with_the_last_recording_that_uses_them(
    installation: Installation, local_s3: LocalS3, admin: Person, world: World
) -> None:
    target = target_in(local_s3)
    first, second = await recorded(installation, target), await recorded(installation, target)
    await configure(installation, target_in(local_s3, "other", "neighbourkey", "neighboursecret"))
    await delete(admin, first)
    assert await count_stored_credentials(installation) == 1
    await delete(admin, second)
    assert await count_stored_credentials(installation) == 0
    third = await recorded(installation, target)
    await configure(installation, target)
    await delete(admin, third)
    assert await count_stored_credentials(installation) == 1, "those that the account uses now stay"
    assert len(await events(installation)) == 3


async def test_a_failed_recording_can_be_retried(
    installation: Installation, local_s3: LocalS3, account_user: Person, sibling_user: Person, tmp_path: Any
) -> None:
    installation.resources.clients[Spool] = Spool(tmp_path / "spool", 10**9)  # type: ignore[index]
    failed = await recorded(
        installation, target_in(local_s3), recording_state=RecordingState.FAILED, recording_error={"code": "x"}
    )
    client_of(failed.target).delete_object(Bucket="calls", Key=failed.call.recording_key)
    selection = "call { recording { state } }"
    refused = await sibling_user.change("retryRecording", selection, id=failed.id)
    assert refusals(refused) == [("NOT_FOUND", ["id"])]
    payload = await account_user.change("retryRecording", selection, id=failed.id)
    assert payload == {"call": {"recording": {"state": "STORING"}}, "userErrors": []}
    assert len(await events(installation, "retryRecording")) == 1
    stored = await recorded(installation, target_in(local_s3))
    refused = await account_user.change("retryRecording", selection, id=stored.id)
    assert refusals(refused) == [("CONFLICT", ["id"])]
