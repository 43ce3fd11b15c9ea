"""Stored credentials: listed, removed with `force` only while in use, and re-encrypted."""

import asyncio
from typing import Any

import asyncpg

from app.audit.model import AuditEvent
from app.calls.model import Call, RecordingState
from app.commands.reencrypt import reencrypt
from app.demo.local_s3 import LocalS3
from app.foundation.encryption import Keyring
from app.foundation.identifiers import Kind, parse_sid
from app.recording import credential_retention
from app.storage.credentials import open_secret
from app.storage.model import StoredCredential
from tests.recording.recorded import configure, count_stored_credentials, recorded, target_in
from tests.support.installation import Installation, Person, World, refusals
from tests.support.statements import recorded as statements
from tests.support.waiting import until

LIST = """query ($id: ID!) { account(id: $id) { storedCredentials { nodes {
    id vendor endpointUrl accessKeyIdEnding createdAt isCurrent recordingCount account { id } } } } }"""


async def listed(person: Person, account_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.ask(LIST, id=account_id)).only("account")["storedCredentials"]["nodes"]
    return found


async def test_stored_credentials_are_listed_with_their_number_of_recordings(
    installation: Installation, local_s3: LocalS3, account_user: Person, read_only: Person, world: World
) -> None:
    old, new = target_in(local_s3), target_in(local_s3, "other", "neighbourkey", "neighboursecret")
    for _ in range(3):
        await recorded(installation, old)
    await recorded(installation, old, recording_state=RecordingState.DELETED)
    await recorded(installation, new)
    await configure(installation, new)
    for person in (account_user, read_only):
        first, second = await listed(person, world["own"])
        assert first["id"].startswith("SC")
        assert first["account"] == {"id": world["own"]}
        assert (first["accessKeyIdEnding"], first["isCurrent"], first["recordingCount"]) == ("rkey", True, 1)
        assert (second["accessKeyIdEnding"], second["isCurrent"], second["recordingCount"]) == ("rkey", False, 3)
        assert second["endpointUrl"] == local_s3.endpoint
        found = await person.ask("query ($id: ID!) { node(id: $id) { id } }", id=first["id"])
        assert found.only("node") == {"id": first["id"]}


async def test_keys_with_another_secret_are_not_current(
    installation: Installation, local_s3: LocalS3, account_user: Person, world: World
) -> None:
    await recorded(installation, target_in(local_s3))
    await configure(installation, target_in(local_s3, "calls", "recorderkey", "another secret"))
    assert [one["isCurrent"] for one in await listed(account_user, world["own"])] == [False]


async def test_stored_credentials_of_other_tenants_are_not_visible(
    installation: Installation,
    local_s3: LocalS3,
    account_user: Person,
    sibling_user: Person,
    read_only: Person,
    world: World,
) -> None:
    await recorded(installation, target_in(local_s3))
    (credential,) = await listed(account_user, world["own"])
    assert (await sibling_user.ask("query ($id: ID!) { node(id: $id) { id } }", id=credential["id"])).data == {
        "node": None
    }
    refused = await sibling_user.change("removeStoredCredential", "deletedId", id=credential["id"], force=True)
    unknown = await sibling_user.change("removeStoredCredential", "deletedId", id=f"SC{'0' * 32}", force=True)
    assert refused == unknown
    assert refusals(refused) == [("NOT_FOUND", ["id"])]
    answer = await read_only.ask(
        "mutation ($id: ID!) { removeStoredCredential(input: {id: $id}) { deletedId } }", id=credential["id"]
    )
    assert answer.codes == ["FORBIDDEN"]
    assert await count_stored_credentials(installation) == 1


async def test_credentials_in_use_are_removed_only_with_force(
    installation: Installation, local_s3: LocalS3, account_user: Person, world: World
) -> None:
    calls = [await recorded(installation, target_in(local_s3)) for _ in range(2)]
    (credential,) = await listed(account_user, world["own"])
    refused = await account_user.change("removeStoredCredential", "deletedId", id=credential["id"])
    assert refusals(refused) == [("IN_USE", ["id"])]
    assert refused["userErrors"][0]["message"] == (
        "Recordings use these keys: 2, counted up to 1000. Send `force: true` to remove the keys anyway."
    )
    done = await account_user.change("removeStoredCredential", "deletedId", id=credential["id"], force=True)
    assert done == {"deletedId": credential["id"], "userErrors": []}
    assert await count_stored_credentials(installation) == 0
    async with installation.database():
        (event,) = await AuditEvent.filter(operation="removeStoredCredential")
        assert event.object_id == parse_sid(Kind.STORED_CREDENTIAL, credential["id"])
        assert "recordersecret" not in str(event.before)
        assert set(await Call.all().values_list("recording_credential_id", flat=True)) == {None}
    for call in calls:
        assert (await account_user.client.get(call.path, headers=account_user.headers)).status_code == 502
    await configure(installation, target_in(local_s3))
    answer = await account_user.client.get(calls[0].path, headers=account_user.headers)
    assert answer.content == calls[0].audio, "the account's present keys open the same bucket"


