"""Startup and shutdown: opens and closes the database, clients of other servers, and periodic tasks."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from tortoise import BaseDBAsyncClient
from tortoise.context import TortoiseContext

from app.api_keys.allowed_networks import RefusedUses
from app.api_keys.last_use import LastUse
from app.audit.secret_reads import SecretReads
from app.calls.signed_urls import PlaybackEvents
from app.execution.limits.deadline import AUTHENTICATION_SECONDS
from app.execution.operations import Operations
from app.foundation import logging, metrics
from app.foundation.context import Resources
from app.foundation.database import orm as database
from app.foundation.database import schema_version
from app.foundation.errors import ErrorCode
from app.foundation.events import LiveEvents
from app.foundation.outbound.guard import OutboundGate
from app.foundation.periodic import repeated
from app.foundation.revocations import Revocations
from app.foundation.settings import Settings
from app.recording.ingest import RecordingIngest
from app.recording.spool import Spool
from app.recording.upload_worker import UploadWorker
from app.server import worker_process
from app.server.authentication import Authentication
from app.server.graphiql.page import Explorer
from app.server.graphql_http import GraphQLEndpoint
from app.server.schema import schema
from app.server.websocket_admission import WebSocketEndpoint
from app.storage.faults import CODES_FOR_METRICS
from app.storage.s3 import ObjectStorage
from app.storage.verification import StorageVerifier
from app.tts_cache.cache import PromptCache
from app.tts_cache.counts import PromptCounts
from app.webhooks.delivery import WebhookSender
from app.webhooks.retention import pruning

_MEASURE_POOL_SECONDS = 1.0

_log = structlog.get_logger("main")


@dataclass
class AppState:
    """Exists from the start of the server to its end."""

    resources: Resources
    authentication: Authentication
    database: TortoiseContext
    graphql: GraphQLEndpoint
    websockets: WebSocketEndpoint


class Server:
    def __init__(self, chosen: Settings, explorer: Explorer | None) -> None:
        self.settings = chosen
        self._explorer = explorer
        self._operations = Operations(
            schema,
            anonymous_introspection=chosen.anonymous_introspection,
            operations_per_caller=chosen.operations_per_caller,
            compiles=chosen.compiled_operations,
        )
        self.state: AppState | None = None
        self.is_worker = False

    def started(self) -> AppState:
        """Raises RuntimeError before the start and after the end."""
        if self.state is None:
            raise RuntimeError("the application has not been started (ASGI lifespan)")
        return self.state

    async def graphql(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`/graphql`, over HTTP and as a WebSocket."""
        state = self.started()
        await (state.graphql if scope["type"] == "http" else state.websockets)(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        try:
            async with self._open():
                yield
        except Exception as error:
            reason = error.strerror if isinstance(error, OSError) else None
            name, frames = type(error).__qualname__, logging.frames_of(error)
            _log.error("startup or shutdown failed", error=name, reason=reason, frames=frames)
            raise

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        chosen = self.settings
        metrics.start(map(str, ErrorCode), CODES_FOR_METRICS)
        keyring = chosen.keyring()
        if chosen.uses_key_file:
            _log.warning("the encryption keys come from a file next to the database: not suitable for production")
        gate = OutboundGate(chosen.outbound_allowed_hosts)
        storage, last_use, secret_reads = ObjectStorage(gate), LastUse(), SecretReads()
        verifier = StorageVerifier(storage, gate, keyring, chosen.verifications_at_once)
        webhooks = WebhookSender(gate)
        prompts = PromptCache(chosen.cache_url)
        counts = PromptCounts(prompts)
        live, revocations = LiveEvents(chosen.cache_url), Revocations(chosen.cache_url)
        spool = Spool(chosen.spool, chosen.spool_megabytes * 1_000_000)
        upload_worker = UploadWorker(keyring, storage, spool, live, chosen.call_days)
        ingest = RecordingIngest(chosen, keyring, spool, live, upload_worker)
        async with TortoiseContext() as context:
            # `Tortoise.init` would take over, and close, a context that is already open in this task.
            await context.init(config=database.configuration(chosen))
            try:
                await self._check(context.db())
                async with (
                    last_use.flush_regularly(),
                    secret_reads.flush_regularly(),
                    pruning(),
                    repeated(partial(_measure_pool, context.db()), _MEASURE_POOL_SECONDS, "pool not measured"),
                    live.running(),
                    revocations.running(),
                    upload_worker.running(),
                    ingest.running(),
                ):
                    clients: dict[type, Any] = {
                        OutboundGate: gate,
                        ObjectStorage: storage,
                        StorageVerifier: verifier,
                        SecretReads: secret_reads,
                        LiveEvents: live,
                        Revocations: revocations,
                        PlaybackEvents: PlaybackEvents(),
                        Spool: spool,
                        RecordingIngest: ingest,
                        UploadWorker: upload_worker,
                        PromptCache: prompts,
                        PromptCounts: counts,
                        WebhookSender: webhooks,
                    }
                    resources = Resources(chosen, keyring, clients)
                    idle = timedelta(minutes=chosen.session_idle_minutes)
                    timeout = min(chosen.database_timeout_seconds, AUTHENTICATION_SECONDS)
                    refused_uses = RefusedUses(secret_reads)
                    authentication = Authentication(keyring, last_use, revocations, refused_uses, timeout, idle)
                    graphql = GraphQLEndpoint(self._operations, authentication, resources, self._explorer)
                    websockets = WebSocketEndpoint(self._operations, authentication, resources)
                    self.state = AppState(resources, authentication, context, graphql, websockets)
                    if self.is_worker:
                        _tune_garbage_collector()
                    yield
            finally:
                self.state = None
                await counts.close()
                await verifier.close()
                await storage.close()
                await webhooks.close()

    async def _check(self, db: BaseDBAsyncClient) -> None:
        """Raises what `schema_version.check` raises, except in a worker, which waits until the database is usable."""
        await (worker_process.wait_for_database(db) if self.is_worker else schema_version.check(db))


async def _measure_pool(db: BaseDBAsyncClient) -> None:
    metrics.database_pool(*database.pool_usage(db))


def _tune_garbage_collector() -> None:
    # Modules loaded by now are never freed. Each full collection would walk them again, and block the event loop for a
    # tenth of a second.
    gc.collect()
    gc.freeze()
    # Collect rarely: operations leave almost no reference cycles, and each collection walks all cached documents and plans.
    gc.set_threshold(5_000, 20, 1_000)
