"""Resolvers inside compiled operations: the plan calls them, for all rows of a SELECT together."""

import asyncio
from typing import Annotated, Any

import pytest
import strawberry
from strawberry import Maybe

from app.execution.operations import Operations
from app.execution.responses import GraphQLRequest, GraphQLResponse
from app.foundation.access import IsAdmin, Scope, Viewer
from app.foundation.context import Context, Info
from app.foundation.errors import ServiceUnavailable
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import DEFAULT_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.identifiers import new_id
from app.foundation.permissions import ALL
from app.service_providers.model import ServiceProvider as Row
from tests.support.installation import Installation
from tests.support.statements import recorded

_PROVIDERS = fields.PageOfAll(Row)
called: list[list[str]] = []


@strawberry.input
class Loudness:
    """A nested input."""

    marks: int = 1
    word: Maybe[str | None] = None


@strawberry.type
class Greeting:
    """The result of a resolver."""

    text: str
    missing: str | None


@strawberry.type
class Provider(fields.Backed[Row]):
    name: str = fields.column("Its name.")

    @fields.resolver("Counts together.", declared=fields.ResolvedFrom(("id", "name", "active", "created_at")))
    async def greeting(self, info: Info, row: strawberry.Parent[Row], loudness: Loudness | None = None) -> Greeting:
        called[-1].append("began")
        await asyncio.sleep(0)
        called[-1].append("went on")
        marks = "!" * (loudness.marks if loudness else 0)
        word = loudness.word.value if loudness and loudness.word else "Hello"
        assert row.active is True
        assert row.created_at.year > 2000
        return Greeting(text=f"{word} {row.name}{marks}", missing=None)

    @fields.resolver("Without waiting.", declared=fields.ResolvedFrom(("name",)))
    def shout(self, row: strawberry.Parent[Row]) -> str:
        return row.name.upper()

    @fields.resolver("Never works.", declared=fields.ResolvedFrom(("id",)))
    async def away(self) -> str | None:
        raise ServiceUnavailable("Away.")

    @fields.resolver("For admins.", declared=fields.ResolvedFrom(("id",)), permissions=[IsAdmin])
    async def guarded(self) -> str | None:
        return "seen"


@strawberry.type
class Query:
    """Root fields."""

    @fields.resolver("All.", declared=_PROVIDERS)
    async def providers(
        self, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None
    ) -> Connection[Provider]:
        return Provider.connection(await _PROVIDERS.answer(info.context, first, after))

    @fields.resolver("Says it again.")
    def echo(self, words: list[str], times: Annotated[int, strawberry.argument(name="often")] = 2) -> list[str]:
        return words * times


schema = strawberry.Schema(Query)


async def answer(
    installation: Installation, query: str, scope: Scope = Scope.ADMIN, **given: Any
) -> list[GraphQLResponse]:
    """The responses of the plan and of the reference executor."""
    viewer = Viewer(scope, ALL, new_id(), service_provider_id=new_id())
    answers = []
    for compiles in (True, False):
        called.append([])
        operations = Operations(schema, anonymous_introspection=False, operations_per_caller=3, compiles=compiles)
        answers.append(
            await operations.run(GraphQLRequest(query, given), Context(viewer, "0" * 32, installation.resources))
        )
    assert answers[0].data == answers[1].data
    assert answers[0].errors == answers[1].errors
    assert not answers[1].compiled
    return answers


@pytest.fixture(autouse=True)
def _nothing_called() -> None:
    called.clear()


@pytest.fixture
async def database(installation: Installation) -> Any:
    """The task of the test uses the database of the application."""
    async with installation.database() as connection:
        await connection.execute_query("SELECT 1")
        yield


async def test_a_resolver_is_called_for_all_rows_together_with_its_declared_columns(
    installation: Installation, database: None
) -> None:
    query = (
        "query ($l: Loudness) { providers { nodes { name greeting(loudness: $l) { text missing __typename } shout } } }"
    )
    with recorded() as statements:
        compiled, _ = await answer(installation, query, l={"marks": 2, "word": "Bye"})
    assert compiled.compiled
    assert compiled.data is not None
    assert {each["greeting"]["text"] for each in compiled.data["providers"]["nodes"]} == {
        f"Bye {each['name']}!!" for each in compiled.data["providers"]["nodes"]
    }
    assert called[0] == ["began", "began", "went on", "went on"], "at the same time"
    assert len(statements) == 2, "one for each way"
    assert "*" not in statements[0][0]


async def test_absent_null_and_default_arguments_are_those_of_strawberry(
    installation: Installation, database: None
) -> None:
    for given in ("", "(loudness: null)", "(loudness: {})", "(loudness: {word: null})", '(loudness: {word: "Hi"})'):
        (compiled, _) = await answer(installation, f"{{ providers {{ nodes {{ greeting{given} {{ text }} }} }} }}")
        assert compiled.compiled, given
    for given in ('words: ["a"]', 'words: "a", often: 3', "words: []"):
        compiled, _ = await answer(installation, f"{{ echo({given}) }}")
        assert compiled.compiled, given


async def test_a_failing_resolver_is_reported_as_by_the_reference_executor(
    installation: Installation, database: None
) -> None:
    compiled, _ = await answer(installation, "{ providers { nodes { name away } } }")
    assert not compiled.compiled
    assert {error["extensions"]["code"] for error in compiled.errors or ()} == {"SERVICE_UNAVAILABLE"}


async def test_a_resolver_that_is_denied_is_not_called(installation: Installation, database: None) -> None:
    seen, _ = await answer(installation, "{ providers { nodes { guarded } } }")
    assert seen.compiled
    assert seen.data is not None
    assert {node["guarded"] for node in seen.data["providers"]["nodes"]} == {"seen"}
    denied, _ = await answer(installation, "{ providers { nodes { guarded } } }", Scope.SERVICE_PROVIDER)
    assert not denied.compiled
