"""Polling, for conditions without a notification. Tests poll only through this module."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar, overload

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.1

Answer = TypeVar("Answer")


@overload
async def until(condition: Callable[[], Awaitable[Answer]], *, seconds: float = 60) -> Answer: ...


@overload
async def until(condition: Callable[[], Answer], *, seconds: float = 60) -> Answer: ...


async def until(condition: Callable[[], Any], *, seconds: float = 60) -> Any:
    """Polls until the condition is true, and returns its value. `seconds` limits the duration of a broken test."""
    __tracebackhide__ = True  # the failure shows the line that waits
    ends, pause = time.monotonic() + seconds, FIRST_PAUSE_SECONDS
    while True:
        answer = condition()
        if isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < ends, f"not within {seconds} s; the last answer: {answer!r}"
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, LONGEST_PAUSE_SECONDS)


def until_blocking(condition: Callable[[], Answer], *, seconds: float = 60) -> Answer:
    """Like `until`, without an event loop."""
    __tracebackhide__ = True
    ends, pause = time.monotonic() + seconds, FIRST_PAUSE_SECONDS
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < ends, f"not within {seconds} s; the last answer: {answer!r}"
        time.sleep(pause)
        pause = min(pause * 1.2, LONGEST_PAUSE_SECONDS)