async def test_unused_credentials_are_removed_without_force(
    installation: Installation, local_s3: LocalS3, account_user: Person, world: World
) -> None:
    await recorded(installation, target_in(local_s3), recording_state=RecordingState.DELETED)
    (credential,) = await listed(account_user, world["own"])
    assert credential["recordingCount"] == 0
    done = await account_user.change("removeStoredCredential", "deletedId", id=credential["id"])
    assert done["deletedId"] == credential["id"]


async def test_credentials_of_an_upload_in_progress_cannot_be_removed(
    installation: Installation, local_s3: LocalS3, account_user: Person, world: World
) -> None:
    for state in (RecordingState.RECORDING, RecordingState.STORING):
        await recorded(installation, target_in(local_s3), recording_state=state)
    (credential,) = await listed(account_user, world["own"])
    refused = await account_user.change("removeStoredCredential", "deletedId", id=credential["id"], force=True)
    assert refusals(refused) == [("CONFLICT", ["id"])]


async def test_removing_a_credential_and_deleting_a_recording_do_not_deadlock(
    installation: Installation, local_s3: LocalS3, admin: Person, account_user: Person, world: World
) -> None:
    """Each takes the keys before the call."""
    call = await recorded(installation, target_in(local_s3))
    await configure(installation, target_in(local_s3))
    (credential,) = await listed(account_user, world["own"])
    other = await asyncpg.connect(installation.settings.database_url)

    async def are_waiting(number: int) -> bool:
        # Not `pg_stat_activity`, whose rows stay the same until the transaction ends.
        return bool(await other.fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted") == number)

    async with other.transaction():
        await other.execute("SELECT FROM calls WHERE id = $1 FOR UPDATE", call.call.id)
        deletion = asyncio.create_task(admin.change("deleteRecording", "__typename", id=call.id))
        await until(lambda: are_waiting(1))
        removal = asyncio.create_task(
            account_user.change("removeStoredCredential", "deletedId", id=credential["id"], force=True)
        )
        await until(lambda: are_waiting(2))
    assert (await deletion)["userErrors"] == []
    assert (await removal)["deletedId"] == credential["id"]
    await other.close()


async def test_recordings_are_counted_up_to_a_limit(
    installation: Installation, local_s3: LocalS3, account_user: Person, world: World, monkeypatch: Any
) -> None:
    monkeypatch.setattr(credential_retention, "MAXIMUM_COUNT", 2)
    for _ in range(3):
        await recorded(installation, target_in(local_s3))
    assert [one["recordingCount"] for one in await listed(account_user, world["own"])] == [2]


async def test_no_statement_is_added_for_another_credential(
    installation: Installation, local_s3: LocalS3, account_user: Person, world: World
) -> None:
    counts = []
    for number in range(3):
        made = await recorded(installation, target_in(local_s3))
        async with installation.database():
            mine = StoredCredential.filter(id=made.call.recording_credential_id)
            await mine.update(fingerprint=bytes([number]) * 32)
        with statements() as sent:
            assert len(await listed(account_user, world["own"])) == number + 1
        counts.append(len(sent) - (number == 0))  # the first request looks up the key's owner
    assert counts[0] == counts[1] == counts[2]


async def test_secrets_are_encrypted_again_with_the_newest_key(
    installation: Installation, local_s3: LocalS3, world: World
) -> None:
    await recorded(installation, target_in(local_s3))
    old, newer = installation.resources.keyring, {"newer": b"n" * 32}
    both, alone = Keyring(newer, b"h" * 32), Keyring(newer, b"h" * 32)
    both._ciphers = {**alone._ciphers, **old._ciphers}
    async with installation.database():
        await reencrypt(both)
        assert open_secret(alone, await StoredCredential.get()) == "recordersecret"
