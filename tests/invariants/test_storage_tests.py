"""The storage test: it tests the given draft, leaves nothing behind, names the region, and cannot scan our network."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import boto3
import pytest

from app.demo.local_s3 import LocalS3
from tests.invariants.schema_walk import MUTATIONS, fields_of, input_type, send, user_errors_of
from tests.support.installation import Installation, Person, World
from tests.support.servers.fixtures import ADMIN, BUCKETS, NEIGHBOUR
from tests.support.servers.scripted_s3 import Answer as Scripted
from tests.support.servers.scripted_s3 import ScriptedS3, error

VERIFICATION = "verification { verdict leftoverKey fingerprint steps { step status durationMs advice } }"
DRAFT, STORED = "verifyRecordingStorage", "verifyStoredRecordingStorage"


async def verified(person: Person, mutation: str, account: str, **draft: Any) -> dict[str, Any]:
    answer = await send(person, mutation, {"accountId": account, **draft}, VERIFICATION)
    found: dict[str, Any] = answer.only(mutation)["verification"]
    return found


# An invalid value for each field of a draft, and the other fields that must change for it to be the only error.
WRONG: dict[str, dict[str, Any]] = {
    "bucketVendor": {"bucketVendor": "AWS_S3"},
    "endpointUrl": {"endpointUrl": "http://127.0.0.1:9"},
    "bucketName": {"bucketName": "nowhere"},
    "region": {"region": "no region"},
    "accessKeyId": {"accessKeyId": NEIGHBOUR.access_key_id, "secretAccessKey": NEIGHBOUR.secret_access_key},
    "secretAccessKey": {"secretAccessKey": "wrong-but-long-enough"},
    "s3Tags": {"s3Tags": [{"name": "aws:no", "value": ""}]},
}


async def test_testing_a_draft_does_not_test_the_stored_configuration(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    drawn = {path.split(".")[0] for path in fields_of(input_type(DRAFT))} - {"accountId"}
    assert drawn == set(WRONG), "a new field of a draft: say how it can be wrong"
    own = world["own"]
    assert (
        user_errors_of(
            await send(account_user, "updateRecordingConfig", {"accountId": own, **working_storage}),
            "updateRecordingConfig",
        )
        == []
    )
    working = await verified(account_user, STORED, own)
    assert working["verdict"] == "WORKING"
    for name, wrong in WRONG.items():
        draft = await verified(account_user, DRAFT, own, **{**working_storage, **wrong})
        assert draft["verdict"] == "FAILING", name
        assert draft["fingerprint"] != working["fingerprint"], name


async def test_testing_the_stored_configuration_ignores_a_working_draft(
    account_user: Person, world: World, working_storage: dict[str, Any]
) -> None:
    own, wrong = world["own"], {"secretAccessKey": "wrong-but-long-enough"}
    await send(account_user, "updateRecordingConfig", {"accountId": own, **working_storage, **wrong})
    draft = await verified(account_user, DRAFT, own, **working_storage)
    stored = await verified(account_user, STORED, own)
    assert (draft["verdict"], stored["verdict"]) == ("WORKING", "FAILING")
    status = "query ($id: ID!) { account(id: $id) { recordingConfig { storageStatus fingerprint } } }"
    config = (await account_user.ask(status, id=own)).only("account")["recordingConfig"]
    assert config == {"storageStatus": "FAILING", "fingerprint": stored["fingerprint"]}


async def test_a_storage_test_leaves_no_probe_object(
    account_user: Person, world: World, working_storage: dict[str, Any], local_s3: LocalS3
) -> None:
    keys = {"aws_access_key_id": ADMIN.access_key_id, "aws_secret_access_key": ADMIN.secret_access_key}
    client = boto3.client("s3", endpoint_url=local_s3.endpoint, region_name="us-east-1", **keys)
    await send(account_user, "updateRecordingConfig", {"accountId": world["own"], **working_storage})

    def there(bucket: str) -> tuple[list[str], list[Any]]:
        listed = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return [one["Key"] for one in listed], client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])

    before = {bucket: there(bucket) for bucket in BUCKETS}
    for mutation, draft in ((DRAFT, working_storage), (STORED, {})):
        found = await verified(account_user, mutation, world["own"], **draft)
        assert (found["verdict"], found["leftoverKey"]) == ("WORKING", None)
        assert "PASSED" in {step["status"] for step in found["steps"] if step["step"] == "WRITE"}
        assert {bucket: there(bucket) for bucket in BUCKETS} == before


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedS3]:
    async with ScriptedS3() as server:
        yield server


@pytest.mark.parametrize("call", ["put", "tags", "get", "create", "abort"])
async def test_a_storage_test_that_fails_at_any_step_leaves_no_probe_object(
    account_user: Person, world: World, working_storage: dict[str, Any], scripted: ScriptedS3, call: str
) -> None:
    scripted.answers[call] = error(500, "InternalError")
    found = await verified(account_user, DRAFT, world["own"], **{**working_storage, "endpointUrl": scripted.endpoint})
    assert "FAILED" in {step["status"] for step in found["steps"]}
    assert (scripted.objects, found["leftoverKey"]) == ({}, None)


async def test_a_probe_that_cannot_be_deleted_is_named(
    account_user: Person, world: World, working_storage: dict[str, Any], scripted: ScriptedS3
) -> None:
    scripted.answers["delete"] = error(403, "AccessDenied")
    found = await verified(account_user, DRAFT, world["own"], **{**working_storage, "endpointUrl": scripted.endpoint})
    assert set(scripted.objects) == {f"/calls/{found['leftoverKey']}"}


@pytest.mark.parametrize("status", [200, 403])
async def test_another_region_named_by_a_working_server_is_a_warning(
    account_user: Person, world: World, working_storage: dict[str, Any], scripted: ScriptedS3, status: int
) -> None:
    there = {**working_storage, "endpointUrl": scripted.endpoint, "region": "us-east-1"}
    assert (await verified(account_user, DRAFT, world["own"], **there))["verdict"] == "WORKING"
    scripted.answers["bucket"] = Scripted(status, headers={"x-amz-bucket-region": "eu-west-1"})
    await send(account_user, "updateRecordingConfig", {"accountId": world["own"], **there})
    for mutation, draft in ((DRAFT, there), (STORED, {})):
        found = await verified(account_user, mutation, world["own"], **draft)
        (region,) = [step for step in found["steps"] if step["step"] == "REGION"]
        assert (found["verdict"], region["status"]) == ("WORKING", "SKIPPED")
        assert "eu-west-1" in region["advice"]
        assert "us-east-1" in region["advice"]


class Ear:
    """Listens on the loopback interface and counts connections."""

    def __init__(self) -> None:
        self.heard = 0

    async def listen(self) -> int:
        self._server = await asyncio.start_server(self._come, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _come(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += 1
        writer.close()

    async def close(self) -> None:
        self._server.close()
        await self._server.wait_closed()


@pytest.fixture
async def ear() -> AsyncIterator[tuple[Ear, int]]:
    listener = Ear()
    port = await listener.listen()
    yield listener, port
    await listener.close()


INNER = [
    *("127.0.0.1", "localhost", "LOCALHOST.", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0.0.0.0", "[::1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "169.254.169.254", "10.0.0.1", "192.168.0.1", "172.16.0.1"),
    *(
        "100.64.0.1",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ),
]


@pytest.mark.settings(outbound_allowed_hosts=[])
@pytest.mark.parametrize("host", INNER)
async def test_a_storage_test_cannot_scan_the_servers_own_network(
    installation: Installation, account_user: Person, world: World, working_storage: dict[str, Any], ear: Any, host: str
) -> None:
    listener, port = ear
    said = []
    for there in (port, 9):  # an open port and a closed one
        found = await verified(
            account_user, DRAFT, world["own"], **{**working_storage, "endpointUrl": f"http://{host}:{there}"}
        )
        said.append([(step["step"], step["status"], step["advice"]) for step in found["steps"]])
        assert found["verdict"] == "FAILING"
    assert listener.heard == 0
    assert str(said[0]).replace(str(port), "9") == str(said[1]), (
        "the answer does not depend on whether the port is open"
    )


@pytest.mark.settings(outbound_allowed_hosts=[])
async def test_no_address_from_a_tenant_leads_to_the_servers_own_network(
    account_user: Person, world: World, ear: Any
) -> None:
    listener, port = ear
    own, application = world["own"], world["own_application"]
    urls = {path for name in MUTATIONS for path in fields_of(input_type(name)) if path.endswith(("url", "Url"))}
    assert {path.rpartition(".")[2] for path in urls} == {"url", "endpointUrl"}
    for host in INNER:
        hook = {"url": f"http://{host}:{port}/x"}
        for mutation, given, path in (
            ("updateAccount", {"id": own, "registrationWebhook": hook}, ["registrationWebhook", "url"]),
            ("updateAccount", {"id": own, "queueEventWebhook": hook}, ["queueEventWebhook", "url"]),
            ("updateApplication", {"id": application, "callingWebhook": hook}, ["callingWebhook", "url"]),
            ("updateApplication", {"id": application, "callStatusWebhook": hook}, ["callStatusWebhook", "url"]),
        ):
            answer = await send(account_user, mutation, given)
            assert user_errors_of(answer, mutation) == [("INVALID", path)], (mutation, host)
        config = {"bucketVendor": "S3_COMPATIBLE", "endpointUrl": f"http://{host}:{port}"}
        refused = await send(account_user, "updateRecordingConfig", {"accountId": own, **config})
        assert ("INVALID", ["endpointUrl"]) in user_errors_of(refused, "updateRecordingConfig"), host
    assert listener.heard == 0
