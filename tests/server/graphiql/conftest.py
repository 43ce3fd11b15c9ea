"""A real server with GraphiQL, and its page in a browser."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from app.server.graphiql import install
from tests.server.graphiql.visit import CHROMIUM, QUIET_CHROMIUM, Served, Visit, visiting
from tests.support.waiting import until_blocking

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def installed() -> Path:
    """The data directory with GraphiQL's files, which are downloaded unless `make install` has run."""
    data_dir = REPOSITORY / "var"
    assert install.main([str(data_dir)]) == 0
    return data_dir


@pytest.fixture(scope="session")
def explorer(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`python -m app serve` on an empty embedded database, with an admin's key."""
    folder = tmp_path_factory.mktemp("explorer")
    (folder / install.FOLDER_NAME).symlink_to(installed / install.FOLDER_NAME)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "GRAPHIQL": "1",
        "ANONYMOUS_INTROSPECTION": "1",
    }
    program = [sys.executable, "-m", "app"]
    made = subprocess.run([*program, "create-admin"], env=environment, capture_output=True, text=True, check=True)
    with subprocess.Popen([*program, "serve"], env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}/healthz")
            yield Served(f"http://127.0.0.1:{port}/graphql", made.stdout.strip())
        finally:
            server.terminate()


def _wait_until_healthy(address: str) -> None:
    def answers() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(address).status_code == 200
        return False

    until_blocking(answers)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET_CHROMIUM)
        yield browser
        await browser.close()


@pytest.fixture
async def visit(browser: Browser, explorer: Served) -> AsyncIterator[Visit]:
    async with visiting(await browser.new_context(), explorer.url) as visit:
        yield visit
