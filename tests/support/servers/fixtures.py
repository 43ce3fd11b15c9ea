"""The servers behind ours, started once per run."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.demo.local_s3 import Identity, LocalS3
from tests.support.servers.iam_s3 import IamS3
from tests.support.servers.valkey import PromptServer

ADMIN = Identity("admin", "s3adminkey", "s3adminsecret", ("Admin",))
RECORDER = Identity.of_bucket("recorder", "recorderkey", "recordersecret", "calls")
READER = Identity("reader", "readerkey", "readersecret", ("Read:calls", "List:calls"))
NEIGHBOUR = Identity.of_bucket("neighbour", "neighbourkey", "neighboursecret", "other")
EARLY = Identity.of_bucket("early", "earlykey", "earlysecret", "nowhere")
"""An identity for a bucket that does not exist."""
BUCKETS = ("calls", "other")


@pytest.fixture(scope="session")
def local_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalS3]:
    """A real S3 with the buckets `calls` and `other`, and the identities of this module."""
    server = LocalS3(tmp_path_factory.mktemp("s3"), identities=(ADMIN, RECORDER, READER, NEIGHBOUR, EARLY)).start()
    try:
        for bucket in BUCKETS:
            server.create_bucket(bucket)
        yield server
    finally:
        server.stop()


@pytest.fixture
def working_storage(local_s3: LocalS3) -> dict[str, Any]:
    """A storage that works."""
    return {
        "bucketVendor": "S3_COMPATIBLE",
        "endpointUrl": local_s3.endpoint,
        "bucketName": "calls",
        "region": local_s3.region,
        "accessKeyId": RECORDER.access_key_id,
        "secretAccessKey": RECORDER.secret_access_key,
        "s3Tags": [{"name": "customer", "value": "Überlingen"}],
    }


@pytest.fixture(scope="session")
def iam_s3() -> Iterator[IamS3]:
    """An S3 that enforces IAM policies, with the bucket `calls`."""
    server = IamS3()
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def valkey() -> Iterator[PromptServer]:
    """An empty Valkey of the test's own; the installation uses it as its prompt cache."""
    server = PromptServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()
