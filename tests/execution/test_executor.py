"""The reference executor compared with graphql-core's, and its additions."""

import gc
import json
from typing import Any

import pytest
import strawberry
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.execution import operations
from app.execution.executor.direct_fields import DirectResolvers
from app.execution.limits import deadline
from app.execution.operations import Operations
from app.execution.responses import GraphQLRequest, GraphQLResponse
from app.foundation.access import IsAdmin, MayViewSecrets, Scope, Viewer
from app.foundation.context import Context
from app.foundation.errors import BadUserInput
from app.foundation.graphql import fields
from app.foundation.identifiers import new_id
from app.foundation.permissions import ALL
from app.server.schema import schema
from tests.execution.random_queries import VARIABLES, RandomQueries
from tests.support.installation import Installation, Person, World

QUERIES = 150
# What the requests themselves change.
CHANGING = frozenset({"lastUsedAt", "lastUsedAddress", "previousSecretLastUsedAt", "auditEvents"})

# A row that becomes null leaves the coroutines of its other fields, also in graphql-core's executor. Collected within
# the test, so that no later test fails for it.
LEAVES_COROUTINES = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning"
)


class Stock(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, unchanged."""

    exhausted = None

    def release(self) -> None:
        """Does nothing: the stock executor leaves this to the garbage collector."""


def places(errors: list[dict[str, Any]] | None, data: Any) -> set[str]:
    """The position and the message of each error.

    A denied field gives one error for a place, not for each row, and its words differ (ours name the type). Of errors in
    a row that one of them has emptied, the specification lets some be left out: it is the place of the null that counts.
    """
    found = set()
    for error in errors or ():
        extensions = {name: value for name, value in error["extensions"].items() if name != "requestId"}
        path, message = error.get("path", []), "" if extensions["code"] == "FORBIDDEN" else error["message"]
        shown = _shown_part(path, data)
        if len(shown) < len(path):
            message, extensions = "", {}
        found.add(json.dumps([[part for part in shown if isinstance(part, str)], message, extensions], sort_keys=True))
    return found


def _shown_part(path: list[Any], data: Any) -> list[Any]:
    """The path up to the first null."""
    for length, part in enumerate(path):
        if data is None:
            return path[:length]
        data = data[part]
    return path


@LEAVES_COROUTINES
@pytest.mark.parametrize("person", ["admin", "provider", "account_user", "read_only"])
async def test_random_queries_have_the_same_response_as_from_the_stock_executor(
    shared: Installation, world: World, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [*world.ids.values(), "AC00", "", f"AC{'0' * 32}"]
    asker, refused, denied = shared.person(person), 0, 0
    for query in RandomQueries(schema._schema, 20261122, ids=ids, without=CHANGING).some(QUERIES):
        ours = await asker.ask(query, **VARIABLES)
        with monkeypatch.context() as patched:
            patched.setattr(operations, "ReferenceExecutor", Stock)
            patched.setattr(DirectResolvers, "get_field_resolver", lambda _self, resolver: resolver)
            stock = await asker.ask(query, **VARIABLES)
        # As text, since the order of the keys matters too.
        assert json.dumps(ours.data) == json.dumps(stock.data), query
        assert places(ours.errors, ours.data) == places(stock.errors, stock.data), query
        refused += "GRAPHQL_VALIDATION_FAILED" in ours.codes
        denied += "FORBIDDEN" in ours.codes
    gc.collect()
    assert refused == 0
    assert denied > QUERIES / 20 or person == "admin"


# A schema in which many fields fail


class Row:
    """A row with some values that do not match its type."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = f"row {number}"
        self.large = 2**40
        self.text = 7
        self.nothing = None
        self.sometimes = None if number % 2 else "there"


def _fail(_: Any) -> Any:
    raise ZeroDivisionError("postgres://user:password@host")


def _refuse(_: Any) -> Any:
    raise BadUserInput("Not this one.", argument="first")


@strawberry.type
class Thing:
    """The parent of Row."""

    name: str = fields.column("x")
    number: int = fields.column("x")
    large: int = fields.column("Out of the range of Int.")
    large_or_null: int | None = fields.column("x", of="large")
    text: str = fields.column("A number where a text should be.")
    nothing: str = fields.column("x")
    nothing_or_null: str | None = fields.column("x", of="nothing")
    missing: str = fields.column("No such attribute.")
    missing_or_null: str | None = fields.column("x", of="missing")
    sometimes: str = fields.column("x")
    failing: int = fields.computed(_fail, ["number"], "x")
    failing_or_null: int | None = fields.computed(_fail, ["number"], "x")
    refusing_or_null: int | None = fields.computed(_refuse, ["number"], "x")
    secret: str | None = fields.column("x", of="name", permissions=[MayViewSecrets])
    license: int | None = fields.column("x", of="number", permissions=[IsAdmin])
    failing_license: int | None = fields.computed(_fail, ["number"], "x", permissions=[IsAdmin])
    license_of_all: int = fields.column("Not null, though it may be denied.", of="number", permissions=[IsAdmin])
    mine: bool = fields.per_viewer(lambda viewer: viewer.scope is Scope.ACCOUNT, "x")
    failing_mine: bool = fields.per_viewer(lambda _viewer: 1 // 0 > 0, "x")

    @fields.resolver("x")
    async def later(self, first: int = 2) -> list["Thing"]:
        if first == 0:
            raise ZeroDivisionError
        return [Row(number) for number in range(min(first, 3))]  # type: ignore[misc]

    @fields.resolver("x")
    async def later_or_null(self) -> "Thing | None":
        raise ZeroDivisionError

    @fields.resolver("x")
    def twin(self) -> "Thing":
        return Row(1)  # type: ignore[return-value]

    @fields.resolver("x")
    def things_or_null(self) -> list["Thing | None"]:
        return [Row(0), None, Row(2)]  # type: ignore[list-item]

    @fields.resolver("x", permissions=[IsAdmin])
    async def denied(self) -> "Thing | None":
        return Row(1)  # type: ignore[return-value]


@strawberry.type
class Query:
    """The root."""

    @fields.resolver("x")
    async def things(self, first: int = 2) -> list[Thing]:
        return [Row(number) for number in range(min(first, 4))]  # type: ignore[misc]

    @fields.resolver("x")
    async def thing_or_null(self) -> Thing | None:
        return Row(1)  # type: ignore[return-value]

    @fields.resolver("x", permissions=[IsAdmin])
    def denied(self) -> Thing | None:
        return Row(1)  # type: ignore[return-value]


FAULTY = strawberry.Schema(query=Query)
OPERATIONS = Operations(FAULTY, anonymous_introspection=True, operations_per_caller=3)


async def faulty(query: str, *, scope: Scope = Scope.ACCOUNT, **variables: Any) -> GraphQLResponse:
    viewer = Viewer(scope, ALL, new_id())
    context = Context(viewer, "0" * 32, None)  # type: ignore[arg-type]
    return await OPERATIONS.run(GraphQLRequest(query, variables), context)


@LEAVES_COROUTINES
@pytest.mark.parametrize("scope", list(Scope))
async def test_errors_have_the_same_paths_as_with_the_stock_executor(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"yes": True, "no": False}
    whole = 0
    for query in RandomQueries(FAULTY._schema, 7, ids=["x"]).some(QUERIES):
        ours = await faulty(query, scope=scope, **variables)
        with monkeypatch.context() as patched:
            patched.setattr(operations, "ReferenceExecutor", Stock)
            patched.setattr(DirectResolvers, "get_field_resolver", lambda _self, resolver: resolver)
            stock = await faulty(query, scope=scope, **variables)
        assert ours.executed, ours.errors
        assert json.dumps(ours.data) == json.dumps(stock.data), query
        assert places(ours.errors, ours.data) == places(stock.errors, stock.data), query
        whole += ours.data is not None
    gc.collect()
    assert whole > 20


async def test_a_masked_error_has_the_request_id_and_no_details() -> None:
    answer = await faulty("{ thingOrNull { name failingOrNull refusingOrNull } }")
    assert answer.data == {"thingOrNull": {"name": "row 1", "failingOrNull": None, "refusingOrNull": None}}
    masked, reported = sorted(answer.errors or [], key=lambda error: error["message"], reverse=True)
    assert masked["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "requestId": "0" * 32}
    assert masked["path"] == ["thingOrNull", "failingOrNull"]
    assert "password" not in json.dumps(answer.body())
    assert (reported["message"], reported["extensions"]["argument"]) == ("Not this one.", "first")


async def test_a_null_propagates_to_the_nearest_nullable_field() -> None:
    answer = await faulty("{ thingOrNull { name twin { nothing } } things { name } }")
    assert answer.data == {"thingOrNull": None, "things": [{"name": "row 0"}, {"name": "row 1"}]}
    assert [error["path"] for error in answer.errors or []] == [["thingOrNull", "twin", "nothing"]]
    assert (await faulty("{ things { nothing } }")).data is None


async def test_a_denied_field_is_one_error_for_all_rows_and_for_each_alias() -> None:
    answer = await faulty("{ things(first: 4) { name license again: license } denied { name } }")
    nothing = {"license": None, "again": None}
    assert answer.data == {"things": [{"name": f"row {n}", **nothing} for n in range(4)], "denied": None}
    assert sorted(error["path"][-1] for error in answer.errors or []) == ["again", "denied", "license"]
    for error in answer.errors or []:
        assert error["extensions"]["requiredScopes"] == ["ADMIN"]


async def test_the_resolver_of_a_denied_field_does_not_run() -> None:
    answer = await faulty("{ thingOrNull { failingLicense } }")
    assert answer.codes == ["FORBIDDEN"]
    assert (await faulty("{ thingOrNull { failingLicense } }", scope=Scope.ADMIN)).codes == ["INTERNAL_SERVER_ERROR"]


@pytest.mark.parametrize(
    "selection",
    [
        "license @skip(if: true)",
        "license @include(if: false)",
        "license @include(if: $no)",
        "... @include(if: $no) { license }",
        "...Fragment @skip(if: $yes)",
    ],
)
async def test_a_skipped_guarded_field_is_not_refused(selection: str) -> None:
    query = "query ($no: Boolean = false, $yes: Boolean = true) { a: __typename @include(if: $no) "
    query += f"b: __typename @skip(if: $yes) thingOrNull {{ name {selection} }} }}"
    if "Fragment" in selection:
        query += " fragment Fragment on Thing { license }"
    answer = await faulty(query)
    assert answer.body() == {"data": {"thingOrNull": {"name": "row 1"}}}


async def test_an_operation_that_takes_too_long_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    @strawberry.type
    class Slow:
        @strawberry.field
        async def slow(self) -> str | None:
            await asyncio.Event().wait()
            raise AssertionError("was not stopped")

    monkeypatch.setattr(deadline, "REQUEST_SECONDS", 0.05)
    viewer = Viewer(Scope.ADMIN, ALL, new_id())
    context = Context(viewer, "0" * 32, None)  # type: ignore[arg-type]
    answer = await Operations(strawberry.Schema(query=Slow), anonymous_introspection=True, operations_per_caller=3).run(
        GraphQLRequest("{ slow }"), context
    )
    assert answer.codes == ["SERVICE_UNAVAILABLE"]
    assert answer.body()["data"] is None


# Guarded input fields


GUARDED: dict[str, tuple[str, dict[str, Any]]] = {
    "a literal": ("licensedSessions: 5", {}),
    "null": ("licensedSessions: null", {}),
    "an object": ("usageLimit: {unit: SESSIONS, maximum: 1}", {}),
    "a variable": ("licensedSessions: $sessions", {"sessions": 5}),
    "a variable that is null": ("licensedSessions: $sessions", {"sessions": None}),
    "the default of a variable": ("licensedSessions: $preset", {}),
    "a variable within an object": ("usageLimit: {unit: MINUTES, maximum: $preset}", {}),
}


@pytest.mark.parametrize("case", GUARDED)
async def test_a_guarded_input_field_is_refused_as_literal_and_as_variable(
    account_user: Person, admin: Person, world: World, case: str
) -> None:
    field, variables = GUARDED[case]
    declared = "($sessions: Int, $preset: Int! = 3)"
    query = f'mutation {declared} {{ updateAccount(input: {{id: "{world["own"]}", name: "Changed", {field}}}) '
    query += "{ account { name } userErrors { code } } }"
    query = _using(query, "$sessions", "$preset")
    before = await admin.ask("query ($id: ID!) { account(id: $id) { name version } }", id=world["own"])
    answer = await account_user.ask(query, **variables)
    assert answer.codes == ["FORBIDDEN"]
    assert answer.data == {"updateAccount": None}
    assert answer.errors[0]["extensions"]["inputFields"] == [field.partition(":")[0]]
    assert answer.errors[0]["extensions"]["requiredScopes"] == ["ADMIN"]
    after = await admin.ask("query ($id: ID!) { account(id: $id) { name version } }", id=world["own"])
    assert after.data == before.data


def _using(query: str, *variables: str) -> str:
    """The query without the declarations of unused variables."""
    head, _, body = query.partition("{")
    declarations = [part.strip() for part in head[head.index("(") + 1 : head.index(")")].split(",")]
    kept = [part for part in declarations if part.partition(":")[0] in body]
    return f"mutation {'(' + ', '.join(kept) + ')' if kept else ''} {{{body}"


async def test_a_guarded_input_field_is_refused_in_a_whole_variable(account_user: Person, world: World) -> None:
    mutation = (
        "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { account { id } userErrors { code } } }"
    )
    given = {"id": world["own"], "name": "Changed"}
    answer = await account_user.ask(mutation, input={**given, "licensedSessions": None, "usageLimit": None})
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["extensions"]["inputFields"] == ["usageLimit", "licensedSessions"]
    assert "Nothing was changed" in answer.errors[0]["message"]
    allowed = await account_user.ask(mutation, input=given)
    assert allowed.only("updateAccount") == {"account": {"id": world["own"]}, "userErrors": []}


async def test_a_guarded_input_field_whose_variable_is_absent_is_not_sent(account_user: Person, world: World) -> None:
    answer = await account_user.ask(
        'mutation ($id: ID!, $sessions: Int) { updateAccount(input: {id: $id, name: "N", licensedSessions: $sessions})'
        " { account { name } } }",
        id=world["own"],
    )
    assert answer.only("updateAccount") == {"account": {"name": "N"}}


async def test_a_guarded_input_field_is_refused_deep_inside(account_user: Person, world: World) -> None:
    answer = await account_user.ask(
        'mutation ($owner: ApiKeyOwnerInput) { createApiKey(input: {name: "k", owner: $owner}) { token } }',
        owner={"serviceProviderId": world["provider"]},
    )
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["extensions"]["inputFields"] == ["owner.serviceProviderId"]


async def test_a_refused_mutation_does_nothing_and_the_other_ones_run(account_user: Person, world: World) -> None:
    answer = await account_user.ask(
        """
        mutation ($id: ID!) {
          first: updateAccount(input: {id: $id, name: "First"}) { account { name } }
          refused: updateAccount(input: {id: $id, name: "Refused", licensedSessions: 1}) { account { name } }
          denied: createAccount(input: {name: "Denied"}) { account { name } }
          last: updateAccount(input: {id: $id, sipRealm: "last.example.com"}) { account { name sipRealm } }
        }
        """,
        id=world["own"],
    )
    assert answer.data == {
        "first": {"account": {"name": "First"}},
        "refused": None,
        "denied": None,
        "last": {"account": {"name": "First", "sipRealm": "last.example.com"}},
    }
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [
        (["refused"], "FORBIDDEN"),
        (["denied"], "FORBIDDEN"),
    ]


async def test_a_mutation_that_is_skipped_is_not_refused(account_user: Person) -> None:
    answer = await account_user.ask(
        'mutation { createAccount(input: {name: "x"}) @skip(if: true) { account { id } } __typename }'
    )
    assert answer.body == {"data": {"__typename": "Mutation"}}


@pytest.mark.parametrize(
    "query", ["{ things { name twin { number } } }", "{ things { license failingOrNull laterOrNull { name } } }"]
)
async def test_an_operation_leaves_nothing_for_the_garbage_collector(query: str) -> None:
    # Reference cycles accumulate until garbage collection, which stops the server for a tenth of a second.
    await faulty(query)
    gc.collect()
    gc.disable()
    try:
        await faulty(query)
        assert gc.collect() == 0
    finally:
        gc.enable()
