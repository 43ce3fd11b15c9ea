"""Commands report what the database refuses as such, and not as a schema that is behind."""

from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from app.foundation.database import schema_version
from app.foundation.database.errors import refusal_of
from tests.support.commands import ended, environment_of
from tests.support.installation import Installation
from tests.support.servers.postgres import Postgres


@pytest.fixture
async def role_url(installation: Installation, postgres: Postgres) -> Any:
    """The database for a role that may connect and read nothing."""
    postgres.run("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reader'")
    parts = urlsplit(installation.settings.database_url)
    yield parts._replace(netloc=f"reader:reader@{parts.netloc.rpartition('@')[2]}").geturl()
    name = parts.path[1:]
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


@pytest.mark.parametrize("command", ["serve", "migrate", "maintain", "create-admin"])
async def test_a_missing_privilege_is_named(installation: Installation, role_url: str, command: str) -> None:
    status, printed, said = await ended(environment_of(installation.settings, DATABASE_URL=role_url), command)
    assert (status, printed) == (1, "")
    assert said.splitlines()[-1] == (
        f"{installation.settings.database_display_name} refuses: permission denied for table aerich. "
        "Grant it to the role in DATABASE_URL."
    )


async def test_a_migration_that_the_database_refuses_is_named_with_the_reason(
    installation: Installation, role_url: str
) -> None:
    async with installation.database() as db:
        await db.execute_script("GRANT SELECT ON aerich TO reader; DELETE FROM aerich")
    status, printed, said = await ended(environment_of(installation.settings, DATABASE_URL=role_url), "migrate")
    assert (status, printed) == (1, "")
    assert said.splitlines()[-1].startswith("Nothing of 0_20261201000000_init.py was kept: the database refuses. ")
    assert "Traceback" not in said


async def test_an_empty_database_is_behind_by_all_migrations(postgres: Postgres, installation: Installation) -> None:
    url = postgres.create("empty")
    status, _, said = await ended(environment_of(installation.settings, DATABASE_URL=url), "serve")
    postgres.drop(url)
    assert status == 1
    assert said.startswith("The database's schema is behind by ")


async def test_a_pooler_that_shares_sessions_is_named(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: Any) -> Any:
        said = asyncpg.DuplicatePreparedStatementError('prepared statement "__asyncpg_stmt_1__" already exists')
        raise OperationalError(said) from said

    async with installation.database() as db:
        monkeypatch.setattr(type(db), "execute_query_dict", refused)
        with pytest.raises(OperationalError) as found:
            await schema_version.check(db)
    refusal = refusal_of(found.value)
    assert refusal is not None
    assert refusal.startswith('prepared statement "__asyncpg_stmt_1__" already exists. A pooler shares')
