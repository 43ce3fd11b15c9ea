"""What the application asks its database, for tests that count statements or read their plans."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Every client of Tortoise logs each statement here, just before it is sent.
_logger = logging.getLogger("tortoise.db_client")

Statement = tuple[str, list[Any]]


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """The statements, with their values, that are sent while the context lasts."""
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
    """How the database would answer a statement, in its own words."""
    sql, values = statement
    explain = "EXPLAIN QUERY PLAN" if connection.capabilities.dialect == "sqlite" else "EXPLAIN"
    rows = await connection.execute_query_dict(f"{explain} {sql}", values)
    return "\n".join(str(row.get("detail") or row.get("QUERY PLAN")) for row in rows)


class _Recorder(logging.Handler):
    def __init__(self, statements: list[Statement]) -> None:
        super().__init__()
        self._statements = statements

    def emit(self, record: logging.LogRecord) -> None:
        sql, values = record.args or (record.msg, [])
        self._statements.append((str(sql), list(values or [])))
