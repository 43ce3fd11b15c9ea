"""The account page as a form: one query loads it, and one mutation saves all of it or nothing."""

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from app.server.schema import schema
from app.storage import service as recording
from tests.clients.example import operations
from tests.execution.test_compiled import reference_executor
from tests.support.installation import Installation, Person, World, refusals
from tests.support.statements import recorded

SHOWN = "account { name sipRealm version recordingConfig { enabled bucketName recordAllCalls version } }"
STORAGE = {
    "enabled": True,
    "bucketVendor": "AWS_S3",
    "bucketName": "calls-of-the-bakery",
    "region": "eu-central-1",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "secretAccessKey": "s3cret",
}
STATEMENTS = {"compiled": 3, "reference": 9}


async def save(person: Person, account: str, **given: Any) -> dict[str, Any]:
    return await person.change("updateAccount", SHOWN, id=account, **given)


def every_setting(world: World) -> dict[str, Any]:
    """A new value for each setting of the form."""
    return {
        "name": "Bakery",
        "sipRealm": "bakery.example.com",
        "usageLimit": {"unit": "MINUTES", "maximum": 500},
        "licensedSessions": 30,
        "registrationWebhook": {"url": "https://hooks.example.com/in", "method": "GET"},
        "queueEventWebhook": {"url": "https://hooks.example.com/queue", "username": "bread", "password": "butter"},
        "deviceCallingApplicationId": world["own_application"],
        "siprecApplicationId": world["own_application"],
        "recordingConfig": {**STORAGE, "ifVersion": 1},
        "ifVersion": 1,
    }


# An invalid value for each of them, and the expected error.
WRONG: dict[str, Any] = {
    "name": ("", ("REQUIRED", ["name"])),
    "sipRealm": ("sibling.sip.example.com", ("SIP_REALM_TAKEN", ["sipRealm"])),
    "usageLimit": ({"unit": "MINUTES", "maximum": -1}, ("OUT_OF_RANGE", ["usageLimit", "maximum"])),
    "licensedSessions": (None, ("REQUIRED", ["licensedSessions"])),
    "registrationWebhook": ({"url": "http://10.0.0.1/"}, ("INVALID", ["registrationWebhook", "url"])),
    "queueEventWebhook": (
        {"url": "https://hooks.example.com/", "method": "GET"},
        ("INVALID", ["queueEventWebhook", "method"]),
    ),
    "deviceCallingApplicationId": (f"AP{'0' * 32}", ("NOT_FOUND", ["deviceCallingApplicationId"])),
    "siprecApplicationId": ("", ("NOT_FOUND", ["siprecApplicationId"])),
    "recordingConfig": ({"bucketName": "Not A Bucket"}, ("INVALID", ["recordingConfig", "bucketName"])),
    "ifVersion": (7, ("CONFLICT", ["ifVersion"])),
}
EVERY_SETTING = (
    "query ($id: ID!) { account(id: $id) { name sipRealm usageLimit { unit maximum } licensedSessions version"
    " registrationWebhook { url method username hasPassword } queueEventWebhook { url method username hasPassword }"
    " deviceCallingApplication { id } siprecApplication { id } recordingConfig { bucketName version } } }"
)


async def crowd(person: Person, account: str, number: int) -> None:
    """Adds keys and applications to an account."""
    webhook = {"url": "https://hooks.example.com/calls"}
    for n in range(number):
        await person.change("createApiKey", "token", name=f"Key {n}", owner={"accountId": account})
        await person.change(
            "createApplication", "__typename", accountId=account, name=f"Line {n}", callingWebhook=webhook
        )


async def now(person: Person, account: str) -> Any:
    answer = await person.ask(f"query ($id: ID!) {{ {SHOWN.replace('account', 'account(id: $id)')} }}", id=account)
    return answer.only("account")


async def test_one_mutation_saves_the_account_and_its_recording(account_user: Person, world: World) -> None:
    payload = await save(
        account_user,
        world["own"],
        name="Bakery",
        sipRealm="bakery.example.com",
        ifVersion=1,
        recordingConfig={"bucketName": "other-bucket", "recordAllCalls": True, "ifVersion": 1},
    )
    assert payload["userErrors"] == []
    assert payload["account"] == {
        "name": "Bakery",
        "sipRealm": "bakery.example.com",
        "version": 2,
        "recordingConfig": {"enabled": True, "bucketName": "other-bucket", "recordAllCalls": True, "version": 2},
    }
    assert await now(account_user, world["own"]) == payload["account"]


