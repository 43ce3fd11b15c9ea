"""The contents of the whole database, read without the application."""

from typing import Any

Tables = dict[str, list[dict[str, Any]]]
# Written outside requests, to the minute.
_LAST_USES = frozenset({"last_used_at", "last_used_address", "previous_secret_last_used_at"})


async def tables(connection: Any) -> list[str]:
    query = "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    query += " AND NOT relispartition"  # whose rows are their table's
    return sorted(row["name"] for row in await connection.execute_query_dict(query))


async def contents(connection: Any, *, without: frozenset[str] = frozenset()) -> Tables:
    """All rows of all tables except `without`; times of last use are left out."""
    found: Tables = {}
    for table in set(await tables(connection)) - without:
        rows = await connection.execute_query_dict(f'SELECT * FROM "{table}"')
        shown = [{name: value for name, value in row.items() if name not in _LAST_USES} for row in rows]
        found[table] = sorted(shown, key=lambda row: str(row.get("id")))
    return found


def changed(before: Tables, after: Tables) -> dict[str, list[Any]]:
    """The rows that differ, by table, for the message of a failed test."""
    return {
        table: [row for row in [*before[table], *after[table]] if (row in before[table]) != (row in after[table])]
        for table in before
        if before[table] != after[table]
    }
