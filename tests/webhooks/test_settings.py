"""The webhooks of an account: saved with its other settings; passwords stay at the server they were entered for."""

import asyncio
from typing import Any

import pytest

from app.accounts.model import Account
from app.foundation.identifiers import Kind, parse_sid
from tests.support.installation import Installation, Person, World, refusals

FIELDS = "url method username hasPassword"
SHOWN = f"account {{ registrationWebhook {{ {FIELDS} }} queueEventWebhook {{ {FIELDS} }} }}"
URL = "https://hooks.example.com/registration"
KEEP_FOR = {"url": URL, "method": "POST", "username": None, "hasPassword": False}
"""The registration webhook of every account of the fixture world."""
CREDENTIALS = {"username": "gateway", "password": "correct horse"}


async def save(person: Person, account_id: str, **input: Any) -> dict[str, Any]:
    return await person.change("updateAccount", SHOWN, id=account_id, **input)


async def stored(installation: Installation, account_id: str) -> Account:
    async with installation.database():
        return await Account.get(id=parse_sid(Kind.ACCOUNT, account_id))


async def password_of(installation: Installation, account_id: str, name: str = "registration_webhook") -> str | None:
    account = await stored(installation, account_id)
    sealed, column = getattr(account, f"{name}_password"), f"{name}_password"
    if sealed is None:
        return None
    return installation.settings.keyring().open(sealed, table="accounts", column=column, row=account.id)


async def test_all_callers_who_see_an_account_see_its_webhooks(read_only: Person, world: World) -> None:
    answer = await read_only.ask(
        f"query ($id: ID!) {{ {SHOWN.replace('account', 'account(id: $id)')} }}", id=world["own"]
    )
    assert answer.only("account") == {"registrationWebhook": KEEP_FOR, "queueEventWebhook": None}


async def test_both_webhooks_are_saved_with_the_other_settings_in_one_change(
    account_user: Person, world: World
) -> None:
    registration = {"url": " http://hooks.example.com:8080/in?a=b ", "method": "GET", **CREDENTIALS}
    payload = await account_user.change(
        "updateAccount",
        SHOWN.replace("account {", "account { name version"),
        id=world["own"],
        name="Renamed",
        registrationWebhook=registration,
        queueEventWebhook={"url": "https://hooks.example.com/queue"},
    )
    assert payload["userErrors"] == []
    assert payload["account"] == {
        "name": "Renamed",
        "version": 2,
        "registrationWebhook": {
            "url": "http://hooks.example.com:8080/in?a=b",
            "method": "GET",
            "username": "gateway",
            "hasPassword": True,
        },
        "queueEventWebhook": {
            "url": "https://hooks.example.com/queue",
            "method": "POST",
            "username": None,
            "hasPassword": False,
        },
    }


async def test_an_absent_webhook_is_kept_and_null_clears_it(
    account_user: Person, world: World, installation: Installation
) -> None:
    await save(account_user, world["own"], queueEventWebhook={"url": URL, **CREDENTIALS})
    payload = await save(account_user, world["own"], registrationWebhook=None)
    assert payload["account"]["registrationWebhook"] is None
    assert payload["account"]["queueEventWebhook"]["hasPassword"] is True
    await save(account_user, world["own"], name="Renamed")
    assert await password_of(installation, world["own"], "queue_event_webhook") == "correct horse"
    payload = await save(account_user, world["own"], queueEventWebhook=None)
    assert payload["account"] == {"registrationWebhook": None, "queueEventWebhook": None}
    assert await password_of(installation, world["own"], "queue_event_webhook") is None


async def test_the_method_stays_when_it_is_left_out(account_user: Person, world: World) -> None:
    await save(account_user, world["own"], registrationWebhook={"url": URL, "method": "GET"})
    payload = await save(account_user, world["own"], registrationWebhook={"url": f"{URL}/2"})
    assert payload["account"]["registrationWebhook"] == {**KEEP_FOR, "url": f"{URL}/2", "method": "GET"}


