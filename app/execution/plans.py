"""Running plans: statements rendered once for each scope and shape of arguments, rows loaded level by level, one connection.

A plan only reads. So whatever goes wrong while it runs (a cursor that is none, a database that is away, a value that does
not fit) is no answer: the ordinary executor runs the operation from its start and says what is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    Undefined,
    VariableNode,
    visit,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.language import Visitor
from strawberry.utils.str_converters import to_camel_case, to_snake_case
from tortoise import connections
from tortoise.expressions import Q, RawSQL

from app import graph
from app.access import Viewer
from app.context import Context
from app.execution.compiling import Level, NotCompilable, Plan, compile_operation, variables_of_directives
from app.execution.statements import Sql, StandIns, Statement, any_of, at_most
from app.identifiers import read
from app.paging import Order, checked_first

# Plans of one operation, one for each combination of the variables in @skip and @include.
MAXIMUM_PLANS = 16
# Statements of one level, one for each scope and shape of its arguments.
MAXIMUM_STATEMENTS = 64


class CompiledOperation:
    """One operation of a document, compiled when it runs first; kept as long as the document is."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, Any]) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._switches = variables_of_directives(operation, fragments)
        self._variables = Variables(schema, operation)
        self._plans: dict[tuple[str, tuple[Any, ...]], _Runnable | None] = {}

    async def run(self, context: Context, variables: dict[str, Any] | None) -> dict[str, Any] | None:
        """The answer's data; None when the ordinary executor is to answer."""
        values = self._variables.read(variables or {})
        if values is None:
            return None
        client = connections.get("default")
        key = (
            client.capabilities.dialect,
            tuple(values.coerced.get(name) for name in self._switches),
        )
        if key not in self._plans:
            if len(self._plans) >= MAXIMUM_PLANS:
                return None
            self._plans[key] = self._compiled(key[0], values)
        plan = self._plans[key]
        viewer = context.viewer
        if plan is None or not plan.is_open_to(viewer):
            return None
        return await plan.run(client, context, viewer, values)

    def _compiled(self, dialect: str, values: VariableValues) -> "_Runnable | None":
        def included(node: Any) -> bool:
            for directive in node.directives or ():
                if directive.name.value in ("skip", "include"):
                    given = directive.arguments[0].value
                    on = values.coerced.get(given.name.value, False) if isinstance(given, VariableNode) else given.value
                    if bool(on) == (directive.name.value == "skip"):
                        return False
            return True

        try:
            plan = compile_operation(self._schema, self._operation, self._fragments, included, _arguments, dialect)
        except NotCompilable:
            return None
        return _Runnable(plan, dialect)


class Variables:
    """Reads an operation's variables: those of the plain scalars at once, all others as graphql-core does."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._plain: list[tuple[str, type, bool]] | None = []
        for definition in self._definitions:
            is_required = isinstance(definition.type, NonNullTypeNode)
            named = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
            plain = _PLAIN.get(named.name.value) if isinstance(named, NamedTypeNode) else None
            if plain is None or definition.default_value is not None or definition.directives:
                self._plain = None
                return
            self._plain.append((definition.variable.name.value, plain, is_required))

    def read(self, given: Mapping[str, Any]) -> VariableValues | None:
        """None when they do not fit, which the ordinary executor reports."""
        if self._plain is not None:
            coerced = {}
            for name, plain, is_required in self._plain:
                value = given.get(name, Undefined)
                if value.__class__ is plain and (plain is not int or -(2**31) <= cast("int", value) < 2**31):
                    coerced[name] = value
                elif is_required or value is not Undefined:
                    break
            else:
                return VariableValues(_NOTHING, coerced)
        values = get_variable_values(self._schema, self._definitions, dict(given))
        return None if isinstance(values, list) else values


_PLAIN: dict[str, type] = {"ID": str, "String": str, "Int": int, "Boolean": bool}
_NOTHING: dict[str, Any] = {}


def _arguments(made: Any, node: FieldNode) -> Callable[[VariableValues], dict[str, Any]]:
    """What reads a field's arguments: at once where no variable is in them, directly where only whole variables are."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    if any(_has_variables(value) and not isinstance(value, VariableNode) for value in given.values()):
        return lambda values: get_argument_values(made, node, values)
    names = {name: value.name.value for name, value in given.items() if isinstance(value, VariableNode)}
    if names:
        return _whole_variables(made, node, names)
    try:
        constant = get_argument_values(made, node)
    except GraphQLError as error:
        raise NotCompilable(str(error)) from None
    return lambda _values: constant


