"""People in addition to the keys of the installation."""

import pytest

from tests.support.installation import Installation
from tests.support.personas import People, add_people


@pytest.fixture
async def people(installation: Installation) -> People:
    return await add_people(installation)