async def test_the_queue_event_webhook_accepts_post_only(account_user: Person, world: World) -> None:
    payload = await save(account_user, world["own"], queueEventWebhook={"url": URL, "method": "GET"})
    assert refusals(payload) == [("INVALID", ["queueEventWebhook", "method"])]
    assert [each["message"] for each in payload["userErrors"]] == ["The method of queueEventWebhook must be POST."]
    payload = await save(account_user, world["own"], queueEventWebhook={"url": URL, "method": "POST"})
    assert refusals(payload) == []


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"url": "http://169.254.169.254/"}, ["INVALID", "url"]),
        ({"url": "http://10.0.0.1/"}, ["INVALID", "url"]),
        ({"url": "wss://hooks.example.com/"}, ["INVALID", "url"]),
        ({"url": "https://me:secret@hooks.example.com/"}, ["INVALID", "url"]),
        ({"url": " "}, ["REQUIRED", "url"]),
        ({"url": f"https://hooks.example.com/{'🎧' * 2048}"}, ["TOO_LONG", "url"]),
        ({"url": URL, "method": None}, ["REQUIRED", "method"]),
        ({"url": URL, "username": "gateway"}, ["REQUIRED", "password"]),
        ({"url": URL, "username": "gateway", "password": None}, ["REQUIRED", "password"]),
        ({"url": URL, "password": "secret"}, ["REQUIRED", "username"]),
        ({"url": URL, "username": "", "password": "secret"}, ["INVALID", "username"]),
        ({"url": URL, "username": "gateway", "password": ""}, ["INVALID", "password"]),
        ({"url": URL, "username": "gate:way", "password": "secret"}, ["INVALID", "username"]),
        ({"url": URL, "username": "🎧" * 256, "password": "secret"}, ["TOO_LONG", "username"]),
        ({"url": URL, "username": "gateway", "password": "🎧" * 256}, ["TOO_LONG", "password"]),
        ({"url": URL, "username": "gate\0way", "password": "secret"}, ["INVALID", "username"]),
        ({"url": URL, "username": "gateway", "password": "a\r\nb"}, ["INVALID", "password"]),
    ],
)
@pytest.mark.parametrize("field", ["registrationWebhook", "queueEventWebhook"])
async def test_errors_of_a_webhook_are_reported_and_nothing_is_saved(
    account_user: Person, installation: Installation, world: World, field: str, given: dict[str, Any], path: list[str]
) -> None:
    payload = await save(account_user, world["own"], name="Renamed", **{field: given})
    assert refusals(payload) == [(path[0], [field, path[1]])]
    assert payload["account"] is None
    for secret in ("secret", "a\r\nb"):
        assert secret not in str(payload["userErrors"])
    account = await stored(installation, world["own"])
    assert (account.name, account.version, account.registration_webhook_url) == ("Own customer", 1, URL)


async def test_errors_of_all_settings_are_reported_at_once(account_user: Person, world: World) -> None:
    wrong = {"url": "ftp://a", "method": None, "username": "a:", "password": ""}
    payload = await save(
        account_user,
        world["own"],
        name=" ",
        sipRealm="sibling.sip.example.com",
        registrationWebhook=wrong,
        queueEventWebhook={"url": "http://10.0.0.1"},
        ifVersion=7,
    )
    assert refusals(payload) == [
        ("REQUIRED", ["name"]),
        ("INVALID", ["registrationWebhook", "url"]),
        ("REQUIRED", ["registrationWebhook", "method"]),
        ("INVALID", ["registrationWebhook", "password"]),
        ("INVALID", ["registrationWebhook", "username"]),
        ("INVALID", ["queueEventWebhook", "url"]),
        ("CONFLICT", ["ifVersion"]),
    ]


async def test_the_longest_url_name_and_password_are_stored(
    account_user: Person, installation: Installation, world: World
) -> None:
    url = f"https://hooks.example.com/{'🎧' * 2022}"
    credentials = {"username": "🎧" * 255, "password": "é" * 255}
    payload = await save(account_user, world["own"], registrationWebhook={"url": url, **credentials})
    assert payload["account"]["registrationWebhook"]["url"] == url
    assert await password_of(installation, world["own"]) == "é" * 255


async def test_a_password_is_never_shown_and_is_encrypted_for_its_column(
    account_user: Person, installation: Installation, world: World
) -> None:
    both = {"registrationWebhook": {"url": URL, **CREDENTIALS}, "queueEventWebhook": {"url": URL, **CREDENTIALS}}
    payload = await save(account_user, world["own"], **both)
    assert "correct horse" not in str(payload)
    account = await stored(installation, world["own"])
    assert b"correct horse" not in (account.registration_webhook_password or b"")
    with pytest.raises(Exception, match="does not open"):
        installation.settings.keyring().open(
            account.registration_webhook_password or b"",
            table="accounts",
            column="queue_event_webhook_password",
            row=account.id,
        )


@pytest.mark.parametrize("given", [{}, {"username": "gateway"}], ids=["both left out", "the name as it is shown"])
async def test_a_stored_password_stays_on_its_server(
    account_user: Person, installation: Installation, world: World, given: dict[str, str]
) -> None:
    await save(account_user, world["own"], registrationWebhook={"url": URL, **CREDENTIALS})
    for url in (URL, "https://HOOKS.example.com:443/other?path"):
        payload = await save(account_user, world["own"], registrationWebhook={"url": url, "method": "GET", **given})
        assert payload["account"]["registrationWebhook"] == {
            "url": url,
            "method": "GET",
            "username": "gateway",
            "hasPassword": True,
        }
    assert await password_of(installation, world["own"]) == "correct horse"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/registration",
        "https://hooks.example.com:8443/registration",
        "https://hooks.example.org/registration",
        "https://evil.example/?https://hooks.example.com/registration",
    ],
)
async def test_a_stored_password_never_goes_to_another_server(
    account_user: Person, installation: Installation, world: World, url: str
) -> None:
    await save(account_user, world["own"], registrationWebhook={"url": URL, **CREDENTIALS})
    for given in ({}, {"username": "gateway"}):
        payload = await save(account_user, world["own"], registrationWebhook={"url": url, **given})
        names = ("username", "password")
        assert refusals(payload) == [("REQUIRED", ["registrationWebhook", name]) for name in names]
    assert (await stored(installation, world["own"])).registration_webhook_url == URL
    payload = await save(
        account_user, world["own"], registrationWebhook={"url": url, "username": None, "password": None}
    )
    assert payload["account"]["registrationWebhook"] == {**KEEP_FOR, "url": url}
    assert await password_of(installation, world["own"]) is None


