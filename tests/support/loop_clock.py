"""A clock of the event loop that a test moves forward, so that timers fire at once."""

import asyncio
from collections.abc import Callable
from typing import Any


class MovedClock:
    """Never goes back: timers set after the move would be late."""

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self.ahead = 0.0

    def __call__(self) -> float:
        return self._real() + self.ahead


async def pass_seconds(seconds: float) -> None:
    """Fires every timer that is due within these seconds, including open `asyncio.timeout` blocks."""
    loop: Any = asyncio.get_running_loop()
    if not isinstance(loop.time, MovedClock):
        loop.time = MovedClock(loop.time)
    loop.time.ahead += seconds
    for _ in range(3):  # the timers, and what they wake
        await asyncio.sleep(0)
