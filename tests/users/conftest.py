"""People beside the keys of the installation."""

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from app import authentication
from tests.installation import Installation
from tests.people import People, add_people


@pytest.fixture
async def people(installation: Installation) -> People:
    return await add_people(installation)


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets seconds pass for what authentication remembers, at once."""
    passed = 0.0

    def later(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(authentication, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + passed))
    return later
