"""Object storage of a tenant, spoken to over S3. The only module that imports the AWS SDK.

The SDK is made to do what it is told and nothing else: it reads no environment variable and no file of this server
(so the server's own credentials, proxies and endpoints never take part), follows no redirect (neither HTTP's nor its
own to another region), connects to nothing that the gate refuses, retries nothing, and keeps no endless answer in
memory. Whatever goes wrong leaves this module as StorageFailure.
"""

import contextlib
import functools
import logging
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConfigValueStore, ConstantProvider
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import get_cert_path
from botocore.loaders import Loader

from app.outbound import OutboundGate
from app.recording import regions
from app.recording.failures import FailureKind, StorageFailure, kind_of_connection_error
from app.recording.model import BucketVendor
from app.recording.rules import StorageDraft, Tag

__all__ = ["Bucket", "FailureKind", "ObjectStorage", "StorageFailure", "StorageTarget", "Tag"]

logger = logging.getLogger(__name__)

# At DEBUG the SDK writes whole requests with their Authorization header: never, whatever level is configured.
for _noisy in ("boto3", "botocore", "aioboto3", "aiobotocore"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)

MAX_ANSWER_BYTES = 256 * 1024
"""The longest XML answer that is read; the answers to the calls that are made here have a few kilobytes."""


@dataclass(frozen=True)
class StorageTarget:
    """A bucket, how to reach it and how to sign for it: everything is there, and the rules have nothing against it."""

    vendor: BucketVendor
    endpoint_url: str | None
    bucket: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    tags: tuple[Tag, ...] = ()

    @classmethod
    def of(cls, draft: StorageDraft) -> "StorageTarget":
        """Raises ValueError when something is missing; ask `rules.missing` first."""
        if draft.vendor is None or draft.bucket is None or draft.region is None:
            raise ValueError("the storage is incomplete")
        if draft.access_key_id is None or draft.secret_access_key is None:
            # The SDK takes None as "use the credentials of this server": it must never see one.
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
        """The URL that requests go to; on AWS always the regional one."""
        if self.vendor is BucketVendor.S3_COMPATIBLE and self.endpoint_url is not None:
            return self.endpoint_url
        return regions.endpoint(self.region)


