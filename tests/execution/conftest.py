"""An installation that the tests of one module share, since they change nothing in it."""

from collections.abc import AsyncIterator

import pytest

from tests.installation import Installation, World
from tests.servers.postgres import Postgres


@pytest.fixture(scope="module")
async def shared(
    template: World, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The application, started once for the module."""
    url = postgres.copy("template_world")
    async with Installation.started(template, tmp_path_factory.mktemp("shared"), url) as started:
        yield started
    postgres.drop(url)
