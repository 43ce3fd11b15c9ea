"""The S3 client: buckets of tenants. All failures leave this module as StorageFailure."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from app.foundation.outbound.failure_kind import FailureKind
from app.foundation.outbound.guard import OutboundGate
from app.storage import regions
from app.storage.clients import ClientCache
from app.storage.failures import StorageFailure
from app.storage.model import BucketVendor
from app.storage.responses import S3Response
from app.storage.rules import StorageDraft, Tag

__all__ = ["Bucket", "FailureKind", "ObjectStorage", "StorageFailure", "StorageTarget", "Tag"]

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class StorageTarget:
    """A bucket with its endpoint and keys: complete and valid."""

    vendor: BucketVendor
    endpoint_url: str | None
    bucket: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    tags: tuple[Tag, ...] = ()

    @classmethod
    def of(cls, draft: StorageDraft) -> "StorageTarget":
        """Raises ValueError when something is missing; check `rules.missing` first."""
        if draft.vendor is None or draft.bucket is None or draft.region is None:
            raise ValueError("the storage is incomplete")
        if draft.access_key_id is None or draft.secret_access_key is None:
            # The SDK takes None as "use this server's credentials": never pass it.
            raise ValueError("the storage has no keys")
        if draft.endpoint_url is None and draft.vendor is BucketVendor.S3_COMPATIBLE:
            raise ValueError("the storage has no endpoint")
        return cls(
            vendor=draft.vendor,
            endpoint_url=draft.endpoint_url,
            bucket=draft.bucket,
            region=draft.region,
            access_key_id=draft.access_key_id,
            secret_access_key=draft.secret_access_key,
            tags=draft.tags,
        )

    @property
    def endpoint(self) -> str:
        """The URL for requests; for AWS always the regional one."""
        if self.vendor is BucketVendor.S3_COMPATIBLE and self.endpoint_url is not None:
            return self.endpoint_url
        return regions.endpoint(self.region)


class ObjectStorage:
    """Access to all storages. Call `open` before use, and `close` at the end."""

    def __init__(self, gate: OutboundGate, *, connect_seconds: float = 2, read_seconds: float = 5) -> None:
        self._gate = gate
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._sdk: Any = None
        self._opening = asyncio.Lock()
        self._clients = ClientCache()

    async def open(self) -> None:
        """Loads the SDK in a thread, once."""
        if self._sdk is None:
            async with self._opening:
                self._sdk = self._sdk or await asyncio.to_thread(_load_sdk)

    async def close(self) -> None:
        """Closes the cached clients."""
        await self._clients.close()

    @contextlib.asynccontextmanager
    async def client(self, target: StorageTarget, read_seconds: float | None = None) -> AsyncIterator["Bucket"]:
        """A bucket with a client shared by all callers with the same endpoint and credentials.

        `read_seconds` is for calls that take longer. Raises StorageFailure (REFUSED_ADDRESS) when the gate refuses
        the endpoint's text; makes no connection yet.
        """
        options = self._client_options(target, read_seconds)
        async with self._clients.client(tuple(options.items()), lambda: self._new_client(options)) as client:
            yield Bucket(self._sdk, client, target)

    @contextlib.asynccontextmanager
    async def new_client(self, target: StorageTarget) -> AsyncIterator["Bucket"]:
        """Like `client`, with its own connections, closed at the end: for credentials that are not stored."""
        async with self._new_client(self._client_options(target, None)) as client:
            yield Bucket(self._sdk, client, target)

    def _client_options(self, target: StorageTarget, read_seconds: float | None) -> dict[str, Any]:
        """All parameters of a client. Raises StorageFailure."""
        if self._sdk is None:
            raise RuntimeError("the object storage is not open")
        refusal = self._gate.judge_text(target.endpoint)
        if refusal:
            raise StorageFailure(FailureKind.ADDRESS_NOT_PUBLIC, reason=refusal.reason)
        return {
            "addressing": "virtual" if target.vendor is BucketVendor.AWS_S3 else "path",
            "connect_seconds": self._connect_seconds,
            "read_seconds": self._read_seconds if read_seconds is None else read_seconds,
            "region_name": target.region,
            "endpoint_url": target.endpoint,
            "aws_access_key_id": target.access_key_id,
            "aws_secret_access_key": target.secret_access_key,
        }

    def _new_client(self, options: dict[str, Any]) -> contextlib.AbstractAsyncContextManager[Any]:
        made: contextlib.AbstractAsyncContextManager[Any] = self._sdk.client(resolver=self._gate.resolver(), **options)
        return made


def _load_sdk() -> Any:
    from app.storage import aws_sdk  # noqa: PLC0415  a fifth of a worker's memory, needed only once a storage is used

    sdk = aws_sdk.Sdk()
    asyncio.run(sdk.warm_up())
    return sdk


class Bucket:
    """Calls on one bucket. Every failure is a StorageFailure."""

    def __init__(self, sdk: Any, client: Any, target: StorageTarget) -> None:
        self._sdk = sdk
        self._secrets = (target.secret_access_key, target.access_key_id)
        self.client = client
        self.name = target.bucket

    async def call(self, operation: str, **parameters: object) -> S3Response:
        """Calls an S3 operation by its SDK name, such as `put_object`. Raises StorageFailure."""
        try:
            return dict(await getattr(self.client, operation)(Bucket=self.name, **parameters))
        except Exception as error:  # noqa: BLE001 - a hostile response makes the SDK raise anything, even RecursionError
            raise self._failure(operation, error) from None

    async def read(self, key: str, at_most: int) -> tuple[bytes, S3Response]:
        """The first `at_most` bytes of an object, and the response's metadata. Raises StorageFailure."""
        answer = await self.call("get_object", Key=key)
        body = answer["Body"]
        content = bytearray()
        try:
            while len(content) < at_most and (chunk := await body.read(at_most - len(content))):
                content += chunk
        except Exception as error:  # noqa: BLE001 - as in `call`
            raise self._failure("get_object", error) from None
        finally:
            body.close()
        return bytes(content), answer

    async def chunks(self, answer: S3Response) -> AsyncGenerator[bytes, None]:
        """The body of a `get_object` response in chunks, read as they are consumed. Close it when leaving early.

        Raises StorageFailure when the storage fails before the end.
        """
        body = answer["Body"]
        try:
            while chunk := await body.read(CHUNK_BYTES):
                yield chunk
        except Exception as error:  # noqa: BLE001 - as in `call`
            raise self._failure("get_object", error) from None
        finally:
            body.close()

    def _failure(self, operation: str, error: Exception) -> StorageFailure:
        failure: StorageFailure = self._sdk.explain(operation, error, self._secrets)
        return failure

    async def presigned_url(self, seconds: int, **parameters: object) -> str:
        """A URL with which any client may do this GetObject until it expires; makes no request."""
        given = {"Bucket": self.name, **parameters}
        return str(await self.client.generate_presigned_url("get_object", Params=given, ExpiresIn=seconds))


def tagging(tags: tuple[Tag, ...]) -> dict[str, str]:
    """The parameter of PutObject and CreateMultipartUpload for object tags."""
    if not tags:
        return {}
    return {"Tagging": urlencode([(tag.name, tag.value) for tag in tags], quote_via=quote, safe="")}
