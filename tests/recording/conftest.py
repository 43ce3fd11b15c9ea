"""Uploads to a storage whose responses the test writes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.storage.s3 import ObjectStorage
from tests.recording.upload_setup import UploadEnvironment, open_environment
from tests.storage.conftest import keyring, storage, storages
from tests.support.installation import Installation
from tests.support.servers.scripted_s3 import ScriptedS3

# Fixtures that the tests of storages share with these.
__all__ = ["keyring", "storage", "storages"]


@pytest.fixture
async def scripted(
    installation: Installation, tmp_path: Path, storage: ObjectStorage
) -> AsyncIterator[tuple[UploadEnvironment, ScriptedS3]]:
    """Stores to a server whose answers the test writes."""
    async with ScriptedS3() as s3, open_environment(installation, tmp_path / "rooms-spool", storage) as env:
        await env.configure(s3.endpoint)
        yield env, s3