async def test_a_new_user_name_needs_its_password(
    account_user: Person, installation: Installation, world: World
) -> None:
    await save(account_user, world["own"], registrationWebhook={"url": URL, **CREDENTIALS})
    payload = await save(account_user, world["own"], registrationWebhook={"url": URL, "username": "other"})
    assert refusals(payload) == [("REQUIRED", ["registrationWebhook", "password"])]
    payload = await save(
        account_user, world["own"], registrationWebhook={"url": URL, "username": "other", "password": "new"}
    )
    assert payload["account"]["registrationWebhook"]["username"] == "other"
    assert await password_of(installation, world["own"]) == "new"


async def test_a_stored_password_that_cannot_be_decrypted_is_replaced(
    account_user: Person, installation: Installation, world: World
) -> None:
    given = {"url": URL, **CREDENTIALS}
    await save(account_user, world["own"], registrationWebhook=given)
    async with installation.database():
        rows = Account.filter(id=parse_sid(Kind.ACCOUNT, world["own"]))
        await rows.update(registration_webhook_password=b"damaged")
    payload = await save(account_user, world["own"], registrationWebhook=given)
    assert payload["userErrors"] == []
    assert await password_of(installation, world["own"]) == "correct horse"


async def test_the_webhooks_of_an_older_version_are_not_saved(account_user: Person, world: World) -> None:
    changes = {"registrationWebhook": {"url": f"{URL}/2"}}
    assert refusals(await save(account_user, world["own"], ifVersion=1, **changes)) == []
    late = await save(account_user, world["own"], ifVersion=1, registrationWebhook=None)
    assert refusals(late) == [("CONFLICT", ["ifVersion"])]
    early = await save(account_user, world["own"], ifVersion=3, registrationWebhook=None)
    assert refusals(early) == [("CONFLICT", ["ifVersion"])]


async def test_a_concurrent_change_of_server_does_not_get_the_stored_password(
    account_user: Person, installation: Installation, world: World
) -> None:
    """Each change is valid alone: one keeps the password at its server, the other moves the webhook without one."""
    await save(account_user, world["own"], registrationWebhook={"url": URL, **CREDENTIALS})
    moved = {"url": "https://other.example.com/", "username": None, "password": None}
    payloads = await asyncio.gather(
        save(account_user, world["own"], registrationWebhook={"url": f"{URL}/2"}),
        save(account_user, world["own"], registrationWebhook=moved),
    )
    assert [refusals(payload) for payload in payloads] == [[], []]
    # Whichever came first: the second one keeps no password that the first had cleared, and clears one that it kept.
    assert await password_of(installation, world["own"]) is None


async def test_concurrent_changes_of_both_webhooks_both_apply(
    account_user: Person, installation: Installation, world: World
) -> None:
    await asyncio.gather(
        save(account_user, world["own"], registrationWebhook={"url": f"{URL}/2"}),
        save(account_user, world["own"], queueEventWebhook={"url": f"{URL}/3"}),
        save(account_user, world["own"], name="Renamed"),
    )
    account = await stored(installation, world["own"])
    assert (account.registration_webhook_url, account.queue_event_webhook_url) == (f"{URL}/2", f"{URL}/3")
    assert (account.name, account.version) == ("Renamed", 4)


async def test_an_account_key_does_not_change_another_tenants_webhook(
    account_user: Person, installation: Installation, world: World
) -> None:
    for place in ("sibling", "foreign"):
        payload = await save(account_user, world[place], registrationWebhook={"url": "https://evil.example/"})
        assert refusals(payload) == [("NOT_FOUND", ["id"])]
        assert (await stored(installation, world[place])).registration_webhook_url == URL


async def test_spaces_around_a_user_name_are_removed_and_those_of_a_password_are_not(
    account_user: Person, world: World
) -> None:
    hook = {"url": " https://hooks.example.com/x\n", "username": " user\n", "password": "pass "}
    selection = "account { registrationWebhook { url username } version }"
    given = {"id": world["own"], "registrationWebhook": hook}
    first = (await account_user.change("updateAccount", selection, **given))["account"]
    assert first["registrationWebhook"] == {"url": "https://hooks.example.com/x", "username": "user"}
    assert (await account_user.change("updateAccount", selection, **given))["account"] == first
    hook["password"] = "pass"
    assert (await account_user.change("updateAccount", selection, **given))["account"]["version"] == first[
        "version"
    ] + 1
