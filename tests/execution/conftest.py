"""An installation that the tests of one module share, since they change nothing in it."""

import shutil
from collections.abc import AsyncIterator

import pytest

from tests.installation import Installation, World
from tests.servers.postgres import Postgres


@pytest.fixture(scope="module")
async def shared(
    template: World, backend: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Installation]:
    """The application, started once for the module."""
    folder = tmp_path_factory.mktemp("shared")
    server: Postgres | None = request.getfixturevalue("postgres") if backend == "postgres" else None
    url = server.copy("template_world") if server else ""
    if server is None:
        for file in template.folder.glob("*.sqlite3*"):
            shutil.copy(file, folder)
    async with Installation.started(template, folder, url) as started:
        yield started
    if server is not None:
        server.drop(url)