def test_the_form_in_these_tests_has_every_setting(world: World) -> None:
    settings: Any = schema._schema.type_map["UpdateAccountInput"]
    assert {"id", *every_setting(world)} == settings.fields.keys() == {"id", *WRONG}


async def test_one_mutation_saves_every_setting_of_the_form(admin: Person, world: World) -> None:
    payload = await save(admin, world["own"], **every_setting(world))
    assert payload["userErrors"] == []
    used = {"id": world["own_application"]}
    assert (await admin.ask(EVERY_SETTING, id=world["own"])).only("account") == {
        "name": "Bakery",
        "sipRealm": "bakery.example.com",
        "usageLimit": {"unit": "MINUTES", "maximum": 500},
        "licensedSessions": 30,
        "version": 2,
        "registrationWebhook": {
            "url": "https://hooks.example.com/in",
            "method": "GET",
            "username": None,
            "hasPassword": False,
        },
        "queueEventWebhook": {
            "url": "https://hooks.example.com/queue",
            "method": "POST",
            "username": "bread",
            "hasPassword": True,
        },
        "deviceCallingApplication": used,
        "siprecApplication": used,
        "recordingConfig": {"bucketName": "calls-of-the-bakery", "version": 2},
    }


async def test_saving_the_form_writes_one_audit_event_per_changed_object(admin: Person, world: World) -> None:
    await save(admin, world["own"], **every_setting(world))
    query = "query ($id: ID!) { auditEvents(filter: { accountId: $id }) { nodes { operation objectId requestId } } }"
    account, recording_config = (await admin.ask(query, id=world["own"])).only("auditEvents")["nodes"][:2]
    assert account == {**recording_config, "objectId": world["own"]}
    assert (recording_config["operation"], recording_config["objectId"]) == ("updateAccount", world["own_recording"])


@pytest.mark.parametrize("with_recording", [True, False])
@pytest.mark.parametrize("wrong", list(WRONG))
async def test_one_invalid_setting_prevents_saving_all_others(
    admin: Person, world: World, wrong: str, with_recording: bool
) -> None:
    before = (await admin.ask(EVERY_SETTING, id=world["own"])).only("account")
    value, expected = WRONG[wrong]
    given = every_setting(world)
    if not with_recording:
        del given["recordingConfig"]
    payload = await save(admin, world["own"], **{**given, wrong: value})
    assert expected in refusals(payload)
    assert (await admin.ask(EVERY_SETTING, id=world["own"])).only("account") == before


@pytest.mark.parametrize("forbidden", ["usageLimit", "licensedSessions"])
@pytest.mark.parametrize("who", ["account_user", "provider"])
async def test_one_forbidden_setting_prevents_saving_the_whole_form(
    installation: Installation, admin: Person, world: World, who: str, forbidden: str
) -> None:
    before = (await admin.ask(EVERY_SETTING, id=world["own"])).only("account")
    allowed = {k: v for k, v in every_setting(world).items() if k not in ("usageLimit", "licensedSessions")}
    given = {**allowed, forbidden: every_setting(world)[forbidden]}
    document = "mutation ($i: UpdateAccountInput!) { updateAccount(input: $i) { account { id } } }"
    answer = await installation.person(who).ask(document, i={"id": world["own"], **given})
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["extensions"]["inputFields"] == [forbidden]
    assert (await admin.ask(EVERY_SETTING, id=world["own"])).only("account") == before
    assert refusals(await save(installation.person(who), world["own"], **allowed)) == []


async def test_saving_only_the_recording_does_not_change_the_account(provider: Person, world: World) -> None:
    payload = await save(provider, world["own"], ifVersion=1, recordingConfig={"recordAllCalls": True})
    assert (payload["account"]["version"], payload["account"]["recordingConfig"]["version"]) == (1, 2)


async def test_the_first_save_creates_the_recording_configuration(provider: Person) -> None:
    made = await provider.change("createAccount", "account { id }", name="New")
    payload = await save(provider, made["account"]["id"], name="Newer", recordingConfig=STORAGE)
    assert payload["account"]["recordingConfig"] == {
        "enabled": True,
        "bucketName": "calls-of-the-bakery",
        "recordAllCalls": False,
        "version": 1,
    }


