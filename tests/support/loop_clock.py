"""The clock of the event loop, which a test moves: seconds that a timer waits for pass at once."""

import asyncio
from collections.abc import Callable
from typing import Any


class MovedClock:
    """Never goes back: a timer that was set meanwhile would be late by so much."""

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self.ahead = 0.0

    def __call__(self) -> float:
        return self._real() + self.ahead


async def pass_seconds(seconds: float) -> None:
    """Every timer that is due by then runs now, also that of an `asyncio.timeout` which is open meanwhile."""
    loop: Any = asyncio.get_running_loop()
    if not isinstance(loop.time, MovedClock):
        loop.time = MovedClock(loop.time)
    loop.time.ahead += seconds
    for _ in range(3):  # the timers, and what they wake
        await asyncio.sleep(0)
