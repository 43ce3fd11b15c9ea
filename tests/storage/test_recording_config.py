"""Recording configurations: created, changed, removed, and never revealing a secret."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.storage.model import RecordingConfig
from tests.support.installation import Installation, Person, World, refusals

CONFIG = (
    "recordingConfig { id enabled audioFormat bucketVendor endpointUrl bucketName region accessKeyIdEnding"
    " secretAccessKeySetAt s3Tags { name value } recordAllCalls storageStatus storageStatusSince fingerprint version }"
)
AWS = {
    "bucketVendor": "AWS_S3",
    "bucketName": "calls-of-acme",
    "region": "eu-central-1",
    "accessKeyId": "AKIAIOSFODNN7ACMEKEY",
    "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYACMEKEY",
}
READ = "query ($id: ID!) { account(id: $id) { " + CONFIG + " } }"


async def saved(person: Person, account: str, **input: Any) -> dict[str, Any]:
    payload = await person.change("updateRecordingConfig", CONFIG, accountId=account, **input)
    assert payload["userErrors"] == []
    config: dict[str, Any] = payload["recordingConfig"]
    return config


@pytest.fixture
async def blank(provider: Person) -> str:
    """An account without a recording configuration."""
    payload = await provider.change("createAccount", "account { id }", name="Blank")
    return str(payload["account"]["id"])


async def test_a_configuration_is_null_until_it_is_created(provider: Person, blank: str) -> None:
    assert (await provider.ask(READ, id=blank)).only("account") == {"recordingConfig": None}
    config = await saved(provider, blank, recordAllCalls=True)
    assert (config["enabled"], config["audioFormat"], config["recordAllCalls"]) == (False, "MP3", True)
    assert (config["s3Tags"], config["storageStatus"], config["version"]) == ([], "UNVERIFIED", 1)


async def test_reading_shows_the_end_of_the_key_id_and_never_the_secret(provider: Person, blank: str) -> None:
    config = await saved(provider, blank, **AWS)
    assert config["accessKeyIdEnding"] == "EKEY"
    assert config["secretAccessKeySetAt"] is not None
    assert AWS["secretAccessKey"] not in str(config)
    assert AWS["accessKeyId"] not in str(config)


async def test_an_update_that_leaves_fields_out_keeps_them(provider: Person, blank: str) -> None:
    tags = [{"name": "customer", "value": "Acme"}]
    before = await saved(provider, blank, **AWS, enabled=True, s3Tags=tags, audioFormat="WAV")
    after = await saved(provider, blank, recordAllCalls=True)
    assert after == {**before, "recordAllCalls": True, "version": 2}


async def test_a_null_clears_what_can_be_cleared(provider: Person, blank: str) -> None:
    await saved(provider, blank, **AWS, s3Tags=[{"name": "a", "value": ""}])
    cleared = await saved(provider, blank, region=None, s3Tags=None, accessKeyId=None, secretAccessKey=None)
    assert (cleared["region"], cleared["s3Tags"]) == (None, [])
    assert (cleared["accessKeyIdEnding"], cleared["secretAccessKeySetAt"]) == (None, None)


async def test_a_null_for_a_required_field_is_refused_and_nothing_is_saved(provider: Person, blank: str) -> None:
    before = await saved(provider, blank, **AWS)
    payload = await provider.change(
        "updateRecordingConfig", CONFIG, accountId=blank, enabled=None, audioFormat=None, region="us-east-1"
    )
    assert refusals(payload) == [("REQUIRED", ["enabled"]), ("REQUIRED", ["audioFormat"])]
    assert (await provider.ask(READ, id=blank)).only("account") == {"recordingConfig": before}


async def test_enabling_names_everything_that_is_missing(provider: Person, blank: str) -> None:
    payload = await provider.change("updateRecordingConfig", CONFIG, accountId=blank, enabled=True)
    assert refusals(payload) == [
        ("REQUIRED", ["bucketVendor"]),
        ("REQUIRED", ["bucketName"]),
        ("REQUIRED", ["region"]),
        ("REQUIRED", ["accessKeyId"]),
        ("REQUIRED", ["secretAccessKey"]),
    ]


async def test_enabling_does_not_need_a_passed_test(provider: Person, blank: str) -> None:
    config = await saved(provider, blank, **AWS, enabled=True)
    assert (config["enabled"], config["storageStatus"]) == (True, "UNVERIFIED")


async def test_settings_that_enabled_requires_cannot_be_cleared_while_it_is_true(provider: Person, blank: str) -> None:
    await saved(provider, blank, **AWS, enabled=True)
    payload = await provider.change("updateRecordingConfig", CONFIG, accountId=blank, bucketName=None)
    assert refusals(payload) == [("REQUIRED", ["bucketName"])]


async def test_all_errors_are_reported_at_once_by_field(provider: Person, blank: str) -> None:
    payload = await provider.change(
        "updateRecordingConfig",
        CONFIG,
        accountId=blank,
        bucketVendor="AWS_S3",
        bucketName="No_Such-Bucket.",
        region="nowhere",
        accessKeyId="ASIAIOSFODNN7ACMEKEY",
        secretAccessKey="",
        s3Tags=[{"name": "aws:x", "value": "v" * 257}],
    )
    assert {field[0] for _, field in refusals(payload) if field} == {
        "bucketName",
        "region",
        "accessKeyId",
        "secretAccessKey",
        "s3Tags",
    }
    assert ["s3Tags", "0", "name"] in [field for _, field in refusals(payload)]
    assert payload["recordingConfig"] is None


@pytest.mark.parametrize(("given", "missing"), [("accessKeyId", "secretAccessKey"), ("secretAccessKey", "accessKeyId")])
async def test_one_key_without_the_other_is_refused(provider: Person, blank: str, given: str, missing: str) -> None:
    await saved(provider, blank, **AWS)
    payload = await provider.change("updateRecordingConfig", CONFIG, accountId=blank, **{given: AWS[given]})
    assert refusals(payload) == [("REQUIRED", [missing])]


async def test_stored_keys_never_go_to_another_server(provider: Person, blank: str) -> None:
    await saved(provider, blank, **AWS)
    payload = await provider.change(
        "updateRecordingConfig",
        CONFIG,
        accountId=blank,
        bucketVendor="S3_COMPATIBLE",
        endpointUrl="https://s3.attacker.example",
    )
    assert refusals(payload) == [("REQUIRED", ["accessKeyId"]), ("REQUIRED", ["secretAccessKey"])]


@pytest.mark.parametrize(
    "endpoint",
    ["http://169.254.169.254", "http://10.0.0.7:9000", "http://[::1]:9000", "http://2130706433", "http://localhost"],
)
@pytest.mark.settings(outbound_allowed_hosts=[])
async def test_an_endpoint_in_our_own_network_is_refused_at_save(provider: Person, blank: str, endpoint: str) -> None:
    payload = await provider.change(
        "updateRecordingConfig", CONFIG, accountId=blank, bucketVendor="S3_COMPATIBLE", endpointUrl=endpoint
    )
    assert refusals(payload) == [("INVALID", ["endpointUrl"])]


async def test_an_unlisted_region_is_accepted_with_a_warning(provider: Person, blank: str) -> None:
    payload = await provider.change(
        "updateRecordingConfig",
        "recordingConfig { region warnings }",
        accountId=blank,
        bucketVendor="AWS_S3",
        region="eu-west-9",
    )
    assert payload["recordingConfig"]["region"] == "eu-west-9"
    assert len(payload["recordingConfig"]["warnings"]) == 1


async def test_an_outdated_version_is_a_conflict(provider: Person, blank: str) -> None:
    await saved(provider, blank, **AWS)
    await saved(provider, blank, recordAllCalls=True, ifVersion=1)
    payload = await provider.change("updateRecordingConfig", CONFIG, accountId=blank, recordAllCalls=False, ifVersion=1)
    assert refusals(payload) == [("CONFLICT", ["ifVersion"])]


async def test_two_concurrent_first_saves_both_apply(provider: Person, blank: str) -> None:
    await asyncio.gather(
        saved(provider, blank, recordAllCalls=True),
        saved(provider, blank, audioFormat="WAV"),
        saved(provider, blank, region="eu-west-1"),
    )
    now = (await provider.ask(READ, id=blank)).only("account")["recordingConfig"]
    assert (now["recordAllCalls"], now["audioFormat"], now["region"]) == (True, "WAV", "eu-west-1")
    assert now["version"] == 3


async def test_the_secret_is_encrypted_for_its_own_row(
    provider: Person, blank: str, installation: Installation, world: World
) -> None:
    await saved(provider, blank, **AWS)
    async with installation.database():
        row = await RecordingConfig.get(access_key_id=AWS["accessKeyId"])
        assert row.secret_access_key is not None
        assert AWS["secretAccessKey"].encode() not in row.secret_access_key
        await RecordingConfig.filter(account_id=UUID(world["own"][2:])).update(secret_access_key=row.secret_access_key)
    answer = await provider.ask(
        "mutation ($id: ID!) { verifyStoredRecordingStorage(input: {accountId: $id}) { verification { verdict } } }",
        id=world["own"],
    )
    assert answer.codes == ["INTERNAL_SERVER_ERROR"]


async def test_removing_returns_the_id_and_leaves_nothing(provider: Person, blank: str) -> None:
    config = await saved(provider, blank, **AWS)
    payload = await provider.change("removeRecordingConfig", "deletedId", accountId=blank)
    assert payload == {"deletedId": config["id"], "userErrors": []}
    assert (await provider.ask(READ, id=blank)).only("account") == {"recordingConfig": None}
    again = await provider.change("removeRecordingConfig", "deletedId", accountId=blank)
    assert refusals(again) == [("NOT_FOUND", ["accountId"])]


async def test_removing_an_older_version_is_a_conflict(provider: Person, blank: str) -> None:
    await saved(provider, blank, **AWS)
    await saved(provider, blank, recordAllCalls=True)
    payload = await provider.change("removeRecordingConfig", "deletedId", accountId=blank, ifVersion=1)
    assert refusals(payload) == [("CONFLICT", ["ifVersion"])]


@pytest.mark.parametrize("mutation", ["updateRecordingConfig", "removeRecordingConfig"])
async def test_another_tenants_account_looks_missing(account_user: Person, world: World, mutation: str) -> None:
    foreign = await account_user.change(mutation, "__typename", accountId=world["foreign"])
    unknown = await account_user.change(mutation, "__typename", accountId="AC" + "0" * 32)
    assert foreign == unknown
    assert refusals(foreign) == [("NOT_FOUND", ["accountId"])]


async def test_the_policy_is_for_the_stored_bucket_and_its_partition(account_user: Person, world: World) -> None:
    query = (
        "query ($id: ID!) { recordingPolicy(accountId: $id) { bucketName json statements { sid purpose actions } } }"
    )
    policy = (await account_user.ask(query, id=world["own"])).only("recordingPolicy")
    assert policy["bucketName"] == "own-recordings"
    assert '"arn:aws:s3:::own-recordings/*"' in policy["json"]
    actions = [action for statement in policy["statements"] for action in statement["actions"]]
    assert {"s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:GetObject"} < set(actions)
    assert (await account_user.ask(query, id=world["foreign"])).only("recordingPolicy") is None


async def test_the_policy_of_a_bucket_that_is_not_saved_yet(provider: Person, blank: str) -> None:
    query = (
        "query ($id: ID!, $bucket: String) "
        '{ recordingPolicy(accountId: $id, bucketName: $bucket, region: "cn-north-1") { json } }'
    )
    policy = (await provider.ask(query, id=blank, bucket="new-calls")).only("recordingPolicy")
    assert '"arn:aws-cn:s3:::new-calls"' in policy["json"]
    for bucket in (None, "Not_A_Bucket", '"injected"'):
        answer = await provider.ask(query, id=blank, bucket=bucket)
        assert answer.codes == ["BAD_USER_INPUT"]


async def test_a_form_can_be_drawn_from_the_api_alone(read_only: Person) -> None:
    answer = await read_only.ask(
        "{ s3Regions { code name partition optIn endpoint } audioFormats { value name contentType }"
        " bucketVendors { value name needsEndpointUrl } }"
    )
    regions = {region["code"]: region for region in answer.only("s3Regions")}
    assert regions["af-south-1"]["optIn"] is True
    assert regions["cn-north-1"]["endpoint"] == "https://s3.cn-north-1.amazonaws.com.cn"
    assert [option["value"] for option in answer.data["audioFormats"]] == ["MP3", "WAV"]
    assert [option["needsEndpointUrl"] for option in answer.data["bucketVendors"]] == [False, True]


async def test_a_region_that_the_sdk_rewrites_is_refused(provider: Person, blank: str) -> None:
    for region in ("fips-us-east-1", "us-east-1-fips"):
        payload = await provider.change(
            "updateRecordingConfig", CONFIG, accountId=blank, bucketVendor="S3_COMPATIBLE", region=region
        )
        assert refusals(payload) == [("INVALID", ["region"])]


PASTED = {name: f" \n{AWS[name]}\t\u00a0" for name in ("bucketName", "region", "accessKeyId")}
OF_SERVER = {**AWS, "bucketVendor": "S3_COMPATIBLE", "endpointUrl": "http://127.0.0.1:9"}


async def test_spaces_around_pasted_values_are_removed(provider: Person, blank: str) -> None:
    for stored in (AWS, OF_SERVER):
        plain = await saved(provider, blank, **stored)
        # Unchanged: the stored secret is used at the same server with the same key.
        assert await saved(provider, blank, **{**stored, **PASTED, **_endpoint(stored)}) == plain


async def test_spaces_around_pasted_values_are_removed_in_a_test(provider: Person, blank: str) -> None:
    fingerprint = (await saved(provider, blank, **OF_SERVER))["fingerprint"]
    draft = {**OF_SERVER, **PASTED, **_endpoint(OF_SERVER)}
    payload = await provider.change("verifyRecordingStorage", "verification { fingerprint }", accountId=blank, **draft)
    assert payload["verification"] == {"fingerprint": fingerprint}


def _endpoint(stored: dict[str, str]) -> dict[str, str]:
    return {"endpointUrl": f"  {stored['endpointUrl']}\r\n"} if "endpointUrl" in stored else {}


async def test_the_stored_keys_apply_to_a_pasted_endpoint(provider: Person, blank: str) -> None:
    await saved(provider, blank, **OF_SERVER)
    given = {"bucketVendor": "S3_COMPATIBLE", "endpointUrl": f" {OF_SERVER['endpointUrl']} "}
    assert (await saved(provider, blank, **given))["version"] == 1


@pytest.mark.parametrize("around", ["{}\n", " {}", "{}\t", "\u00a0{}"])
async def test_a_secret_is_never_trimmed(provider: Person, blank: str, around: str) -> None:
    given = {**AWS, "secretAccessKey": around.format(AWS["secretAccessKey"])}
    payload = await provider.change("updateRecordingConfig", CONFIG, accountId=blank, **given)
    assert refusals(payload) == [("INVALID", ["secretAccessKey"])]
    message = "The secret access key begins or ends with a space or a line break: remove it."
    assert payload["userErrors"][0]["message"] == message


async def test_a_policy_accepts_a_pasted_bucket(provider: Person, blank: str) -> None:
    query = """query ($id: ID!, $bucket: String, $region: String) {
      recordingPolicy(accountId: $id, bucketName: $bucket, region: $region) { json } }"""
    plain, pasted = [
        (await provider.ask(query, id=blank, bucket=bucket, region=region)).only("recordingPolicy")
        for bucket, region in (("calls", "us-gov-west-1"), (" calls\n", "us-gov-west-1 "))
    ]
    assert plain == pasted
