"""Many rows at once, for tests of what a database does when a table is large."""

from typing import Any

from app import names
from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.identifiers import Kind, new_id, read
from app.service_providers.model import ServiceProvider
from tests.installation import World


async def fill(connection: Any, world: World, *, providers: int = 1000, accounts: int = 2000) -> None:
    """More providers, an account of the provider `provider` for each number, and a key for each account."""
    await ServiceProvider.bulk_create(
        ServiceProvider(name=f"Provider {n}", name_key=names.key(f"Provider {n}")) for n in range(providers)
    )
    owner = read(Kind.SERVICE_PROVIDER, world["provider"])
    made = [
        Account(
            id=new_id(),
            service_provider_id=owner,
            name=f"Crowd {n:05}",
            name_key=names.key(f"Crowd {n:05}"),
            webhook_secret=b"",
        )
        for n in range(accounts)
    ]
    await Account.bulk_create(made)
    await ApiKey.bulk_create(
        ApiKey(
            scope="ACCOUNT",
            access_level="FULL",
            account_id=account.id,
            name="crowd",
            public_id=f"{n:012}",
            secret_hash=new_id().bytes * 2,
        )
        for n, account in enumerate(made)
    )
    await connection.execute_query("ANALYZE")