async def test_all_errors_of_the_account_and_its_recording_are_returned_together_and_nothing_is_saved(
    provider: Person, world: World
) -> None:
    before = await now(provider, world["own"])
    payload = await save(
        provider,
        world["own"],
        name="SIBLING customer",
        sipRealm="nowhere",
        recordingConfig={
            "bucketName": "Not A Bucket",
            "audioFormat": None,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "s3Tags": [{"name": "aws:x", "value": "v" * 257}],
        },
    )
    assert refusals(payload) == [
        ("INVALID", ["sipRealm"]),
        ("REQUIRED", ["recordingConfig", "secretAccessKey"]),
        ("REQUIRED", ["recordingConfig", "audioFormat"]),
        ("INVALID", ["recordingConfig", "bucketName"]),
        ("INVALID", ["recordingConfig", "s3Tags", "0", "name"]),
        ("TOO_LONG", ["recordingConfig", "s3Tags", "0", "value"]),
    ]
    assert payload["account"] is None
    assert await now(provider, world["own"]) == before


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "x" * 65, "recordingConfig": {"recordAllCalls": True}}, [("TOO_LONG", ["name"])]),
        ({"name": "Fine", "recordingConfig": {"region": ""}}, [("INVALID", ["recordingConfig", "region"])]),
        ({"name": "Fine", "recordingConfig": None}, [("REQUIRED", ["recordingConfig"])]),
        (
            {"name": "Fine", "ifVersion": 7, "recordingConfig": {"recordAllCalls": True, "ifVersion": 8}},
            [("CONFLICT", ["ifVersion"]), ("CONFLICT", ["recordingConfig", "ifVersion"])],
        ),
        (
            {"name": "Fine", "recordingConfig": {"recordAllCalls": True, "ifVersion": 8}},
            [("CONFLICT", ["recordingConfig", "ifVersion"])],
        ),
        ({"name": "Fine", "ifVersion": 7, "recordingConfig": {"enabled": False}}, [("CONFLICT", ["ifVersion"])]),
        ({"ifVersion": 7, "recordingConfig": {"enabled": False}}, [("CONFLICT", ["ifVersion"])]),
        (
            {"sipRealm": "sibling.sip.example.com", "recordingConfig": {"enabled": False}},
            [("SIP_REALM_TAKEN", ["sipRealm"])],
        ),
    ],
)
async def test_an_error_in_the_account_or_its_recording_prevents_saving_the_other(
    provider: Person, world: World, given: dict[str, Any], expected: Any
) -> None:
    before = await now(provider, world["own"])
    payload = await save(provider, world["own"], **given)
    assert (refusals(payload), payload["account"]) == (expected, None)
    assert await now(provider, world["own"]) == before


async def test_another_tenants_account_gets_the_same_error_as_an_unknown_one(
    account_user: Person, admin: Person, world: World
) -> None:
    answers = [
        await save(account_user, someone, name="Mine", recordingConfig={"enabled": False})
        for someone in (world["sibling"], world["foreign"], f"AC{'0' * 32}", "AC", "\0", world["own_recording"])
    ]
    assert refusals(answers[0]) == [("NOT_FOUND", ["id"])]
    assert all(answer == answers[0] for answer in answers)
    assert (await now(admin, world["sibling"]))["recordingConfig"]["enabled"] is True


async def test_a_forbidden_setting_prevents_saving_the_account_and_its_recording(
    account_user: Person, world: World
) -> None:
    before = await now(account_user, world["own"])
    answer = await account_user.ask(
        "mutation ($i: UpdateAccountInput!) { updateAccount(input: $i) { account { id } } }",
        i={"id": world["own"], "licensedSessions": 5, "recordingConfig": {"enabled": False}},
    )
    assert answer.codes == ["FORBIDDEN"]
    assert await now(account_user, world["own"]) == before


