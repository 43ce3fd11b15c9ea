"""Generated code of a page: its nodes, its edges, `pageInfo` and `totalCount`."""

from typing import Protocol

from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType, assert_object_type, get_nullable_type

from app.execution.compiler.query_plan import COMPUTED_VALUES, NotCompilable, Select
from app.execution.compiler.selections import Selections
from app.execution.compiler.sources import RowSource, Source, SourceCompiler
from app.foundation.graphql import lists


class PageCompiler(SourceCompiler, Protocol):
    """The part of the compiler that the code of a page uses."""

    selections: Selections


def compile_page(compiler: PageCompiler, nodes: list[FieldNode], type_: GraphQLOutputType, select: Select) -> str:
    """The name of the generated function from an owner (None for a root page) to its page."""
    select.wants_rows = False
    page, parts = assert_object_type(get_nullable_type(type_)), []
    for name, found in compiler.selections.below(nodes, page).items():
        parts.append(f"{name!r}: {_page_field(compiler, page, found, select)}")
    label = select.label
    body = [
        f"rows = data[{label!r}].get(o, ())" if select.wants_rows else "rows = ()",
        f"first = given[{label!r}]['first']",
        "more = len(rows) > first",
        "if more: rows = rows[:first]",
        f"return {{{', '.join(parts)}}}",
    ]
    return compiler.code.function("o", body)


def _page_field(compiler: PageCompiler, type_: GraphQLObjectType, nodes: list[FieldNode], select: Select) -> str:
    name, source = nodes[0].name.value, RowSource(compiler, select, "b")
    if name == "__typename":
        return repr(type_.name)
    if name == "totalCount":
        select.wants_count = True
        return f"data[{select.label + 'n'!r}].get(o, 0)"
    select.wants_rows = True
    field = type_.fields[name]
    if name == "nodes":
        return f"[{compiler.shape(nodes, field.type.of_type.of_type, source)} for r in rows]"
    if name == "edges":
        return _edges(compiler, nodes, field.type.of_type.of_type.of_type, source, select)
    if name == "pageInfo":
        return _page_info(compiler, nodes, field.type, source, select)
    raise NotCompilable(f"{type_.name}.{name}")


def _edges(
    compiler: PageCompiler, nodes: list[FieldNode], edge: GraphQLObjectType, source: Source, select: Select
) -> str:
    parts = []
    selected = compiler.selections.below(nodes, edge)
    select.values_per_row += len(selected) * COMPUTED_VALUES
    for name, found in selected.items():
        field_name = found[0].name.value
        if field_name == "__typename":
            parts.append(f"{name!r}: {edge.name!r}")
        elif field_name == "cursor":
            parts.append(f"{name!r}: {_cursor(source, select)}")
        else:
            parts.append(f"{name!r}: {compiler.shape(found, edge.fields['node'].type, source)}")
    return f"[{{{', '.join(parts)}}} for r in rows]"


def _page_info(
    compiler: PageCompiler, nodes: list[FieldNode], type_: GraphQLOutputType, source: Source, select: Select
) -> str:
    info = assert_object_type(get_nullable_type(type_))
    cursor = compiler.code.function("r", _cursor(source, select))
    values = {
        "__typename": repr(info.name),
        "hasNextPage": "more",
        "hasPreviousPage": f"given[{select.label!r}]['after'] is not None",
        "startCursor": f"{cursor}(rows[0]) if rows else None",
        "endCursor": f"{cursor}(rows[-1]) if rows else None",
    }
    found = compiler.selections.below(nodes, info).items()
    parts = [f"{name!r}: {values[fields[0].name.value]}" for name, fields in found]
    return f"{{{', '.join(parts)}}}"


def _cursor(source: Source, select: Select) -> str:
    """Loads the columns of all orders: which one applies may come from a variable, and is known at run time."""
    columns = select.root.order_columns if isinstance(select.root, lists.Listed) else ()
    values = ", ".join(f"{column!r}: {source.column(column)}" for column in columns)
    return f"given[{select.label!r}]['order'].cursor_of({{{values}}}, {source.column('id')})"
