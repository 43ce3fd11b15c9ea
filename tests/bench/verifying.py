"""The storage test against the same S3 calls, made by hand in sequence with one client."""

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig

from app.demo.local_s3 import Identity, LocalS3
from app.foundation.encryption import Keyring
from app.foundation.outbound.guard import OutboundGate
from app.storage.model import BucketVendor
from app.storage.probe import PROBE_FOLDER
from app.storage.rules import StorageDraft, Tag
from app.storage.s3 import ObjectStorage
from app.storage.verification import StorageVerdict, StorageVerifier
from tests.bench.finding import Finding

ROUNDS, AT_MOST = 15, 1.1
_BUCKET = "calls"
_ADMIN = Identity("admin", "benchadminkey", "benchadminsecret", ("Admin",))
_RECORDER = Identity.of_bucket("recorder", "benchkey", "benchsecret", _BUCKET)


async def measure() -> Finding:
    """Milliseconds of both, and the median of their ratios."""
    found = await _measured()
    line = (
        f"storage test {found['verifier_ms']:.1f} ms, the same calls by hand {found['by_hand_ms']:.1f} ms: "
        f"ratio {found['ratio']:.2f}, target at most {AT_MOST}"
    )
    return Finding({"verification": found}, [line], [line] if found["ratio"] > AT_MOST else [])


async def _measured() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="accounts-bench-s3-") as folder:
        server = LocalS3(Path(folder), identities=(_ADMIN, _RECORDER)).start()
        try:
            server.create_bucket(_BUCKET)
            return await _compare(server)
        finally:
            server.stop()


async def _compare(server: LocalS3) -> dict[str, Any]:
    gate = OutboundGate(["127.0.0.1"])
    storage = ObjectStorage(gate)
    await storage.open()
    verifier = StorageVerifier(storage, gate, Keyring({"k": b"e" * 32}, b"h" * 32), at_once=1)
    draft = StorageDraft(
        vendor=BucketVendor.S3_COMPATIBLE,
        endpoint_url=server.endpoint,
        bucket=_BUCKET,
        region=server.region,
        access_key_id=_RECORDER.access_key_id,
        secret_access_key=_RECORDER.secret_access_key,
        tags=(Tag("customer", "bench"),),
    )
    session = aioboto3.Session()

    async def verify() -> None:
        result = await verifier.verify(draft)
        assert result.verdict is StorageVerdict.WORKING, result

    async def by_hand() -> None:
        await _by_hand(session, server)

    ways = {"verifier": verify, "by_hand": by_hand}
    order, rounds = random.Random(1), []
    for number in range(ROUNDS + 2):
        names = list(ways)
        order.shuffle(names)
        taken = {}
        for name in names:
            begun = time.perf_counter()
            await ways[name]()
            taken[name] = (time.perf_counter() - begun) * 1000
            await asyncio.sleep(0.02)
        if number >= 2:  # the first ones load what both need
            rounds.append(taken)
    await verifier.close()
    await storage.close()
    return {
        "ratio": statistics.median(each["verifier"] / each["by_hand"] for each in rounds),
        "at_most": AT_MOST,
        "verifier_ms": statistics.median(each["verifier"] for each in rounds),
        "by_hand_ms": statistics.median(each["by_hand"] for each in rounds),
    }


async def _by_hand(session: aioboto3.Session, server: LocalS3) -> None:
    key, tags = f"{PROBE_FOLDER}bench.txt", "customer=bench"
    config = AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        retries={"mode": "standard", "total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    async with session.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=_RECORDER.access_key_id,
        aws_secret_access_key=_RECORDER.secret_access_key,
        config=config,
    ) as s3:
        await s3.head_bucket(Bucket=_BUCKET)
        await s3.put_object(Bucket=_BUCKET, Key=key, Body=b"Storage test\n", Tagging=tags)
        await s3.head_object(Bucket=_BUCKET, Key=key)
        await s3.get_object_tagging(Bucket=_BUCKET, Key=key)
        answer = await s3.get_object(Bucket=_BUCKET, Key=key)
        await answer["Body"].read()
        upload = await s3.create_multipart_upload(Bucket=_BUCKET, Key=f"{key}.parts", Tagging=tags)
        part = {"Bucket": _BUCKET, "Key": f"{key}.parts", "UploadId": upload["UploadId"]}
        await s3.upload_part(**part, PartNumber=1, Body=b"Storage test\n")
        await s3.abort_multipart_upload(**part)
        await s3.delete_object(Bucket=_BUCKET, Key=key)