def _whole_variables(made: Any, node: FieldNode, names: dict[str, str]) -> Callable[[VariableValues], dict[str, Any]]:
    others = FieldNode(
        name=node.name,
        arguments=tuple(argument for argument in node.arguments or () if argument.name.value not in names),
    )
    without = GraphQLField(made.type, {name: argument for name, argument in made.args.items() if name not in names})
    try:
        constant = get_argument_values(without, others)
    except GraphQLError as error:
        raise NotCompilable(str(error)) from None
    may_be_null = {name for name in names if not isinstance(made.args[name].type, GraphQLNonNull)}

    def read(values: VariableValues) -> dict[str, Any]:
        arguments = dict(constant)
        for name, variable in names.items():
            value = values.coerced.get(variable, Undefined)
            if value is Undefined or (value is None and name not in may_be_null):
                return get_argument_values(made, node, values)  # a default, or an error
            arguments[name] = value
        return arguments

    return read


def _has_variables(node: Any) -> bool:
    found = []

    class Finder(Visitor):
        def enter_variable(self, *_: Any) -> None:
            found.append(True)

    visit(node, Finder())
    return bool(found)


class _Runnable:
    """A plan with its statements."""

    def __init__(self, plan: Plan, dialect: str) -> None:
        self.plan = plan
        self._dialect = dialect
        self._open_to: dict[Any, bool] = {}
        self._statements: dict[Any, tuple[Statement | None, Statement | None]] = {}

    async def run(self, client: Any, context: Context, viewer: Viewer, values: Any) -> dict[str, Any]:
        run = _Run(self, context, viewer, values)
        async with client.acquire_connection() as connection:
            fetch = connection.fetch if self._dialect == "postgres" else _sqlite_fetch(connection)
            for level in self.plan.levels:
                await run.load(level, fetch, None)
        return self.plan.shape(viewer, context, run.data, run.given)

    def is_open_to(self, viewer: Viewer) -> bool:
        """Whether the caller may use all of it: permissions depend on these two alone, and are decided once for them."""
        caller = (viewer.scope, viewer.access_level)
        known = self._open_to.get(caller)
        if known is None:
            known = self._open_to[caller] = viewer.may(self.plan.permissions)
        return known

    def statements(
        self, level: Level, viewer: Viewer, order: Order | None, asked: tuple[Any, ...], is_after: bool, single: bool
    ) -> tuple[Statement | None, Statement | None]:
        """The statements for the rows and for their number; None for what is not asked."""
        key = (level.slot, viewer.scope, order and order.name, asked, is_after, single)
        known = self._statements.get(key)
        if known is None:
            if len(self._statements) >= MAXIMUM_STATEMENTS:
                self._statements.clear()
            known = _Writer(level, viewer, self._dialect).statements(order, asked, is_after, single)
            self._statements[key] = known
        return known


