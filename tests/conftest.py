"""The installation under test, and its callers.

Each test gets a fresh copy of a PostgreSQL database that is migrated and filled once. `make test` runs the files in several
processes, each with its own servers. Tests of operations run again with COMPILED_OPERATIONS=off, on the
reference executor. Callers (`admin`, `provider`, `account_user`, `read_only`, `stranger`, …) use the real ASGI application.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tortoise.apps import Apps
from tortoise.models import Model

from app.api_keys import last_use
from app.audit import secret_reads
from app.foundation.revocations import Revocations
from app.foundation.settings import Settings
from app.server import authentication
from tests.support.distribution import Watched
from tests.support.installation import Installation, Person, World, seed
from tests.support.servers.fixtures import iam_s3, local_s3, valkey, working_storage
from tests.support.servers.postgres import Postgres


@pytest.fixture(scope="session", autouse=True)
def _models_are_finalised_once() -> Iterator[None]:
    """Prevents Tortoise from recomputing the filters of every model for each database: two thirds of a test's CPU."""
    original = Apps._build_initial_querysets
    done: set[type[Model]] = set()

    def build(apps: Apps) -> None:
        every = apps.apps
        apps.apps = {
            label: {name: one for name, one in models.items() if one not in done} for label, models in every.items()
        }
        original(apps)
        apps.apps = every
        done.update(one for models in every.values() for one in models.values())

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Apps, "_build_initial_querysets", build)
        yield


@pytest.fixture(scope="session", autouse=True)
def _uses_are_written_at_the_end() -> Iterator[None]:
    """Last uses and secret reads are written only when a test asks for it, not because the test takes long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(last_use, "WRITE_EVERY_SECONDS", 3600)
        patched.setattr(secret_reads, "WRITE_EVERY_SECONDS", 3600)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server from its wheel."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def statements_watched() -> Iterator[Watched]:
    """Checks each statement that the application sends in this process."""
    with Watched().watching() as watched:
        yield watched


@pytest.fixture(autouse=True)
def distributable(statements_watched: Watched) -> Iterator[None]:
    """Fails a test in which the application sent a statement that a distributed database could not run."""
    yield
    faults, statements_watched.faults = statements_watched.faults, []
    assert not faults, "\n\n".join(faults)


# The fixtures of other servers.
__all__ = ["iam_s3", "local_s3", "valkey", "working_storage"]


def pytest_report_header() -> str:
    return f"operations: {'compiled' if Settings().compiled_operations else 'reference executor'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several processes, long files run first, then those with most tests: no process waits for one file at the end."""
    if not hasattr(config, "workerinput"):
        return
    files = {item: item.nodeid.partition("::")[0] for item in items}
    counts = Counter(files.values())
    items.sort(key=lambda item: (item.get_closest_marker("long") is None, -counts[files[item]]))


@pytest.fixture(scope="session")
async def template(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A migrated and seeded database, copied for each test."""
    return await seed(tmp_path_factory.mktemp("template"), postgres.create("template_world"))


@pytest.fixture(scope="session")
def unchanged() -> list[str]:
    """A copy of the template that the previous test only read, if any: copying is the costliest part of most tests."""
    return []


@pytest.fixture
async def installation(
    template: World, postgres: Postgres, unchanged: list[str], tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Installation]:
    """The application on a database of its own. The marker `settings(...)` changes its settings.

    It has a prompt cache when the test uses the fixture `valkey`.
    """
    marker = request.node.get_closest_marker("settings")
    changed = dict(marker.kwargs) if marker else {}
    if "valkey" in request.fixturenames:
        changed = {"cache_url": request.getfixturevalue("valkey").url, **changed}
    url = unchanged.pop() if unchanged else postgres.copy("template_world")
    before = postgres.transactions()
    async with Installation.started(template, tmp_path, url, **changed) as started:
        yield started
        if postgres.transactions() == before:
            started.forget_uses()
    if postgres.transactions() == before:
        unchanged.append(url)
    else:
        postgres.drop(url)


@pytest.fixture(scope="module")
async def shared(
    template: World, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The application, started once per module."""
    url = postgres.copy("template_world")
    async with Installation.started(template, tmp_path_factory.mktemp("shared"), url) as started:
        yield started
    postgres.drop(url)


@pytest.fixture
def world(template: World) -> World:
    """The ids of the seeded data."""
    return template


@pytest.fixture
def admin(installation: Installation) -> Person:
    """A key of the installation."""
    return installation.person("admin")


@pytest.fixture
def provider(installation: Installation) -> Person:
    """The service provider of the own and the sibling account."""
    return installation.person("provider")


@pytest.fixture
def other_provider(installation: Installation) -> Person:
    """The service provider of the foreign account."""
    return installation.person("other_provider")


@pytest.fixture
def account_user(installation: Installation) -> Person:
    """The own account."""
    return installation.person("account_user")


@pytest.fixture
def sibling_user(installation: Installation) -> Person:
    """An account of the same provider."""
    return installation.person("sibling_user")


@pytest.fixture
def foreign_user(installation: Installation) -> Person:
    """An account of the other provider."""
    return installation.person("foreign_user")


@pytest.fixture
def read_only(installation: Installation) -> Person:
    """The own account, with a key that may only read."""
    return installation.person("read_only")


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """No revocation arrives, as in another worker while it caches a caller."""
    monkeypatch.setattr(Revocations, "any_revoked", lambda *_, **__: False)


@pytest.fixture(autouse=True)
def wait() -> Iterator[Callable[[float], None]]:
    """Moves the clock of authentication's cache: seconds pass at once, and no others pass on a slow machine."""
    passed = 0.0

    def later(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    # Not the fixture `monkeypatch`, which would be undone only after the installation is closed.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(authentication, "time", SimpleNamespace(monotonic=lambda: passed))
        yield later


@pytest.fixture
def stranger(installation: Installation) -> Person:
    """A caller without a credential."""
    return installation.person(None)
