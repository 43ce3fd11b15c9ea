"""Names and SIP realms of accounts: which are valid, and which are equal."""

import asyncio

import pytest

from tests.audit.test_audit import events
from tests.support.installation import Person, World, refusals

FAMILY = "👨‍👩‍👧‍👦"
"""One visible character of seven code points."""


async def refused(person: Person, **settings: object) -> list[tuple[str, list[str] | None]]:
    payload = await person.change("createAccount", "account { id }", **settings)
    assert payload["account"] is None
    return refusals(payload)


async def test_a_name_may_be_any_unicode_text(provider: Person) -> None:
    for name in (
        "x",
        "日本電話",
        FAMILY,
        FAMILY * 9,
        "🇨🇭 Zürich",
        "n" * 64,
        "😀" * 64,
        "ﷺ" * 64,  # eighteen code points each in the stored key
        "'; DROP TABLE accounts; --",
        "50 % \\ _",
        "شركة",
        "a\u0301",
    ):
        created = await provider.change("createAccount", "account { id name }", name=name)
        answer = await provider.ask("query ($id: ID!) { account(id: $id) { name } }", id=created["account"]["id"])
        assert created["account"]["name"] == answer.only("account")["name"] == name


async def test_a_name_is_trimmed_before_it_is_measured(provider: Person) -> None:
    payload = await provider.change("createAccount", "account { name }", name=f" \t\u3000{'n' * 64}\n ")
    assert payload["account"] == {"name": "n" * 64}


async def test_a_name_of_more_than_64_code_points_is_too_long(provider: Person) -> None:
    for name in ["n" * 65, "😀" * 65, FAMILY * 10, "n" * 100_000]:
        assert await refused(provider, name=name) == [("TOO_LONG", ["name"])], name


async def test_a_name_is_required(provider: Person) -> None:
    for name in ["", "   ", "\t\n", "\u00a0\u3000"]:
        assert await refused(provider, name=name) == [("REQUIRED", ["name"])], name


async def test_a_name_must_not_contain_control_characters(provider: Person) -> None:
    for name in ["a\nb", "a\tb", "a\x00b", "\x00", "a\x1bb", "a\x7fb", "a\x85b", "a\x9fb"]:
        assert await refused(provider, name=name) == [("INVALID", ["name"])], name


