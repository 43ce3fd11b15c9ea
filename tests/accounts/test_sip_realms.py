"""The fast path for ASCII SIP realms accepts exactly what IDNA would leave unchanged."""

import random

import idna

from app.accounts import inputs


def test_idna_leaves_every_host_name_of_the_fast_path_unchanged() -> None:
    chance, unchanged = random.Random(5), 0
    for _ in range(20_000):
        length = chance.choice([1, 3, 5, 8, 30, 62, 63, 64])
        labels = ["".join(chance.choices("ab9-", [9, 9, 3, 2], k=length)) for _ in range(chance.randint(1, 3))]
        name = ".".join(labels)
        if not inputs._ASCII_HOST_NAME.fullmatch(name):
            continue
        unchanged += 1
        assert idna.encode(name, uts46=True, std3_rules=True).decode().lower() == name
    assert unchanged > 1_000
    for other in (
        "Ab.de",
        "ä.de",
        "xn--4ca.de",
        "ab--c.de",
        "-a.de",
        "a-.de",
        "a..de",
        "a.de.",
        "a_b.de",
        "",
        ".",
        f"{'a' * 64}.de",
    ):
        assert not inputs._ASCII_HOST_NAME.fullmatch(other), other
