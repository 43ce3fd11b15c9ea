"""The storage test through the API, against a real S3."""

from typing import Any

import pytest

from tests.support.installation import Person, World, refusals
from tests.support.servers.fixtures import READER

VERIFICATION = (
    "verification { verdict canPlay canErase fingerprint leftoverKey"
    " steps { step status durationMs code s3Code httpStatus requestId advice } }"
)
STATUS = (
    "query ($id: ID!) { account(id: $id) { recordingConfig"
    " { storageStatus storageStatusSince fingerprint version lastVerification { verdict fingerprint } } } }"
)
STEPS = ["SETTINGS", "REACH", "REGION", "WRITE", "TAGS", "READ", "MULTIPART", "DELETE"]


async def verify(person: Person, account: str, **draft: Any) -> dict[str, Any]:
    payload = await person.change("verifyRecordingStorage", VERIFICATION, accountId=account, **draft)
    assert payload["userErrors"] == []
    verification: dict[str, Any] = payload["verification"]
    return verification


async def status(person: Person, account: str) -> dict[str, Any]:
    config: dict[str, Any] = (await person.ask(STATUS, id=account)).only("account")["recordingConfig"]
    return config


async def test_a_draft_is_tested_in_eight_steps_and_nothing_is_stored(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    before = await status(account_user, world["own"])
    result = await verify(account_user, world["own"], **working_storage)
    assert (result["verdict"], result["canPlay"], result["canErase"]) == ("WORKING", True, True)
    assert [step["step"] for step in result["steps"]] == STEPS
    assert await status(account_user, world["own"]) == before


async def test_a_wrong_draft_fails_though_the_stored_values_work(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], **working_storage)
    result = await verify(account_user, world["own"], **{**working_storage, "secretAccessKey": "wrong-but-long-enough"})
    write = result["steps"][3]
    assert (result["verdict"], write["status"]) == ("FAILING", "FAILED")
    assert (write["code"], write["s3Code"]) == ("WRONG_SECRET_ACCESS_KEY", "SignatureDoesNotMatch")


async def test_an_incomplete_draft_fails_the_step_settings(account_user: Person, world: World) -> None:
    result = await verify(account_user, world["own"], bucketName="calls")
    assert [step["status"] for step in result["steps"]] == ["FAILED"] + ["SKIPPED"] * 7
    assert [step["code"] for step in result["steps"]] == ["SETTINGS_INVALID"] + ["NOT_TRIED"] * 7
    assert "region" in result["steps"][0]["advice"]


WRONG = [["accessKeyId"], ["bucketName"], ["region"], ["s3Tags", "0", "name"], ["secretAccessKey"]]
SETTINGS_ERRORS = "verification { settingsErrors { code field message } }"


async def test_a_test_reports_invalid_fields_like_a_save(account_user: Person, world: World) -> None:
    wrong = {
        "bucketVendor": "AWS_S3",
        "bucketName": "No_Bucket",
        "region": "here",
        "accessKeyId": "short",
        "secretAccessKey": " ",
        "s3Tags": [{"name": "", "value": "x"}],
    }
    tested = await account_user.change("verifyRecordingStorage", SETTINGS_ERRORS, accountId=world["own"], **wrong)
    told = tested["verification"]["settingsErrors"]
    assert tested["userErrors"] == []
    assert sorted(error["field"] for error in told) == WRONG
    saved = await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], **wrong)
    assert told == saved["userErrors"]


async def test_a_test_of_stored_values_reports_missing_ones(account_user: Person, world: World) -> None:
    cleared = dict.fromkeys(("region", "accessKeyId", "secretAccessKey"))
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], enabled=False, **cleared)
    payload = await account_user.change("verifyStoredRecordingStorage", SETTINGS_ERRORS, accountId=world["own"])
    told = [(error["code"], error["field"]) for error in payload["verification"]["settingsErrors"]]
    assert told == [("REQUIRED", [name]) for name in cleared]
    saved = "settingsErrors { rule code field message arguments { name value } } steps { code }"
    query = f"query ($id: ID!) {{ account(id: $id) {{ recordingConfig {{ lastVerification {{ {saved} }} }} }} }}"
    found = (await account_user.ask(query, id=world["own"])).only("account")["recordingConfig"]["lastVerification"]
    rules = [f"{name}_MISSING" for name in ("REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")]
    assert [error["rule"] for error in found["settingsErrors"]] == rules
    assert [step["code"] for step in found["steps"]] == ["SETTINGS_INVALID"] + ["NOT_TRIED"] * 7