class ObjectStorage:
    """The one SDK session of this process. `open` it at start-up, `close` it at the end."""

    def __init__(self, gate: OutboundGate, *, connect_seconds: float = 2, read_seconds: float = 5) -> None:
        self._gate = gate
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._session: Any = None

    async def open(self) -> None:
        self._session = aioboto3.Session(botocore_session=_IsolatedSession())
        # The first client of a session reads the description of S3 from disk: now, and not in somebody's request.
        async with self._session.client("s3", **_FIRST_CLIENT):
            _tls_context()

    async def close(self) -> None:
        self._session = None

    @contextlib.asynccontextmanager
    async def client(self, target: StorageTarget) -> AsyncIterator["Bucket"]:
        """A client for one bucket, with its own connections, closed at the end.

        Raises StorageFailure (REFUSED_ADDRESS) when the gate refuses the endpoint's text; nothing is dialled yet.
        """
        if self._session is None:
            raise RuntimeError("the object storage is not open")
        reason = self._gate.judge_text(target.endpoint)
        if reason:
            raise StorageFailure(FailureKind.REFUSED_ADDRESS, reason=reason)
        async with self._session.client(
            "s3",
            region_name=target.region,
            endpoint_url=target.endpoint,
            aws_access_key_id=target.access_key_id,
            aws_secret_access_key=target.secret_access_key,
            verify=True,
            config=self._config(target.vendor),
        ) as sdk:
            sdk.meta.events.register_last("before-parameter-build.s3", _forbid_region_redirect)
            yield Bucket(sdk, target.bucket)

    def _config(self, vendor: BucketVendor) -> AioConfig:
        return AioConfig(
            connector_args={"resolver": self._gate.resolver()},
            http_session_cls=_CautiousHttp,
            proxies={},  # None would mean "those of the environment"
            ignore_configured_endpoint_urls=True,
            connect_timeout=self._connect_seconds,
            read_timeout=self._read_seconds,
            retries={"mode": "standard", "total_max_attempts": 1},
            signature_version="s3v4",
            s3={"addressing_style": "virtual" if vendor is BucketVendor.AWS_S3 else "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )


class Bucket:
    """Calls on one bucket. Every failure is a StorageFailure."""

    def __init__(self, sdk: Any, name: str) -> None:
        self.sdk = sdk
        self.name = name

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Calls an operation of S3 by the SDK's name for it, such as `put_object`. Raises StorageFailure."""
        try:
            return dict(await getattr(self.sdk, operation)(Bucket=self.name, **parameters))
        except Exception as error:  # noqa: BLE001 - a hostile answer makes the SDK raise anything, RecursionError too
            raise _explain(operation, error) from None

    async def read(self, key: str, at_most: int) -> tuple[bytes, dict[str, Any]]:
        """The first `at_most` bytes of an object, and the answer's metadata. Raises StorageFailure."""
        answer = await self.call("get_object", Key=key)
        body = answer["Body"]
        content = bytearray()
        try:
            while len(content) < at_most and (chunk := await body.read(at_most - len(content))):
                content += chunk
        except Exception as error:  # noqa: BLE001 - as in `call`
            raise _explain("get_object", error) from None
        finally:
            body.close()
        return bytes(content), answer


def tagging(tags: tuple[Tag, ...]) -> dict[str, str]:
    """The parameter with which PutObject and CreateMultipartUpload set real object tags."""
    if not tags:
        return {}
    return {"Tagging": urlencode([(tag.name, tag.value) for tag in tags], quote_via=quote, safe="")}


class _IsolatedSession(AioSession):  # type: ignore[misc]
    """A session that knows the SDK's defaults and nothing of this server's environment, files or plugins."""

    def _register_config_store(self) -> None:
        defaults = {name: ConstantProvider(row[2]) for name, row in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
        self._components.register_component("config_store", ConfigValueStore(mapping=defaults))

    def _register_data_loader(self) -> None:
        loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
        self._components.register_component("data_loader", loader)

    @property
    def full_config(self) -> dict[str, Any]:
        """What would be read from ~/.aws: nothing."""
        return {"profiles": {}}

    def _register_client_plugins(self, client: Any) -> None:
        """The SDK would load modules that an environment variable names."""


class _CautiousHttp(AIOHTTPSession):  # type: ignore[misc]
    """The SDK's HTTP session without redirects, environment and cookies, with checked host names and bounded answers.

    The original follows redirects (an IP literal in one would pass by the resolver), and its TLS context does not
    compare host names, which urllib3 does for itself but aiohttp leaves to the context.
    """

    async def _get_session(self, proxy_url: str | None) -> Any:
        if None not in self._sessions:
            connector = aiohttp.TCPConnector(
                limit=self._max_pool_connections, ssl=_tls_context(), **self._connector_args
            )
            session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                skip_auto_headers={"CONTENT-TYPE"},
                auto_decompress=False,
                response_class=_BoundedResponse,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
            self._sessions[None] = _WithoutRedirects(session)
            await self._exit_stack.enter_async_context(session)
        return self._sessions[None]


class _WithoutRedirects:
    """What the SDK calls of aiohttp's session."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, method: str, **options: Any) -> aiohttp.ClientResponse:
        return await self._session.request(method, **options, allow_redirects=False)


class _BoundedResponse(aiohttp.ClientResponse):
    """An answer that is not read beyond MAX_ANSWER_BYTES when it is read whole; objects are read in chunks."""

    async def read(self) -> bytes:
        if self._body is None:
            body = bytearray()
            try:
                async for chunk in self.content.iter_any():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise aiohttp.ClientPayloadError("the answer does not end")
            except BaseException:
                self.close()
                raise
            self._body = bytes(body)
        return await super().read()


@functools.cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=get_cert_path(True))


def _forbid_region_redirect(context: dict[str, Any], **_: Any) -> None:
    # The SDK's redirector leaves a request alone that it believes to have redirected already. Without this line a
    # bucket in another region would look right, at the price of two more requests for each call.
    context["s3_redirect"]["redirected"] = True


def _explain(operation: str, error: Exception) -> StorageFailure:
    if isinstance(error, ClientError):
        return _explain_answer(error.response)
    if isinstance(error, ConnectTimeoutError):
        return StorageFailure(FailureKind.CONNECT_TIMEOUT)
    if isinstance(error, ReadTimeoutError | TimeoutError):
        return StorageFailure(FailureKind.NO_ANSWER)
    kind, reason = kind_of_connection_error(error)
    if kind is FailureKind.NOT_S3:
        logger.info("The answer to %s is not S3's: %s", operation, type(error).__name__)
    return StorageFailure(kind, reason=reason)


def _explain_answer(answer: dict[str, Any]) -> StorageFailure:
    error, metadata = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    message = str(error.get("Message") or "")
    expected = _EXPECTED_REGION.search(message[:500])
    hint = headers.get("x-amz-bucket-region") or error.get("Region") or (expected and (expected[1] or expected[2]))
    return StorageFailure(
        FailureKind.ANSWERED,
        code=_short(_CODE, error.get("Code")),
        http_status=metadata.get("HTTPStatusCode"),
        request_id=_short(_REQUEST_ID, metadata.get("RequestId") or headers.get("x-amz-request-id")),
        region=_short(_REGION, hint),
    )


def request_id(answer: dict[str, Any]) -> str | None:
    """The request id of an answer, for whoever asks the operator of the storage; None when there is none."""
    return _short(_REQUEST_ID, answer.get("ResponseMetadata", {}).get("RequestId"))


def bucket_region(answer: dict[str, Any]) -> str | None:
    """The region that the server names for the bucket, or None."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return _short(_REGION, headers.get("x-amz-bucket-region"))


def _short(pattern: re.Pattern[str], text: object) -> str | None:
    """What a server says is shown only in the form that it must have: it could say anything."""
    return text if isinstance(text, str) and pattern.fullmatch(text) else None


# HEAD answers have no code; the SDK puts the HTTP status in its place, which is no code of S3.
_CODE = re.compile(r"(?![0-9]+$)[A-Za-z0-9._-]{1,64}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9+/=_.:-]{1,128}", re.ASCII)
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}", re.ASCII)
_EXPECTED_REGION = re.compile(r"expecting '([A-Za-z0-9-]+)'|The ([a-z0-9-]+) location constraint is incompatible")
_FIRST_CLIENT = {
    "region_name": "us-east-1",
    "endpoint_url": "https://s3.us-east-1.amazonaws.com",
    "aws_access_key_id": "unused",
    "aws_secret_access_key": "unused",
    "verify": True,
}
