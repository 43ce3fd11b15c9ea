"""The AWS SDK, isolated and restricted. The only module that imports it.

It reads no environment variables or files of this server, so that the server's own credentials, proxies and endpoints are never
used. It follows no redirects (neither HTTP's nor its own to another region), connects only where the gate allows, makes no
retries, and bounds the size of responses.

Loading it takes a third of a second and 23 MB: `s3.py` loads it when a process first uses a storage, and no other module
imports this one.
"""

import contextlib
import gzip
import json
import logging
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, Literal

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConfigValueStore, ConstantProvider
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.handlers import add_expect_header
from botocore.loaders import JSONFileLoader, Loader
from botocore.session import ComponentLocator

from app.foundation.outbound.connector import BoundedConnector
from app.foundation.outbound.errors import kind_of_connection_error
from app.foundation.outbound.failure_kind import FailureKind
from app.foundation.outbound.guard import JudgingResolver
from app.storage import responses
from app.storage.failures import StorageFailure

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

logger = logging.getLogger(__name__)

# At DEBUG the SDK logs whole requests with their Authorization header. Prevent this at any configured level.
for _noisy in ("boto3", "botocore", "aioboto3", "aiobotocore"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)

MAX_ANSWER_BYTES = 256 * 1024
"""Longest XML response that is read; responses to our calls have a few kilobytes."""
# Shorter than servers keep idle connections: a request on a connection that the server is closing would fail.
_KEEPALIVE_SECONDS = 3.0
# The operations that `Bucket` calls; add a new one here first. The SDK makes a method for each, in every client.
_OPERATIONS = (
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CreateMultipartUpload",
    "DeleteObject",
    "GetObject",
    "GetObjectTagging",
    "HeadBucket",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjectVersions",
    "PutObject",
    "UploadPart",
)
_USER_AGENT = "aiobotocore"


