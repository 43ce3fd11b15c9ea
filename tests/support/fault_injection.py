"""Fails a chosen statement by its number."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tortoise.exceptions import OperationalError

_failing: ContextVar[list[int] | None] = ContextVar("failing", default=None)
_onwards: ContextVar[bool] = ContextVar("onwards", default=False)
_SAID = 'near "secret_hash": syntax error in SELECT password_hash FROM users -- constraint users_email_unique'


class _Fault(logging.Handler):
    """Tortoise logs each statement just before it sends it: this handler makes one fail."""

    def emit(self, record: logging.LogRecord) -> None:
        left = _failing.get()
        text = str(record.args[0] if isinstance(record.args, tuple) and record.args else record.msg)
        if left is None or text.split(maxsplit=1)[0] in ("BEGIN", "COMMIT", "ROLLBACK"):
            return
        left[0] -= 1
        if left[0] == 0 or (left[0] < 0 and _onwards.get()):
            raise OperationalError(_SAID)


@contextmanager
def failing(number: int, *, onwards: bool = False) -> Iterator[list[int]]:
    """Fails the statement of this number, counted from 1, or all from it `onwards`. Yields the number of statements left."""
    logger, handler, left = logging.getLogger("tortoise.db_client"), _Fault(), [number]
    level, token, other = logger.level, _failing.set(left), _onwards.set(onwards)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield left
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        _failing.reset(token)
        _onwards.reset(other)
