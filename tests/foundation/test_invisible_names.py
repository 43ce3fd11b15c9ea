"""Invisible characters: a name needs a visible one, and they do not make names different, except in emoji."""

from typing import Any

import pytest

from app.foundation import names
from tests.support.installation import Installation, Person, World, refusals
from tests.support.personas import add_people

NOTHING = [
    *("\u200b", "\u00ad", "\u2800", "\u3164", "\ufeff", "\u1160", "\uffa0", "\u202e", "\u2060", "\ufe0f", "\u034f"),
    *("\ufff9", "\ufffa\ufffb", "\U0001d159", "\U000e0020", "\u200b \u200d", "\u2800\u2003\u2800", "\u200e" * 64),
]
# Equal to “Own customer”.
LOOK_ALIKES = [
    *("Own\u200b customer", "Ow\u200dn customer", "\u202eOwn customer", "Own customer\u00ad", "\u200b Own customer"),
    *(
        "Own customer \u2800",
        "\u2066Own customer\u2069",
        "Own \ufe0fcustomer",
        "Own customer\U000e0101",
        "\ufeffOWN customer",
    ),
    *("Own customer\u3164", "O\u034fwn customer", "Own customer\U000e0041", "\ufff9Own customer\ufffb"),
]
EMOJI = [
    ("👨‍👩‍👧‍👦", "👨👩👧👦"),
    ("👩🏽‍⚕️", "👩🏽⚕️"),
    ("🏳️‍🌈", "🏳️🌈"),
    ("❤️‍🔥", "❤️🔥"),
    ("⛓️‍💥", "⛓️💥"),
    ("🙂‍↔️", "🙂↔️"),
    ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"),
    ("🏴󠁧󠁢󠁷󠁬󠁳󠁿", "🏴"),
    ("1️⃣", "1"),
    ("🇨🇭", "🇨🇦"),
]
SCRIPTS = ["می‌خواهم", "क्‍ष", "ශ්‍රී ලංකා", "שלום\u200f!"]


def naming(world: World, user: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each mutation that takes a name: its selection and the rest of its input."""
    own, hook = {"accountId": world["own"]}, {"url": "https://hooks.example.com/x"}
    return {
        "createAccount": ("account", {"serviceProviderId": world["provider"]}),
        "updateAccount": ("account", {"id": world["own"]}),
        "createServiceProvider": ("serviceProvider", {}),
        "updateServiceProvider": ("serviceProvider", {"id": world["provider"]}),
        "createApplication": ("application", {**own, "callingWebhook": hook}),
        "updateApplication": ("application", {"id": world["own_application"]}),
        "createApiKey": ("apiKey", {"owner": own}),
        "updateApiKey": ("apiKey", {"id": world["account_user_key"]}),
        "createUser": ("user", {"owner": own, "role": "VIEWER", "email": "new@people.example.com"}),
        "updateUser": ("user", {"id": user}),
    }


async def test_a_name_needs_a_visible_character(installation: Installation, world: World) -> None:
    people = await add_people(installation, "root", "bob")
    for mutation, (made, given) in naming(world, people.ids["bob"]).items():
        for name in NOTHING:
            payload = await people["root"].change(mutation, f"{made} {{ id }}", **given, name=name)
            assert (payload[made], refusals(payload)) == (None, [("INVALID", ["name"])]), (mutation, ascii(name))
            assert payload["userErrors"][0]["message"] == "The name has no visible character: add one."


async def test_invisible_characters_do_not_make_names_different(admin: Person, world: World) -> None:
    taken = [("NAME_TAKEN", ["name"])]
    for look_alike in LOOK_ALIKES:
        given = {"serviceProviderId": world["provider"], "name": look_alike}
        assert refusals(await admin.change("createAccount", "account { id }", **given)) == taken, ascii(look_alike)
        renamed = {"id": world["sibling"], "name": look_alike}
        assert refusals(await admin.change("updateAccount", "account { id }", **renamed)) == taken, ascii(look_alike)
    for mutation, others, name in (
        ("createServiceProvider", {}, "Northern\u200b Voice"),
        ("updateServiceProvider", {"id": world["other_provider"]}, "\u202eNorthern Voice"),
        (
            "createApplication",
            {"accountId": world["own"], "callingWebhook": {"url": "https://hooks.example.com/x"}},
            "Own\u2060 hotline",
        ),
    ):
        assert refusals(await admin.change(mutation, "__typename", **others, name=name)) == taken, mutation


@pytest.mark.parametrize(("name", "other"), EMOJI)
async def test_joiners_and_tags_that_change_an_emoji_count(admin: Person, name: str, other: str) -> None:
    for each in (name, other):
        payload = await admin.change("createServiceProvider", "serviceProvider { name }", name=each)
        assert payload["serviceProvider"] == {"name": each}
    assert refusals(await admin.change("createServiceProvider", "serviceProvider { name }", name=name)) == [
        ("NAME_TAKEN", ["name"])
    ]


@pytest.mark.parametrize(("name", "other"), [("📞", "📞\ufe0f"), ("❤", "❤\ufe0f"), ("🏳\u200d🌈", "🏳\ufe0f\u200d🌈")])
def test_a_variation_selector_does_not_make_emoji_different(name: str, other: str) -> None:
    assert names.key(name) == names.key(other)


def test_a_joiner_outside_an_emoji_does_not_count() -> None:
    for text in ("👨\u200d\u200d👩", "👨\u200b\u200d👩", "👨👩\u200d", "👨👩\ufe0e", "👨👩\U000e0067"):
        assert names.key(text) == names.key("👨👩"), ascii(text)


async def test_names_keep_joiners_and_direction_marks(provider: Person) -> None:
    for name in SCRIPTS:
        payload = await provider.change("createAccount", "account { name }", name=name)
        assert payload["account"] == {"name": name}


async def test_a_name_is_found_without_its_invisible_characters(provider: Person) -> None:
    await provider.change("createAccount", "account { id }", name="Ac\u00adme Tele\u200bcom")
    for text in ("acme telecom", "ACME\u200b", "me tele"):
        answer = await provider.ask(
            "query ($t: String) { accounts(filter: {nameContains: $t}) { nodes { name } } }", t=text
        )
        assert answer.only("accounts") == {"nodes": [{"name": "Ac\u00adme Tele\u200bcom"}]}, ascii(text)


async def test_a_name_has_no_line_or_paragraph_separator_inside(provider: Person) -> None:
    for name in ("a\u2028b", "a\u2029b"):
        payload = await provider.change("createAccount", "account { id }", name=name)
        assert refusals(payload) == [("INVALID", ["name"])]