class Sdk:
    """The one session of this process."""

    def __init__(self) -> None:
        session = _IsolatedSession()
        # aiohttp waits forever for the response to `Expect: 100-continue`; some servers never send it, others answer
        # 417.
        session.unregister("before-call.s3", add_expect_header)  # type: ignore[arg-type]  # the stubs know other events only
        self._session = _ClientSession(botocore_session=session)

    async def warm_up(self) -> None:
        """Loads from disk what the session's first client needs: the description of S3."""
        async with self._session.client(
            "s3",
            region_name="us-east-1",
            endpoint_url="https://s3.us-east-1.amazonaws.com",
            aws_access_key_id="unused",
            aws_secret_access_key="unused",  # noqa: S106  signs nothing
            verify=True,
        ):
            pass

    @contextlib.asynccontextmanager
    async def client(
        self,
        *,
        resolver: JudgingResolver,
        addressing: Literal["virtual", "path"],
        connect_seconds: float,
        read_seconds: float,
        region_name: str,
        endpoint_url: str,
        aws_access_key_id: str,
        aws_secret_access_key: str,
    ) -> "AsyncIterator[S3Client]":
        """An S3 client with its own connections, closed at the end."""
        config = AioConfig(
            connector_args={"resolver": resolver, "keepalive_timeout": _KEEPALIVE_SECONDS},
            http_session_cls=_CautiousHttp,
            proxies={},  # None would mean "those of the environment"
            ignore_configured_endpoint_urls=True,
            user_agent=_USER_AGENT,  # the SDK would rebuild its own for each request, a tenth of the request's cost
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
            retries={"mode": "standard", "total_max_attempts": 1},
            signature_version="s3v4",
            s3={"addressing_style": addressing},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        async with self._session.client(
            "s3",
            region_name=region_name,
            endpoint_url=endpoint_url,
            aws_access_key_id=aws_access_key_id,
            aws_secret_access_key=aws_secret_access_key,
            verify=True,
            config=config,
        ) as client:
            client.meta.events.register_last("before-parameter-build.s3", _forbid_region_redirect)
            yield client

    def explain(self, operation: str, error: Exception, secrets: Iterable[str]) -> StorageFailure:
        """Converts any exception of the SDK to a StorageFailure; masks `secrets` in the server's message."""
        if isinstance(error, ClientError):
            return responses.failure(error.response, secrets)
        if isinstance(error, ConnectTimeoutError):
            return StorageFailure(FailureKind.CONNECT_TIMEOUT)
        if isinstance(error, ReadTimeoutError | TimeoutError):
            return StorageFailure(FailureKind.NO_RESPONSE)
        kind, reason = kind_of_connection_error(error)
        if kind is FailureKind.INVALID_RESPONSE:
            logger.info("The answer to %s is not S3's: %s", operation, type(error).__name__)
        return StorageFailure(kind, reason=reason)


class _ClientSession(aioboto3.Session):
    """A session whose clients have S3's operations only."""

    def _register_default_handlers(self) -> None:
        """aioboto3 would add transfers of files, which load 2 MB of modules."""


class _IsolatedSession(AioSession):
    """A session with the SDK's defaults that ignores this server's environment, files and plugins."""

    _components: ComponentLocator

    def _register_config_store(self) -> None:
        defaults = {name: ConstantProvider(row[2]) for name, row in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
        self._components.register_component("config_store", ConfigValueStore(mapping=defaults))

    def _register_data_loader(self) -> None:
        self._components.register_component("data_loader", _S3Loader())

    @property
    def full_config(self) -> dict[str, Any]:
        """The content of ~/.aws: nothing."""
        return {"profiles": {}}

    def _register_client_plugins(self, client: Any) -> None:
        """The SDK would load modules named by an environment variable."""


class _S3Loader(Loader):
    """Loads the description of S3, without what no call of ours reads: 6 MB that the session would keep."""

    def __init__(self) -> None:
        super().__init__(
            extra_search_paths=[Loader.BUILTIN_DATA_PATH],
            file_loader=_Files(),
            include_default_search_paths=False,
        )


class _Files(JSONFileLoader):
    """Reads the SDK's files as plain dicts, without documentation, other services, and the operations that we do not call."""

    def load_file(self, file_path: str) -> Any:
        for ending, open_file in ((".json", open), (".json.gz", gzip.open)):
            with contextlib.suppress(FileNotFoundError), open_file(f"{file_path}{ending}", "rb") as file:
                return json.loads(file.read(), object_pairs_hook=_needed)
        return None


def _needed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {name: "" if name == "documentation" else value for name, value in pairs}
    if "operations" in found:
        found["operations"] = {name: found["operations"][name] for name in _OPERATIONS}
    if "services" in found:  # a partition's endpoints
        found["services"] = {name: value for name, value in found["services"].items() if name == "s3"}
    return found


class _CautiousHttp(AIOHTTPSession):
    """The SDK's HTTP session without redirects and environment, with checked host names and bounded responses.

    The original follows redirects, and an IP address in one bypasses the resolver. Its TLS context does not check
    host names: urllib3 does that itself, but aiohttp leaves it to the context.
    """

    _connector_args: dict[str, Any]
    _exit_stack: contextlib.AsyncExitStack
    _sessions: dict[str | None, "_WithoutRedirects"]
    _timeout: aiohttp.ClientTimeout

    async def _get_session(self, proxy_url: str | None) -> "_WithoutRedirects":
        if None not in self._sessions:
            # Unlimited: callers have their own limits, and waiting here for a connection would time out.
            connector = BoundedConnector(limit=0, **self._connector_args)
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
    """The part of aiohttp's session that the SDK calls."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, method: str, **options: Any) -> aiohttp.ClientResponse:
        return await self._session.request(method, **options, allow_redirects=False)


class _BoundedResponse(aiohttp.ClientResponse):
    """A response that fails beyond MAX_ANSWER_BYTES when read whole; objects are read in chunks."""

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


def _forbid_region_redirect(context: dict[str, Any], **_: Any) -> None:
    # The SDK's redirector skips requests that it has already redirected. Without this line, a bucket in another
    # region would look right, at two more requests per call.
    context["s3_redirect"]["redirected"] = True