async def test_a_lone_surrogate_in_the_variables_is_a_bad_request(provider: Person) -> None:
    body = (
        b'{"query": "mutation ($n: String!) { createAccount(input: {name: $n}) { account { id } } }",'
        b' "variables": {"n": "half of a pair: \\ud83d"}}'
    )
    headers = {**provider.headers, "Content-Type": "application/json"}
    response = await provider.client.post("/graphql", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == "The body is not valid JSON in UTF-8."


async def test_a_lone_surrogate_in_the_document_is_a_parse_error(provider: Person) -> None:
    answer = await provider.ask(r'mutation { createAccount(input: {name: "\uD83D"}) { account { id } } }')
    assert answer.codes == ["GRAPHQL_PARSE_FAILED"]
    assert "data" not in answer.body


async def test_a_surrogate_pair_in_the_document_is_one_character(provider: Person) -> None:
    answer = await provider.ask(r'mutation { createAccount(input: {name: "\uD83D\uDE00"}) { account { name } } }')
    assert answer.only("createAccount") == {"account": {"name": "😀"}}


async def test_names_that_look_the_same_are_equal_within_a_provider(provider: Person) -> None:
    for first, second in (
        ("Straße", "STRASSE"),
        ("Ａｃｍｅ　Ｔｅｌｅｃｏｍ", "acme telecom"),
        ("ﬁne", "FINE"),
        ("caf\u00e9", "CAFE\u0301"),
        ("①", "1"),
        ("ΟΔΟΣ", "οδος"),
    ):
        await provider.change("createAccount", "account { id }", name=first)
        assert await refused(provider, name=second) == [("NAME_TAKEN", ["name"])], second


async def test_names_that_look_different_are_not_equal(provider: Person) -> None:
    for name in ("resume", "résumé", "acme", "аcme", "a b", "ab"):  # the second acme begins with a Cyrillic letter
        assert (await provider.change("createAccount", "account { name }", name=name))["account"] == {"name": name}


async def test_another_provider_may_use_the_same_name(provider: Person, other_provider: Person) -> None:
    for person in (provider, other_provider):
        payload = await person.change("createAccount", "account { name }", name="Straße")
        assert payload["account"] == {"name": "Straße"}


async def test_a_rename_to_a_taken_name_is_rejected(account_user: Person, world: World) -> None:
    payload = await account_user.change("updateAccount", "account { id }", id=world["own"], name="SIBLING customer")
    assert refusals(payload) == [("NAME_TAKEN", ["name"])]


async def test_an_account_may_change_the_case_of_its_own_name(account_user: Person, world: World) -> None:
    payload = await account_user.change("updateAccount", "account { name }", id=world["own"], name="OWN CUSTOMER")
    assert payload["account"] == {"name": "OWN CUSTOMER"}


async def test_null_does_not_clear_a_name(account_user: Person, world: World) -> None:
    payload = await account_user.change("updateAccount", "account { id }", id=world["own"], name=None)
    assert refusals(payload) == [("REQUIRED", ["name"])]


async def test_of_twenty_concurrent_creations_one_gets_the_name(provider: Person) -> None:
    payloads = await asyncio.gather(
        *(provider.change("createAccount", "account { id }", name="Wanted") for _ in range(20))
    )
    assert sum(payload["account"] is not None for payload in payloads) == 1
    assert [refusals(payload) for payload in payloads if payload["account"] is None] == [
        [("NAME_TAKEN", ["name"])]
    ] * 19
    found = await provider.ask('{ accounts(filter: {nameContains: "wanted"}) { totalCount } }')
    assert found.only("accounts") == {"totalCount": 1}


async def test_of_ten_concurrent_renames_one_gets_the_name(provider: Person) -> None:
    made = [await provider.change("createAccount", "account { id }", name=f"Number {n}") for n in range(10)]
    payloads = await asyncio.gather(
        *(provider.change("updateAccount", "account { id }", id=one["account"]["id"], name="Wanted") for one in made)
    )
    assert sorted(refusals(payload) for payload in payloads) == [[]] + [[("NAME_TAKEN", ["name"])]] * 9


LABEL = "a" * 63


async def test_a_sip_realm_is_stored_in_its_dns_form(account_user: Person, world: World) -> None:
    for given, stored in (
        ("sip.example.com", "sip.example.com"),
        ("  SIP.Example.COM ", "sip.example.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("電話。日本", "xn--722ax0w.xn--wgv71a"),
        ("ｓｉｐ．example．com", "sip.example.com"),
        ("1.example.com", "1.example.com"),
        (f"{LABEL}.{LABEL}.abcd", f"{LABEL}.{LABEL}.abcd"),  # 132 characters
    ):
        payload = await account_user.change("updateAccount", "account { sipRealm }", id=world["own"], sipRealm=given)
        assert payload == {"account": {"sipRealm": stored}, "userErrors": []}


async def test_a_sip_realm_is_a_domain_name_of_two_labels_or_more(provider: Person) -> None:
    for realm in (
        "",
        "  ",
        "localhost",
        "sip.example.com.",
        ".example.com",
        "sip..example.com",
        "sip_1.example.com",
        "-sip.example.com",
        "sip-.example.com",
        "192.0.2.1",
        "example.0x7f",
        "[2001:db8::1]",
        "sip.example.com:5060",
        "sip:example.com",
        "*.example.com",
        "ex ample.com",
        "sip.example.com\x00",
        "☕.example.com",
        "xn--a.example.com",
        f"{'a' * 64}.example.com",
        "\u00ad.example.com",
    ):
        assert await refused(provider, name="Realm", sipRealm=realm) == [("INVALID", ["sipRealm"])], realm


async def test_a_sip_realm_of_more_than_132_characters_is_too_long(provider: Person) -> None:
    longer_in_dns = ".".join(["电话系统客户服务"] * 6)
    for realm in (f"{LABEL}.{LABEL}.abcde", longer_in_dns, "a." * 50_000):
        assert await refused(provider, name="Realm", sipRealm=realm) == [("TOO_LONG", ["sipRealm"])], realm[:200]


async def test_null_clears_a_sip_realm(account_user: Person, world: World) -> None:
    payload = await account_user.change("updateAccount", "account { sipRealm }", id=world["own"], sipRealm=None)
    assert payload["account"] == {"sipRealm": None}


async def test_many_accounts_may_have_no_sip_realm(provider: Person) -> None:
    for name in ("One", "Two"):
        payload = await provider.change("createAccount", "account { sipRealm }", name=name, sipRealm=None)
        assert payload["account"] == {"sipRealm": None}


async def test_a_sip_realm_is_unique_in_the_whole_installation(provider: Person, world: World) -> None:
    realm = "FOREIGN.sip.example.com"
    assert await refused(provider, name="Realm", sipRealm=realm) == [("SIP_REALM_TAKEN", ["sipRealm"])]
    payload = await provider.change("updateAccount", "account { id }", id=world["own"], sipRealm=realm)
    assert refusals(payload) == [("SIP_REALM_TAKEN", ["sipRealm"])]


@pytest.mark.parametrize("more", [{"sipRealm": "bad"}, {"licensedSessions": -1}, {"serviceProviderId": "SP"}])
async def test_a_creation_that_fails_for_another_reason_does_not_disclose_taken_values(
    admin: Person, world: World, more: dict[str, object]
) -> None:
    replies = []
    for name, realm in (("own customer", "sibling.sip.example.com"), ("free", "free.example.com")):
        given = {"serviceProviderId": world["provider"], "name": name, "sipRealm": realm, **more}
        replies.append(await refused(admin, **given))
    assert replies[0] == replies[1] != []


async def test_a_taken_name_and_a_taken_realm_are_reported_one_at_a_time(provider: Person) -> None:
    replies = await refused(provider, name="own customer", sipRealm="sibling.sip.example.com")
    assert replies == [("NAME_TAKEN", ["name"])]


OTHER_ERRORS: list[dict[str, object]] = [
    {"sipRealm": "bad"},
    {"ifVersion": 7},
    {"deviceCallingApplicationId": f"AP{'0' * 32}"},
    {"registrationWebhook": {"url": "http://10.0.0.1/"}},
    {"recordingConfig": {"bucketName": "Not A Bucket"}},
    {"recordingConfig": {"ifVersion": 7}},
    {"recordingConfig": {"enabled": False}, "siprecApplicationId": f"AP{'0' * 32}"},
    {"recordingConfig": {"enabled": False}, "queueEventWebhook": {"url": "ftp://x"}},
    {"recordingConfig": {"enabled": False}, "ifVersion": 7},
    {"recordingConfig": None},
]


@pytest.mark.parametrize("more", OTHER_ERRORS, ids=str)
async def test_an_update_that_changes_nothing_does_not_disclose_taken_values(
    account_user: Person, world: World, more: dict[str, object]
) -> None:
    """Otherwise callers could enumerate names and realms of other customers without a trace."""
    replies = []
    for name, realm in (("sibling customer", "foreign.sip.example.com"), ("Free", "free.example.com")):
        given = {"name": name, "sipRealm": realm, **more}
        payload = await account_user.change("updateAccount", "account { id }", id=world["own"], **given)
        assert payload["account"] is None
        replies.append(refusals(payload))
    assert replies[0] == replies[1] != []


async def test_a_disclosed_value_is_audited_with_a_free_name_sent_with_it(
    account_user: Person, provider: Person, world: World
) -> None:
    """Reporting the realm as taken discloses that the name is free."""
    for more in ({}, {"recordingConfig": {"enabled": False}}):
        for name, code in (("SIBLING customer", "NAME_TAKEN"), ("Free", "SIP_REALM_TAKEN")):
            given = {"name": name, "sipRealm": "foreign.sip.example.com", **more}
            payload = await account_user.change("updateAccount", "account { id }", id=world["own"], **given)
            assert [error["code"] for error in payload["userErrors"]] == [code]
    found = await events(provider)
    assert [(event["operation"], event["objectId"]) for event in found] == [("updateAccount", world["own"])] * 4
    assert {change["field"]: change["after"] for change in found[0]["changes"]} == {
        "name": '"Free"',
        "sipRealm": '"foreign.sip.example.com"',
        "refused": "true",
    }


async def test_of_twenty_concurrent_creations_one_gets_the_sip_realm(provider: Person, other_provider: Person) -> None:
    payloads = await asyncio.gather(
        *(
            person.change("createAccount", "account { id }", name=f"Number {n}", sipRealm="wanted.example.com")
            for n in range(10)
            for person in (provider, other_provider)
        )
    )
    assert sorted(refusals(payload) for payload in payloads) == [[]] + [[("SIP_REALM_TAKEN", ["sipRealm"])]] * 19
