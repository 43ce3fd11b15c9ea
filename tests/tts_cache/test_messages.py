"""The messages that users read."""

from pathlib import Path

from tests.support.installation import Person, World
from tests.support.messages import SELECTION, check_messages


async def test_messages_for_users(account_user: Person, world: World) -> None:
    payload = await account_user.change("clearTtsCache", SELECTION, accountId=world["foreign"])
    check_messages(Path(__file__).parent, payload["userErrors"])
