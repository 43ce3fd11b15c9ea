"""The text form of an API key."""

import re
from dataclasses import replace

from app.api_keys import token
from app.foundation.encryption import Keyring

KEYRING = Keyring({"k1": bytes(32)}, bytes(32))


def test_a_key_is_prefix_public_id_secret_and_checksum() -> None:
    for _ in range(200):
        assert re.fullmatch(r"vgk_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}[0-9A-Za-z]{6}", token.make().text)


def test_a_key_parses_to_its_parts() -> None:
    made = token.make()
    assert token.read(made.text) == made


def test_no_two_keys_are_equal() -> None:
    made = [token.make() for _ in range(1000)]
    assert len({one.public_id for one in made}) == len({one.secret for one in made}) == 1000


def test_a_new_secret_may_be_made_for_an_existing_public_id() -> None:
    first = token.make()
    second = token.make(first.public_id)
    assert second.public_id == first.public_id
    assert second.secret != first.secret


def test_every_mistyped_character_is_detected_without_the_database() -> None:
    text = token.make().text
    for place in range(len(text)):
        for wrong in "0aZ_-é ":
            if wrong != text[place]:
                assert token.read(text[:place] + wrong + text[place + 1 :]) is None
        assert token.read(text[:place] + text[place + 1 :]) is None
        assert token.read(text[:place]) is None


def test_two_swapped_characters_are_detected() -> None:
    text = token.make().text
    for place in range(len(text) - 1):
        turned = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        assert turned == text or token.read(turned) is None


def test_a_text_that_is_no_key_parses_to_none() -> None:
    text = token.make().text
    for garbage in (
        "",
        "vgk_",
        "_",
        text + "0",
        " " + text,
        text.upper(),
        text.replace("vgk", "xyz"),
        "vgk_" + "０" * 62,
    ):
        assert token.read(garbage) is None


def test_a_key_does_not_print_its_secret() -> None:
    made = token.make()
    assert made.secret not in f"{made!r} {made}"


def test_a_secrets_hash_is_bound_to_its_public_id_and_to_the_installation() -> None:
    made = token.make()
    elsewhere = replace(made, public_id=token.make().public_id)
    other_installation = Keyring({"k1": bytes(32)}, b"\1" * 32)
    hashes = [
        token.secret_hash(KEYRING, made),
        token.secret_hash(KEYRING, elsewhere),
        token.secret_hash(other_installation, made),
    ]
    assert len(set(hashes)) == 3
    assert {len(one) for one in hashes} == {32}
    assert token.secret_hash(KEYRING, replace(made)) == hashes[0]
