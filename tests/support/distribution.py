"""Whether statements would work on a distributed PostgreSQL, where `TABLES` are spread over servers by account.

No such server is needed: each statement of the application that a test sends is parsed (`conftest.py`), and its shape is
compared with what a distributed planner can do. Statements that the tests themselves send are left alone.
"""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
import sqlglot
from sqlglot import exp

# Colocated on each server, by the column with the account.
TABLES = {"call_accounts": "id", "calls": "account_id", "call_keys": "account_id", "stored_credentials": "account_id"}
_OWNERS = "call_accounts"

_IS_RELEVANT = re.compile(rf"\b({'|'.join(TABLES)})\b|^\s*INSERT\b", re.IGNORECASE)
_PARAMETER = re.compile(r"\$(\d+)")
_ROOT = Path(__file__).parents[2]
_OF_APP, _OF_TESTS = f"{_ROOT / 'app'}/", f"{_ROOT / 'tests'}/"
# Modules that forward statements of others.
_PASSING_ON = {f"{_OF_APP}foundation/database/pool.py", f"{_OF_APP}foundation/database/orm.py", __file__}
_logger = logging.getLogger("tortoise.db_client")
_READ = (exp.Select, exp.Insert, exp.Update, exp.Delete, exp.SetOperation)

_EXPLAINED = """This statement of {sender} would fail once calls are distributed by account over several servers:

    {sql}

{faults}
No other test detects it: on a single PostgreSQL it works. The rules are in tests/support/distribution.py."""


