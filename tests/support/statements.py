"""Records the application's statements, for tests that count them or read their plans."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.foundation.periodic import _repeat

# Every Tortoise client logs each statement here, just before it sends it.
_logger = logging.getLogger("tortoise.db_client")

Statement = tuple[str, list[Any]]


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Yields the statements that are sent during the block, with their values."""
    statements: list[Statement] = []
    recorder = _Recorder(statements)
    level, propagates = _logger.level, _logger.propagate
    _logger.addHandler(recorder)
    _logger.setLevel(logging.DEBUG)
    _logger.propagate = False
    try:
        yield statements
    finally:
        _logger.removeHandler(recorder)
        _logger.setLevel(level)
        _logger.propagate = propagates


async def plan(connection: Any, statement: Statement) -> str:
    """The EXPLAIN output of a statement."""
    sql, values = statement
    rows = await connection.execute_query_dict(f"EXPLAIN {sql}", values)
    return "\n".join(row["QUERY PLAN"] for row in rows)


@dataclass
class Work:
    """PostgreSQL's work for a statement, in counts that do not depend on the machine."""

    nodes: list[dict[str, Any]]
    blocks: int
    """Blocks of 8 kB, read from memory or disk."""

    @property
    def shape(self) -> list[tuple[str, str]]:
        """The nodes of the plan, each with its index or table."""
        return [(node["Node Type"], node.get("Index Name") or node.get("Relation Name") or "") for node in self.nodes]

    @property
    def rows(self) -> int:
        """Rows read from tables and indexes, including rows that a filter then removed."""
        return sum(_rows(node) for node in self.nodes if "Scan" in node["Node Type"] and "Plans" not in node)

    @property
    def sorted_rows(self) -> int:
        return sum(
            round(below["Actual Rows"] * below["Actual Loops"]) for node in self.of("Sort") for below in node["Plans"]
        )

    def rows_of(self, table: str) -> int:
        return sum(_rows(node) for node in self.nodes if node.get("Relation Name") == table)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [node for node in self.nodes if node["Node Type"] == kind]


async def work(connection: Any, statement: Statement) -> Work:
    """Runs a statement until PostgreSQL uses its final plan, and counts the work of the last run.

    From the sixth time on in a session PostgreSQL may take a plan for any values, as it does under a pool.
    """
    sql, values = statement
    execute = "EXECUTE counted" + (f"({', '.join(_literal(value) for value in values)})" if values else "")
    async with connection.acquire_connection() as session:
        await session.execute(f"PREPARE counted AS {sql}")
        try:
            for _ in range(6):
                await session.execute(execute)
            rows = await session.fetch(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {execute}")
        finally:
            await session.execute("DEALLOCATE counted")
    root = json.loads(rows[0][0])[0]["Plan"]
    return Work(list(_nodes(root)), root["Shared Hit Blocks"] + root["Shared Read Blocks"])


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"ARRAY[{', '.join(_literal(one) for one in value)}]::uuid[]"
    return str(value) if isinstance(value, bool | int) else "'" + str(value).replace("'", "''") + "'"


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _rows(node: dict[str, Any]) -> int:
    left_out = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    rows: float = (node["Actual Rows"] + left_out) * node["Actual Loops"]
    return round(rows)


class _Recorder(logging.Handler):
    def __init__(self, statements: list[Statement]) -> None:
        super().__init__()
        self._statements = statements

    def emit(self, record: logging.LogRecord) -> None:
        # Periodic statements belong to no test; when they run depends on the machine.
        task = asyncio.current_task()
        if task is not None and getattr(task.get_coro(), "cr_code", None) is _repeat.__code__:
            return
        said: Any = record.args or (record.msg, [])
        sql, values = said
        self._statements.append((str(sql), list(values or [])))
