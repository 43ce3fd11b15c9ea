"""A mask that forms, logs and the audit trail show for a secret is never saved as one, in any field."""

import re

import pytest

from app.audit.trail import HIDDEN
from tests.invariants.schema_walk import (
    MUTATIONS,
    fields_of,
    input_type,
    inputs,
    leaves,
    replaced,
    send,
    with_everything,
)
from tests.support.installation import Installation, World
from tests.support.personas import People, add_people

MASKS = [
    HIDDEN,
    "********",
    "abcd****",
    "<hidden>",
    "[redacted]",
    "••••••••wxyz",
    "AKIA********MPLE",
    "***REDACTED***",
    "◦◦◦◦◦◦",
    "■■■■■■■■",
    "‹hidden›",
    "[REDACTED:secret]",
]
# Texts that resemble a mask.
SECRETS = [
    "summer***of***69",
    "hunter2-and-a-half",
    "f(x)=a*b*c...",
    "<secret",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
]

SECRET = re.compile(r"password|secret|accessKeyId|token|passphrase|credential", re.IGNORECASE)
# Compared with a stored secret, but not stored.
COMPARED = {("login", "password"), ("changePassword", "currentPassword")}


def secret_fields() -> set[tuple[str, str]]:
    """Each input field for a secret: the mutation, and the path within its input."""
    found = {
        (name, path) for name in MUTATIONS for path in fields_of(input_type(name)) if SECRET.search(path.split(".")[-1])
    }
    return found - COMPARED


def test_the_walk_meets_every_kind_of_secret() -> None:
    assert {path.split(".")[-1] for _, path in secret_fields()} == {
        *("password", "newPassword"),
        *("accessKeyId", "secretAccessKey"),
    }


@pytest.fixture
async def filled(installation: Installation) -> People:
    await with_everything(installation)
    return await add_people(installation)


async def refused(people: People, world: World, mutation: str, path: str, text: str) -> list[str]:
    """The messages at this field when it has this text: user errors, or the first step of the storage test."""
    (given, *_) = inputs(world, people)[mutation]
    parts = tuple(path.split("."))
    assert parts in {found for found, _, _ in leaves(input_type(mutation), given)}
    selection = "verification { steps { step status advice } }" if mutation == "verifyRecordingStorage" else ""
    answer = await send(people["root"], mutation, replaced(given, parts, text), selection)
    payload = answer.only(mutation)
    found = [error["message"] for error in payload["userErrors"] if error["field"] == list(parts)]
    steps = (payload.get("verification") or {}).get("steps", ())
    return found + [step["advice"] for step in steps if (step["step"], step["status"]) == ("SETTINGS", "FAILED")]


@pytest.mark.parametrize("mask", MASKS)
async def test_no_mask_is_saved_as_a_secret(filled: People, world: World, mask: str) -> None:
    for mutation, path in sorted(secret_fields()):
        assert await refused(filled, world, mutation, path, mask), (mutation, path)


@pytest.mark.parametrize("text", SECRETS)
async def test_a_secret_that_resembles_a_mask_is_accepted(filled: People, world: World, text: str) -> None:
    for mutation, path in sorted(secret_fields()):
        if not path.endswith("accessKeyId"):
            found = await refused(filled, world, mutation, path, text)
            assert not [message for message in found if "is a placeholder" in message], (mutation, path)