async def test_a_failure_between_two_writes_saves_nothing(
    provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, save_recording = await now(provider, world["own"]), recording.save

    async def broken(*given: Any) -> Any:
        await save_recording(*given)
        raise RuntimeError("the machine stops")

    monkeypatch.setattr(recording, "save", broken)
    answer = await provider.ask(
        "mutation ($i: UpdateAccountInput!) { updateAccount(input: $i) { account { id } } }",
        i={"id": world["own"], "name": "Half", "recordingConfig": {"enabled": False}},
    )
    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert await now(provider, world["own"]) == before


async def test_of_many_concurrent_saves_of_one_version_one_saves_both_objects(provider: Person, world: World) -> None:
    payloads = await asyncio.gather(
        *(
            save(
                provider,
                world["own"],
                name=f"Form {n}",
                ifVersion=1,
                recordingConfig={"bucketName": f"bucket-{n}", "ifVersion": 1},
            )
            for n in range(8)
        )
    )
    (won,) = [n for n, payload in enumerate(payloads) if not payload["userErrors"]]
    found = await now(provider, world["own"])
    assert (found["name"], found["recordingConfig"]["bucketName"]) == (f"Form {won}", f"bucket-{won}")
    assert (found["version"], found["recordingConfig"]["version"]) == (2, 2)
    lost = [("CONFLICT", ["ifVersion"]), ("CONFLICT", ["recordingConfig", "ifVersion"])]
    assert all(refusals(payload) == lost for n, payload in enumerate(payloads) if n != won)


async def test_concurrent_forms_single_settings_and_first_saves_lose_no_change(provider: Person) -> None:
    made = await provider.change("createAccount", "account { id }", name="Contended")
    account = made["account"]["id"]
    payloads = await asyncio.gather(
        *(
            save(
                provider, account, name=f"Form {n}", recordingConfig={"recordAllCalls": True, "bucketName": f"form-{n}"}
            )
            for n in range(3)
        ),
        *(save(provider, account, sipRealm=f"r{n}.example.com") for n in range(4)),
        *(
            provider.change("updateRecordingConfig", "recordingConfig { id }", accountId=account, region=f"eu-west-{n}")
            for n in (1, 2)
        ),
    )
    assert [refusals(payload) for payload in payloads] == [[]] * 9
    found = await now(provider, account)
    assert (found["version"], found["recordingConfig"]["version"]) == (8, 5)
    assert found["recordingConfig"]["recordAllCalls"] is True


async def test_concurrent_first_saves_do_not_deadlock(provider: Person) -> None:
    """A form and a single save both lock the account before they create the configuration."""
    for number in range(10):
        made = await provider.change("createAccount", "account { id }", name=f"New {number}")
        account = made["account"]["id"]
        payloads = await asyncio.gather(
            *(save(provider, account, name=f"{number} {n}", recordingConfig={"enabled": False}) for n in range(2)),
            *(
                provider.change("updateRecordingConfig", "recordingConfig { id }", accountId=account, audioFormat="WAV")
                for _ in range(2)
            ),
        )
        assert [refusals(payload) for payload in payloads] == [[]] * 4


async def test_a_first_save_during_a_deletion_of_the_account_succeeds_or_is_not_found(provider: Person) -> None:
    for number in range(10):
        made = await provider.change("createAccount", "account { id }", name=f"Doomed {number}")
        account = made["account"]["id"]
        saved, gone = await asyncio.gather(
            provider.change("updateRecordingConfig", "recordingConfig { id }", accountId=account, audioFormat="WAV"),
            provider.change("deleteAccount", "deletedId", id=account),
        )
        assert gone["deletedId"] == account or refusals(gone) == [("NOT_FOUND", ["id"])]
        assert refusals(saved) in ([], [("NOT_FOUND", ["accountId"])])


async def test_a_form_saved_during_a_deletion_of_the_account_is_saved_or_not_found(
    provider: Person, admin: Person
) -> None:
    for number in range(6):
        made = await provider.change("createAccount", "account { id }", name=f"Doomed {number}")
        account = made["account"]["id"]
        saved, gone = await asyncio.gather(
            save(provider, account, name=f"Late {number}", recordingConfig=STORAGE),
            admin.change("deleteAccount", "deletedId", id=account),
        )
        assert gone["deletedId"] == account
        assert refusals(saved) in ([], [("NOT_FOUND", ["id"])])


async def test_saving_a_form_takes_the_same_statements_for_any_values(provider: Person, world: World) -> None:
    await provider.ask("{ viewer { scope } }")
    tags = [{"name": f"tag {n}", "value": "v"} for n in range(10)]
    for name, given in (("Bakery", {"recordAllCalls": True}), ("Butchery", {**STORAGE, "s3Tags": tags})):
        with recorded() as statements:
            payload = await provider.change(
                "updateAccount", "account { name }", id=world["own"], name=name, recordingConfig=given
            )
        assert payload["userErrors"] == []
        # New storage keys are counted against their quota.
        looked_up = ["SELECT"] * (3 if "accessKeyId" in given else 2)
        sent = looked_up + ["WITH"] * 2
        assert [text.split()[0] for text, _ in statements] == sent


async def test_saving_the_whole_form_takes_the_same_statements_for_any_amount_of_contents(
    admin: Person, world: World
) -> None:
    await admin.ask("{ viewer { scope } }")
    query, counts = operations()["SaveAccountForm"], []
    for version in (1, 2, 3):
        given = {**every_setting(world), "ifVersion": version, "licensedSessions": version}
        # Unchanged values would not be written.
        given["recordingConfig"] = {**STORAGE, "ifVersion": version, "bucketName": f"recordings-{version}"}
        with recorded() as statements:
            answer = await admin.ask(query, input={"id": world["own"], **given})
        assert answer.only("updateAccount")["userErrors"] == []
        counts.append(len(statements))
        if version == 2:
            await crowd(admin, world["own"], 49)
    # The first save sets storage keys, which are counted against their quota.
    assert counts[0] - 1 == counts[1] == counts[2]


@pytest.mark.parametrize("executor", list(STATEMENTS))
async def test_loading_the_form_takes_the_same_statements_for_any_amount_of_contents(
    installation: Installation, provider: Person, world: World, executor: str
) -> None:
    query, counts = operations()["FillAccountForm"], []
    await provider.ask("{ viewer { scope } }")
    for _ in range(2):
        with nullcontext() if executor == "compiled" else reference_executor(installation), recorded() as statements:
            form = (await provider.ask(query, id=world["own"])).data
        counts.append(len(statements))
        await crowd(provider, world["own"], 49)
    assert counts == [STATEMENTS[executor]] * 2
    assert (form["account"]["apiKeyCount"], form["account"]["applicationCount"]) == (51, 50)
    assert len(form["account"]["applications"]["nodes"]) == 50
    assert form["limits"]["account"]["nameMaximum"] == 64


async def test_the_published_limits_are_those_that_the_inputs_enforce(provider: Person, world: World) -> None:
    asked = (
        "{ limits { account { nameMaximum sipRealmMaximum usageLimitMaximum licensedSessionsMaximum } apiKey { nameMaximum"
        " overlapHoursMaximum } recordingConfig { endpointUrlMaximum bucketNameMinimum bucketNameMaximum regionMaximum"
        " accessKeyIdMaximum secretAccessKeyMaximum s3TagsMaximum s3TagNameMaximum s3TagValueMaximum } } }"
    )
    limits = (await provider.ask(asked)).only("limits")
    of = limits["recordingConfig"]

    def config(more: int) -> dict[str, Any]:
        tag = {"name": "n" * (of["s3TagNameMaximum"] + more), "value": "v" * (of["s3TagValueMaximum"] + more)}
        return {
            "bucketVendor": "S3_COMPATIBLE",
            "endpointUrl": "https://s3.example.com",
            "bucketName": "b" * (of["bucketNameMaximum"] + more),
            "region": "r" * (of["regionMaximum"] + more),
            "accessKeyId": "A" * (of["accessKeyIdMaximum"] + more),
            "secretAccessKey": "s" * (of["secretAccessKeyMaximum"] + more),
            "s3Tags": [tag],
        }

    account = limits["account"]
    fits = {"name": "n" * account["nameMaximum"], "recordingConfig": config(0)}
    assert refusals(await save(provider, world["own"], **fits)) == []
    tags = [{"name": f"{n}", "value": ""} for n in range(of["s3TagsMaximum"])]
    assert refusals(await save(provider, world["own"], recordingConfig={"s3Tags": tags})) == []
    too_many = {"s3Tags": [*tags, {"name": "one more", "value": ""}]}
    assert refusals(await save(provider, world["own"], recordingConfig=too_many)) == [
        ("INVALID", ["recordingConfig", "s3Tags"])
    ]
    realm = ".".join(["a" * 63, "b" * 63, "c" * (account["sipRealmMaximum"] - 128)])
    assert refusals(await save(provider, world["own"], sipRealm=realm)) == []
    assert refusals(await save(provider, world["own"], sipRealm=f"{realm}c")) == [("TOO_LONG", ["sipRealm"])]
    payload = await save(provider, world["own"], name="n" * (account["nameMaximum"] + 1), recordingConfig=config(1))
    assert {tuple(path or ()) for _, path in refusals(payload)} == {
        ("name",),
        *(("recordingConfig", name) for name in ("bucketName", "region", "accessKeyId", "secretAccessKey")),
        *(("recordingConfig", "s3Tags", "0", name) for name in ("name", "value")),
    }
    hours = limits["apiKey"]["overlapHoursMaximum"]
    for given, expected in ((hours, []), (hours + 1, [("OUT_OF_RANGE", ["overlapHours"])])):
        payload = await provider.change("rotateApiKey", "token", id=world["account_user_key"], overlapHours=given)
        assert refusals(payload) == expected
