"""A receiver to call, and an account whose webhooks point at it."""

from collections.abc import AsyncIterator

import pytest

from tests.webhooks.receiver import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Answers 200 until a test says otherwise."""
    async with Receiver() as started:
        yield started
