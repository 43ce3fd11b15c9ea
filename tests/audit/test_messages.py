"""The messages that users read."""

from pathlib import Path
from typing import Any

from tests.support.installation import Person, World
from tests.support.messages import SELECTION, check_messages


async def test_messages_for_users(account_user: Person, world: World) -> None:
    errors: list[dict[str, Any]] = []
    for name, version in (("own", 7), ("foreign", 1)):
        errors += (await account_user.change("updateAccount", SELECTION, id=world[name], ifVersion=version))[
            "userErrors"
        ]
    check_messages(Path(__file__).parent, errors)
