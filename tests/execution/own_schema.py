"""A schema of the engine's own: two types, a permission, a page and a mutation, and no noun of the product.

Run as a program with the URL of an empty database: it fails if the engine imports a domain, or if its executors disagree.
"""

import asyncio
import sys
from typing import Any, ClassVar

import strawberry
from tortoise import Tortoise
from tortoise import fields as columns

from app.execution.operations import Operations
from app.execution.responses import GraphQLRequest, GraphQLResponse
from app.foundation.access import IsAdmin, Scope, TenantScope, TenantScoped, Viewer
from app.foundation.context import Context, Info
from app.foundation.database import pool
from app.foundation.database import url as database_url
from app.foundation.graphql import fields
from app.foundation.graphql.pagination import DEFAULT_FIRST, NEWEST_FIRST, AfterArgument, Connection, FirstArgument
from app.foundation.identifiers import new_id
from app.foundation.permissions import ALL


class ShelfRow(TenantScoped):
    """A table."""

    tenant_scope: ClassVar[TenantScope] = TenantScope(account=None, service_provider=())
    id = columns.UUIDField(primary_key=True)
    name = columns.TextField()


class BookRow(TenantScoped):
    """A table whose rows belong to rows of the first one."""

    tenant_scope: ClassVar[TenantScope] = TenantScope(account=None, service_provider=())
    id = columns.UUIDField(primary_key=True)
    shelf_id = columns.UUIDField()
    title = columns.TextField()
    price = columns.IntField()


@strawberry.type
class Book(fields.Backed[BookRow]):
    title: str = fields.column("x")
    price: int | None = fields.column("x", permissions=[IsAdmin])


@strawberry.type
class Shelf(fields.Backed[ShelfRow]):
    name: str = fields.column("x")
    books: Connection[Book] = fields.page("shelf_id", row=BookRow, order=NEWEST_FIRST, description="x")


@strawberry.type
class RenamedShelf(fields.Payload):
    """A payload."""

    shelf: Shelf | None = None


_SHELVES = fields.PageOfAll(ShelfRow)


@strawberry.type
class Query:
    """Root fields."""

    @fields.resolver("x", declared=_SHELVES)
    async def shelves(
        self, info: Info, first: FirstArgument = DEFAULT_FIRST, after: AfterArgument = None
    ) -> Connection[Shelf]:
        return Shelf.connection(await _SHELVES.answer(info.context, first, after))

    @fields.resolver("x")
    async def priced(self) -> Book:
        return Book.of(await BookRow.get(title="first"))


@strawberry.type
class Mutation:
    """Root fields."""

    @fields.mutation("x", permissions=())
    async def rename_shelves(self, info: Info, name: str) -> RenamedShelf:
        await ShelfRow.all().update(name=name)
        return RenamedShelf(shelf=Shelf.of(await ShelfRow.get(name=name)))


SCHEMA = strawberry.Schema(Query, Mutation)
BOOKS = "books(first: 1) { totalCount nodes { title price } pageInfo { hasNextPage } }"


async def main(url: str) -> None:
    foreign = {name.split(".")[1] for name in sys.modules if name.startswith("app.")} - {"foundation", "execution"}
    assert not foreign, f"the engine imports {sorted(foreign)}"
    connection = {**database_url.connection(url), "engine": pool.__name__}
    models = {"models": [__name__], "default_connection": "default"}
    await Tortoise.init({"connections": {"default": connection}, "apps": {"models": models}})
    await Tortoise.generate_schemas()
    shelf = await ShelfRow.create(id=new_id(), name="fiction")
    for title in ("first", "second"):
        await BookRow.create(id=new_id(), shelf_id=shelf.id, title=title, price=7)
    by_plan, by_walking = (
        Operations(SCHEMA, anonymous_introspection=True, operations_per_caller=3, compiles=compiles)
        for compiles in (True, False)
    )
    for text, expected in (
        (f"{{ shelves {{ nodes {{ name {BOOKS} }} }} }}", {"shelves": {"nodes": [_shelf("fiction", 7)]}}),
        (
            f'mutation {{ renameShelves(name: "x") {{ shelf {{ name {BOOKS} }} }} }}',
            {"renameShelves": {"shelf": _shelf("x", 7)}},
        ),
    ):
        compiled, walked = [await _ask(each, text, Scope.ADMIN) for each in (by_plan, by_walking)]
        assert (compiled.compiled, walked.compiled) == (True, False)
        assert compiled.body() == walked.body() == {"data": expected}
    for executor in (by_plan, by_walking):
        denied = await _ask(executor, "{ shelves { nodes { name } } priced { title price } }", Scope.ACCOUNT)
        assert denied.data == {"shelves": {"nodes": []}, "priced": {"title": "first", "price": None}}
        assert denied.codes == ["FORBIDDEN"]
    await Tortoise.close_connections()


def _shelf(name: str, price: int | None) -> dict[str, object]:
    books = {"totalCount": 2, "nodes": [{"title": "second", "price": price}], "pageInfo": {"hasNextPage": True}}
    return {"name": name, "books": books}


async def _ask(operations: Operations, text: str, scope: Scope) -> GraphQLResponse:
    context: Any = Context(Viewer(scope, ALL, new_id()), "0" * 32, None)  # type: ignore[arg-type]
    return await operations.run(GraphQLRequest(text), context)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
