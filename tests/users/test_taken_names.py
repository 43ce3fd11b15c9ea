"""Replies that another tenant's name or SIP realm is taken are audited and limited."""

from typing import Any

import pytest

from app.accounts import service
from app.users import login_throttle
from tests.audit.test_audit import events
from tests.support.installation import Installation, Person, World, refusals

REALM = "foreign.sip.example.com"
TAKEN_NAME, TAKEN_REALM = ("NAME_TAKEN", ["name"]), ("SIP_REALM_TAKEN", ["sipRealm"])


async def update(person: Person, world: World, **given: Any) -> Any:
    return await person.change("updateAccount", "account { id }", id=world["own"], **given)


async def codes(person: Person, world: World, **given: Any) -> list[str]:
    text = "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { userErrors { code } } }"
    return (await person.ask(text, input={"id": world["own"], **given})).codes


async def refused(person: Person) -> list[dict[str, str]]:
    """Audit events of refused changes, newest first."""
    changes = [{change["field"]: change["after"] for change in event["changes"]} for event in await events(person)]
    return [one for one in changes if one.get("refused") == "true"]


async def test_a_disclosed_name_of_a_sibling_account_is_audited(
    account_user: Person, provider: Person, world: World
) -> None:
    assert refusals(await update(account_user, world, name="SIBLING customer")) == [TAKEN_NAME]
    for person in (account_user, provider):
        assert await refused(person) == [{"name": '"SIBLING customer"', "refused": "true"}]


@pytest.mark.parametrize("who", ["account_user", "provider"])
async def test_a_disclosed_realm_of_another_provider_is_audited(
    installation: Installation, provider: Person, world: World, who: str
) -> None:
    assert refusals(await update(installation.person(who), world, sipRealm=REALM.upper())) == [TAKEN_REALM]
    assert await refused(provider) == [{"sipRealm": f'"{REALM}"', "refused": "true"}]
    assert await refused(installation.person("foreign_user")) == []


async def test_a_violated_constraint_without_a_user_error_is_an_internal_error(
    provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_UNIQUE", ())
    assert await codes(provider, world, name="Sibling customer") == ["INTERNAL_SERVER_ERROR"]
    assert await refused(provider) == []


async def test_a_disclosed_realm_in_a_creation_is_audited(provider: Person, account_user: Person) -> None:
    payload = await provider.change("createAccount", "account { id }", name="New", sipRealm=REALM)
    assert refusals(payload) == [TAKEN_REALM]
    assert await refused(provider) == [{"name": '"New"', "sipRealm": f'"{REALM}"', "refused": "true"}]
    assert await refused(account_user) == []


async def test_a_disclosed_name_of_another_provider_is_audited(
    provider: Person, other_provider: Person, world: World
) -> None:
    payload = await provider.change(
        "updateServiceProvider", "serviceProvider { id }", id=world["provider"], name="southern VOICE"
    )
    assert refusals(payload) == [TAKEN_NAME]
    assert await refused(provider) == [{"name": '"southern VOICE"', "refused": "true"}]
    assert await refused(other_provider) == []


async def test_a_caller_who_enumerates_account_names_is_limited_and_others_are_not(
    account_user: Person, sibling_user: Person, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then free names get the same error."""
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 2)
    assert refusals(await update(account_user, world, name="Sibling customer")) == [TAKEN_NAME]
    assert refusals(await update(account_user, world, sipRealm=REALM)) == [TAKEN_REALM]
    for given in (
        {"name": "Sibling customer"},
        {"name": "Free"},
        {"sipRealm": REALM},
        {"sipRealm": "free.example.com"},
    ):
        assert await codes(account_user, world, **given) == ["RATE_LIMITED"], given
    own = {"name": "Own customer", "sipRealm": "own.sip.example.com", "registrationWebhook": None}
    assert refusals(await update(account_user, world, **own)) == []
    assert refusals(await update(account_user, world, sipRealm=None)) == []
    payload = await sibling_user.change("updateAccount", "account { id }", id=world["sibling"], name="Own customer")
    assert refusals(payload) == [TAKEN_NAME]
    assert refusals(await update(provider, world, sipRealm="free.example.com")) == []


async def test_a_caller_who_enumerates_realms_or_provider_names_is_limited(
    provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 1)
    assert refusals(await update(provider, world, sipRealm=REALM)) == [TAKEN_REALM]
    made = 'mutation {{ createAccount(input: {{ name: "{}", sipRealm: "{}" }}) {{ account {{ id }} }} }}'
    for realm in (REALM, "free.example.com"):
        assert (await provider.ask(made.format("New", realm))).codes == ["RATE_LIMITED"]
    renamed = (
        'mutation ($id: ID!) {{ updateServiceProvider(input: {{ id: $id, name: "{}" }}) {{ userErrors {{ code }} }} }}'
    )
    for name, expected in (("Southern Voice", ["RATE_LIMITED"]), ("Free", ["RATE_LIMITED"]), ("Northern Voice", [])):
        assert (await provider.ask(renamed.format(name), id=world["provider"])).codes == expected
    payload = await provider.change("createAccount", "account { id }", name="Without a realm")
    assert refusals(payload) == []


async def test_values_of_visible_rows_do_not_count(
    provider: Person, admin: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 1)
    for _ in range(2):
        assert refusals(await update(provider, world, name="Sibling customer")) == [TAKEN_NAME]
        assert refusals(await update(provider, world, sipRealm="SIBLING.sip.example.com")) == [TAKEN_REALM]
        payload = await provider.change("createAccount", "account { id }", name="New", sipRealm="OWN.sip.example.com")
        assert refusals(payload) == [TAKEN_REALM]
        assert refusals(await update(admin, world, sipRealm=REALM)) == [TAKEN_REALM]
    assert await refused(admin) == []


async def test_a_repeat_with_its_idempotency_key_succeeds_after_the_limit_was_reached(
    provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 1)
    given = {"name": "New", "sipRealm": "new.example.com", "idempotencyKey": "one"}
    made = await provider.change("createAccount", "account { id }", **given)
    assert refusals(await update(provider, world, sipRealm=REALM)) == [TAKEN_REALM]
    again = await provider.change("createAccount", "account { id }", **given)
    assert (again["account"], refusals(again)) == (made["account"], [])


async def test_the_case_of_ones_own_name_can_be_changed_after_the_limit_was_reached(
    account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAXIMUM_DISCLOSURES", 1)
    assert refusals(await update(account_user, world, name="Sibling customer")) == [TAKEN_NAME]
    assert await codes(account_user, world, name="OWN CUSTOMER") == []
