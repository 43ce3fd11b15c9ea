"""A receiver, and an account whose webhooks point to it."""

from collections.abc import AsyncIterator

import pytest

from tests.webhooks.receiver import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Answers 200 by default."""
    async with Receiver() as started:
        yield started