class Watched:
    """Collects the faults of the application's statements; each statement is checked once."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.seen: set[str] = set()

    @contextmanager
    def watching(self) -> Iterator["Watched"]:
        """Every Tortoise client passes each statement to this logger, even when its level discards it."""
        debug, is_enabled = _logger.debug, _logger.isEnabledFor

        def said(message: str, *values: object) -> None:
            self.look(str(values[0] if values else message))
            if is_enabled(logging.DEBUG):
                debug(message, *values)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(_logger, "debug", said)
            patched.setattr(_logger, "isEnabledFor", lambda _level: True)
            yield self

    def look(self, sql: str) -> None:
        if sql in self.seen:
            return
        sender = _sender() if _IS_RELEVANT.search(sql) else ""
        if sender is not None:
            self.seen.add(sql)
            if sender and (faults := faults_of(sql)):
                self.faults.append(explained(sql, sender, faults))


def explained(sql: str, sender: str, faults: list[str]) -> str:
    return _EXPLAINED.format(sender=sender, sql=sql, faults="".join(f"{fault}\n" for fault in faults))


def faults_of(sql: str) -> list[str]:
    """A sentence for each fault of a statement: what is wrong, and how to correct it."""
    # Without spaces, the parser reads $1,$2 as dollar quotes.
    tree = sqlglot.parse_one(_PARAMETER.sub(r"$\1 ", sql), read="postgres")
    return [] if not isinstance(tree, _READ) else [*_unnamed(tree), *_inserted(tree), *_correlated(tree)]


def _unnamed(tree: exp.Expression) -> Iterator[str]:
    """Locked, changed and deleted rows must belong to accounts that the statement names."""
    for node in tree.find_all(exp.Update, exp.Delete):
        if isinstance(node.this, exp.Table) and not _names_account(node, node.this, many=True):
            kind = "UPDATE" if isinstance(node, exp.Update) else "DELETE"
            yield _UNNAMED.format(kind=kind, table=node.this.name, column=TABLES[node.this.name])
    for node in tree.find_all(exp.Select):
        for lock in node.args.get("locks") or ():
            locked = {each.name for each in lock.expressions}
            for name, source in _sources(node).items():
                if not isinstance(source, exp.Table) or (locked and name not in locked):
                    continue
                if not _names_account(node, source, many=False):
                    yield _UNNAMED.format(kind="SELECT with a lock", table=source.name, column=TABLES[source.name])


_UNNAMED = "* {kind} of {table}: compare {table}.{column} with a value, so that one server can do it."


def _names_account(node: exp.Expression, table: exp.Table, *, many: bool) -> bool:
    if table.name not in TABLES:
        return True
    where = node.args.get("where")
    for condition in where.this.flatten() if where and isinstance(where.this, exp.And) else [where and where.this]:
        if not isinstance(condition, exp.EQ | exp.In) or not isinstance(condition.this, exp.Column):
            continue
        column, value = condition.this, condition.args.get("expression")
        is_one = isinstance(condition, exp.EQ) and not isinstance(value, exp.Column | exp.Any)
        is_list = isinstance(value, exp.Any) or (isinstance(condition, exp.In) and not condition.args.get("query"))
        is_account = column.name == TABLES[table.name] and column.table in ("", table.alias_or_name)
        if is_account and (is_one or (many and is_list)):
            return True
    return False


def _inserted(tree: exp.Expression) -> Iterator[str]:
    for node in tree.find_all(exp.Insert):
        is_by_values, conflict = isinstance(node.expression, exp.Values), node.args.get("conflict")
        if is_by_values and node.expression.find(exp.Select):
            yield "* INSERT … VALUES with a subquery: write INSERT … SELECT."
        into = node.find(exp.Table)
        if not is_by_values and conflict and conflict.find(exp.Parameter) and into and into.name in TABLES:
            yield (
                "* a parameter behind DO UPDATE of an INSERT … SELECT: make it a column of the rows that are inserted, and say "
                "excluded.column."
            )


def _correlated(tree: exp.Expression) -> Iterator[str]:
    """What a subquery that reads `TABLES` takes from outside comes from a table that lies next to them.

    One that takes its account from there may compare with given values as well.
    """
    for node in tree.find_all(exp.Select):
        if not any(table.name in TABLES for table in node.find_all(exp.Table)):
            continue
        outer = [
            (column, _sources(scope)[column.table])
            for column in node.find_all(exp.Column)
            if (scope := _scope_of(column)) is not None and scope is not node and _is_within(node, scope)
        ]
        is_lateral = isinstance(node.find_ancestor(exp.Lateral, exp.Select), exp.Lateral)
        allowed = {_OWNERS} if is_lateral else set(TABLES)
        if not is_lateral and any(TABLES.get(_base(source)) == column.name for column, source in outer):
            allowed.add("")
        for column, source in outer:
            if _base(source) not in allowed:
                kind = "LATERAL" if is_lateral else "a correlated subquery"
                yield (
                    f"* {kind} that depends on {column.sql()} of {source.sql()[:60]}: let it depend on {_OWNERS}, or ask "
                    "for each of few values in a statement of its own."
                )


def _scope_of(column: exp.Column) -> exp.Select | None:
    """The innermost query with the column's table; None when the column names no table."""
    scope = column.find_ancestor(exp.Select)
    while scope is not None and column.table not in _sources(scope):
        scope = scope.find_ancestor(exp.Select)
    return scope if column.table else None


def _is_within(node: exp.Expression, scope: exp.Expression) -> bool:
    above = node.parent
    while above is not None and above is not scope:
        above = above.parent
    return above is scope


def _sources(select: exp.Select) -> dict[str, exp.Expression]:
    """The sources of a query, by alias."""
    first, joins = select.args.get("from_"), select.args.get("joins") or ()
    return {each.this.alias_or_name: each.this for each in (first, *joins) if each is not None}


def _base(source: exp.Expression) -> str:
    """The table behind a source."""
    while isinstance(source, exp.Subquery) and isinstance(source.this, exp.Select) and len(_sources(source.this)) == 1:
        (source,) = _sources(source.this).values()
    return source.name if isinstance(source, exp.Table) else ""


def _sender() -> str | None:
    """The code of the application that sends a statement; None for a test's statement."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(_OF_TESTS) and path not in _PASSING_ON:
            return None
        if path.startswith(_OF_APP) and path not in _PASSING_ON:
            return f"{path.removeprefix(f'{_ROOT}/')}:{frame.f_lineno}"
        frame = frame.f_back
    return None
