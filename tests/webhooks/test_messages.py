"""The messages for users about webhooks and the hosts that they name."""

from pathlib import Path
from typing import Any

from tests.support.installation import Person, World
from tests.support.messages import SELECTION, check_messages

URL = "https://hooks.example.com/registration"
URLS = (
    *(
        "",
        f"https://hooks.example.com/{'a' * 2048}",
        f"{URL} {URL}",
        "https://hooks.example.com:0/",
        "ftp://example.com/",
    ),
    *("https://user:password@hooks.example.com/", "https:///registration"),
    *("http://169.254.169.254/", "http://10.0.0.7/", "http://localhost/", "http://010.8.8.8/", "http://1.2.3.4.5/"),
    "https://bücher.example/",
)
WEBHOOKS: tuple[dict[str, Any], ...] = (
    *({"url": url} for url in URLS),
    {"url": URL, "method": None},
    {"url": URL, "username": "gateway"},
    {"url": URL, "password": "correct horse"},
    {"url": URL, "username": "", "password": ""},
    {"url": URL, "username": "n" * 256, "password": "p" * 256},
    {"url": URL, "username": "a\tb", "password": "a\tb"},
    {"url": URL, "username": "a:b", "password": "********"},
)


async def test_messages_for_users(account_user: Person, world: World) -> None:
    errors: list[dict[str, Any]] = []

    async def save(**input: Any) -> list[dict[str, Any]]:
        payload = await account_user.change("updateAccount", SELECTION, id=world["own"], **input)
        found: list[dict[str, Any]] = payload["userErrors"]
        return found

    for webhook in WEBHOOKS:
        errors += await save(registrationWebhook=webhook)
    errors += await save(queueEventWebhook={"url": URL, "method": "GET"})
    assert await save(registrationWebhook={"url": URL, "username": "gateway", "password": "correct horse"}) == []
    errors += await save(registrationWebhook={"url": "https://other.example.com/registration"})
    for account_id, kind in ((world["own"], "QUEUE_EVENT"), (world["foreign"], "REGISTRATION")):
        payload = await account_user.change("sendTestWebhook", SELECTION, accountId=account_id, kind=kind)
        errors += payload["userErrors"]
    check_messages(Path(__file__).parent, errors)