async def test_a_test_of_stored_values_sets_the_status(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], **working_storage)
    before = await status(account_user, world["own"])
    payload = await account_user.change(
        "verifyStoredRecordingStorage",
        f"{VERIFICATION} recordingConfig {{ storageStatus storageStatusSince }}",
        accountId=world["own"],
    )
    assert payload["recordingConfig"]["storageStatus"] == "WORKING"
    after = await status(account_user, world["own"])
    assert after["storageStatus"] == "WORKING"
    assert after["storageStatusSince"] > before["storageStatusSince"]
    assert after["lastVerification"] == {"verdict": "WORKING", "fingerprint": after["fingerprint"]}
    assert after["version"] == before["version"], "a test is no edit"


async def test_an_unchanged_status_keeps_its_time(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], **working_storage)
    since = []
    for _ in range(2):
        await account_user.change("verifyStoredRecordingStorage", "__typename", accountId=world["own"])
        since.append((await status(account_user, world["own"]))["storageStatusSince"])
    assert since[0] == since[1]


async def test_editing_tested_settings_makes_them_unverified(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], **working_storage)
    await account_user.change("verifyStoredRecordingStorage", "__typename", accountId=world["own"])
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], recordAllCalls=True)
    assert (await status(account_user, world["own"]))["storageStatus"] == "WORKING"
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], bucketName="other")
    now = await status(account_user, world["own"])
    assert (now["storageStatus"], now["lastVerification"]) == ("UNVERIFIED", None)


async def test_a_storage_that_cannot_be_written_to_is_failing(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    keys = {"accessKeyId": READER.access_key_id, "secretAccessKey": READER.secret_access_key}
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], **working_storage | keys)
    payload = await account_user.change("verifyStoredRecordingStorage", VERIFICATION, accountId=world["own"])
    assert payload["verification"]["verdict"] == "FAILING"
    assert (await status(account_user, world["own"]))["storageStatus"] == "FAILING"


async def test_a_draft_without_keys_uses_the_stored_pair_at_the_stored_server_only(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], **working_storage)
    draft = {name: value for name, value in working_storage.items() if name not in ("accessKeyId", "secretAccessKey")}
    result = await verify(account_user, world["own"], **draft)
    assert result["verdict"] == "WORKING"
    assert result["fingerprint"] == (await status(account_user, world["own"]))["fingerprint"]
    elsewhere = await verify(account_user, world["own"], **{**draft, "endpointUrl": "https://s3.attacker.example"})
    assert elsewhere["steps"][0]["status"] == "FAILED"


async def test_a_draft_with_one_key_never_uses_the_stored_other_one(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], **working_storage)
    draft = {name: value for name, value in working_storage.items() if name != "secretAccessKey"}
    result = await verify(account_user, world["own"], **draft)
    assert result["steps"][0]["status"] == "FAILED"


@pytest.mark.settings(outbound_allowed_hosts=[])
async def test_a_draft_cannot_scan_the_private_network(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    result = await verify(account_user, world["own"], **working_storage)
    assert [step["status"] for step in result["steps"]] == ["FAILED"] + ["SKIPPED"] * 7
    assert [step["code"] for step in result["steps"]] == ["SETTINGS_INVALID"] + ["NOT_TRIED"] * 7


async def test_a_missing_configuration_cannot_be_tested(provider: Person) -> None:
    account = (await provider.change("createAccount", "account { id }", name="Blank"))["account"]["id"]
    payload = await provider.change("verifyStoredRecordingStorage", VERIFICATION, accountId=account)
    assert refusals(payload) == [("NOT_FOUND", ["accountId"])]


async def test_another_tenants_storage_cannot_be_tested(account_user: Person, world: World) -> None:
    for mutation in ("verifyRecordingStorage", "verifyStoredRecordingStorage"):
        payload = await account_user.change(mutation, VERIFICATION, accountId=world["foreign"])
        assert (payload["verification"], refusals(payload)) == (None, [("NOT_FOUND", ["accountId"])])