class _Run:
    """One run of a plan: arguments, values for the slots, and the rows as they come."""

    def __init__(self, runnable: _Runnable, context: Context, viewer: Viewer, variables: Any) -> None:
        self._runnable = runnable
        self._context = context
        self._viewer = viewer
        self._variables = variables
        self._values: dict[str, Any] = {
            "viewer.key_id": viewer.key_id,
            "viewer.account_id": viewer.account_id,
            "viewer.service_provider_id": viewer.service_provider_id,
        }
        self.data: dict[str, dict[Any, Any]] = {}
        self.given: dict[str, dict[str, Any]] = {}

    async def load(self, level: Level, fetch: Any, owners: Sequence[Any] | None) -> None:
        slot, root = level.slot, level.root
        self.data[slot], self.data[f"{slot}n"] = {}, {}
        arguments = level.arguments(self._variables) if level.arguments else {}
        order, is_after, asked, first = None, False, (), 0
        if root is None:
            if self._values[level.owner] is None:
                return
        elif isinstance(root, graph.OneById):
            row_id = read(root.kind, arguments["id"])
            self.data[slot] = {None: ()}
            if row_id is None:
                return
            self._values[f"{slot}.id"] = row_id
        else:
            first = checked_first(arguments["first"])
            order = root.order if isinstance(root, graph.PageOf) else root.order(_object(arguments.get("orderBy")))
            after = arguments.get("after")
            is_after = after is not None
            if after is not None:
                self._values[f"{slot}.value"], self._values[f"{slot}.after"] = order.read(after)
            self._values[f"{slot}.limit"] = first + 1
            self.given[slot] = {"first": first, "after": after, "order": order}
            if isinstance(root, graph.PageOfAll):
                found = self._conditions(slot, root, arguments.get("filter") or {})
                if found is None:
                    self.data[f"{slot}n"] = {None: 0}
                    return
                asked = found
        single = owners is not None and len(owners) == 1
        if owners is not None:
            self._values |= {f"{slot}.owner": owners[0], f"{slot}.owners": list(owners)}
        rows_of, number_of = self._runnable.statements(level, self._viewer, order, asked, is_after, single)
        if number_of is not None:
            counted = await fetch(number_of.text, *number_of.arguments(self._values))
            self.data[f"{slot}n"] = {row[0]: row[1] for row in counted} if owners else {None: counted[0][1]}
        if rows_of is not None:
            rows = await fetch(rows_of.text, *rows_of.arguments(self._values))
            await self._keep(level, rows, owners, first, fetch)

    async def _keep(self, level: Level, rows: Any, owners: Sequence[Any] | None, first: int, fetch: Any) -> None:
        groups: dict[Any, Any] = {None: rows} if rows or owners is None else {}
        if owners is not None and len(owners) == 1:
            groups = {owners[0]: rows}
        elif owners is not None:
            at = level.index("b", level.by)
            groups = {}
            for row in rows:
                groups.setdefault(row[at], []).append(row)
            self._context.take_rows(len(rows))
        self.data[level.slot] = groups
        for child in level.children:
            at = child.parent_index
            below: dict[Any, None] = {}
            for group in groups.values():
                for row in group[:first] if first else group:
                    if row[at] is not None:
                        below[row[at]] = None
            if below:
                await self.load(child, fetch, list(below))
            else:
                self.data[child.slot], self.data[f"{child.slot}n"] = {}, {}

    def _conditions(self, slot: str, root: graph.PageOfAll, given: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Which conditions are asked, and of which kind; None when nothing can match."""
        asked: list[tuple[str, Any]] = []
        for name, condition in root.conditions.items():
            value = given.get(to_camel_case(name))
            if value is None:
                continue
            value = condition.prepare(value)
            if value is None:
                return None
            if isinstance(value, str | UUID):
                self._values[f"{slot}.{name}"] = value
                asked.append((name, type(value).__name__))
            else:
                asked.append((name, value))  # few values, a statement for each
        return tuple(asked)


class _Writer:
    """Writes the statements of a level for one scope and one shape of arguments."""

    def __init__(self, level: Level, viewer: Viewer, dialect: str) -> None:
        self._level = level
        self._dialect = dialect
        self._stand_ins = StandIns(dialect)
        self._viewer = self._stand_ins.viewer(viewer.scope)

    def statements(
        self, order: Order | None, asked: tuple[Any, ...], is_after: bool, single: bool
    ) -> tuple[Statement | None, Statement | None]:
        level = self._level
        number = self._number(self._query(asked, "owners")) if level.wants_count else None
        rows = None
        if level.wants_rows:
            query = self._query(asked, "owner" if single else "owners")
            if is_after and order is not None:
                value = self._stand_ins.text(f"{level.slot}.value")
                query = query.filter(order.beyond(value, self._stand_ins.uuid(f"{level.slot}.after")))
            rows = self._rows(query, order, numbered=isinstance(level.root, graph.PageOf) and not single)
        return rows, number

    def _query(self, asked: tuple[Any, ...], owners: str) -> Any:
        level, slot, root = self._level, self._level.slot, self._level.root
        query = self._viewer.within_reach(level.model)
        if root is None:
            return query.filter(**{level.by: self._stand_ins.uuid(level.owner)})
        if isinstance(root, graph.OneById):
            return query.filter(id=self._stand_ins.uuid(f"{slot}.id"))
        if isinstance(root, graph.PageOf):
            return query.filter(**{level.by: self._stand_ins.uuid(f"{slot}.{owners}")})
        query = query.filter(Q(**root.always))
        for name, kind in asked:
            value = kind
            if kind in ("str", "UUID"):
                made = self._stand_ins.text if kind == "str" else self._stand_ins.uuid
                value = made(f"{slot}.{name}")
            query = query.filter(**{root.conditions[name].lookup: value})
        return query

    def _number(self, query: Any) -> Statement:
        level = self._level
        owners = f"{level.slot}.owners"
        if isinstance(level.root, graph.PageOf):
            inner = any_of(self._stand_ins.render(query.values(owner=level.by)), owners, self._dialect)
            sql = Sql.join('SELECT b."owner", COUNT(*) FROM (', inner, ') b GROUP BY b."owner"')
        else:
            inner = self._stand_ins.render(query.values(owner="id"))
            sql = Sql.join("SELECT NULL, COUNT(*) FROM (", inner, ") b")
        return Statement.of(sql, self._dialect)

    def _rows(self, query: Any, order: Order | None, *, numbered: bool) -> Statement:
        level = self._level
        order_by = [column.lstrip("-") for column in order.by] if order else []
        columns = [*level.columns("b"), *(join.key for join in level.joins if join.owner == "b"), *order_by]
        if numbered and order is not None:
            columns.append(level.by)
            level.index("b", level.by)
            query = query.annotate(place=_place(level, order))
        elif order is not None:
            query = query.order_by(*order.by).limit(self._stand_ins.number(f"{level.slot}.limit"))
        names = {column: column for column in dict.fromkeys(columns)} | ({"place": "place"} if numbered else {})
        base = self._stand_ins.render(query.values(**names))
        if numbered:
            base = any_of(base, f"{level.slot}.owners", self._dialect)
        pieces: list[Sql | str] = [
            "SELECT ",
            *self._items(),
            " FROM (",
            base,
            ") b",
        ]
        for join in level.joins:
            pieces += self._join(join)
        direction = " DESC" if order and order.descending else ""
        if numbered:
            pieces += [' WHERE b."place" <= ', at_most(f"{level.slot}.limit"), ' ORDER BY b."place"']
        elif order_by:
            pieces.append(" ORDER BY " + ", ".join(f'b."{column}"{direction}' for column in order_by))
        return Statement.of(Sql.join(*pieces), self._dialect)

    def _items(self) -> list[Sql | str]:
        pieces: list[Sql | str] = []
        for alias, column in self._level.items:
            pieces.append(", " if pieces else "")
            if alias:
                pieces.append(f'{alias}."{column}"')
            else:
                declared, owner = self._level.counts[column]
                inner = self._stand_ins.render(
                    self._viewer.within_reach(declared.row).values(**{declared.by: declared.by})
                )
                pieces += [
                    "(SELECT COUNT(*) FROM (",
                    inner,
                    f') {column} WHERE {column}."{declared.by}" = {owner}."id")',
                ]
        return pieces or ["1"]

    def _join(self, join: Any) -> list[Sql | str]:
        keys = [other.key for other in self._level.joins if other.owner == join.alias]
        columns = dict.fromkeys([*self._level.columns(join.alias), join.by, *keys])
        inner = self._stand_ins.render(
            self._viewer.within_reach(join.model).values(**{column: column for column in columns})
        )
        return [
            " LEFT JOIN (",
            inner,
            f') {join.alias} ON {join.alias}."{join.by}" = {join.owner}."{join.key}"',
        ]


def _place(level: Level, order: Order) -> RawSQL:
    table = level.model._meta.db_table
    direction = " DESC" if order.descending else ""
    by = ", ".join(f'"{table}"."{column.lstrip("-")}"{direction}' for column in order.by)
    return RawSQL(f'ROW_NUMBER() OVER (PARTITION BY "{table}"."{level.by}" ORDER BY {by})')


def _object(given: Mapping[str, Any] | None) -> Any:
    return SimpleNamespace(**{to_snake_case(name): value for name, value in given.items()}) if given else None


def _sqlite_fetch(connection: Any) -> Any:
    async def fetch(text: str, *arguments: Any) -> Any:
        return list(await connection.execute_fetchall(text, arguments))

    return fetch
