"""The handler to be compared with: Starlette, asyncpg and orjson, written by hand for the two requests of `cases.py`.

What it does, as ours does: uvicorn with the same options, a pool of the same size and timeouts, one JSON request body
read and one JSON answer written; the API key hashed (HMAC-SHA256) and looked up in the database, the answer kept for four
seconds; the caller's reach in each statement; the sealed secret opened; the page's cursor and its one row more than shown.

What it does not: parse, validate or walk a query (it knows two by `operationName` and answers all of their fields),
check variables' types, limit anything, mark when a key was used last, refuse fields to narrower scopes (the benchmark
asks as an admin; for anybody else it answers 403), write a log line, or answer errors.
"""

import base64
import hmac
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import database
from app.api_keys import token
from app.encryption import Keyring
from app.settings import Settings, load

_KEY = """
SELECT k.scope, k.access_level, k.secret_hash, k.expires_at FROM api_keys k
LEFT JOIN service_providers s ON s.id = k.service_provider_id
LEFT JOIN accounts a ON a.id = k.account_id
LEFT JOIN service_providers sa ON sa.id = a.service_provider_id
WHERE k.public_id = $1 AND k.revoked_at IS NULL AND (s.id IS NULL OR s.active) AND (a.id IS NULL OR a.active AND sa.active)
"""
_ONE = """
SELECT a.id, a.name, a.active, a.sip_realm, a.licensed_sessions, a.webhook_secret, a.created_at, a.updated_at, a.version,
  a.usage_unit, a.usage_maximum, s.id AS provider_id, s.name AS provider_name, s.active AS provider_active,
  s.version AS provider_version, r.id AS config_id, r.enabled, r.audio_format, r.bucket_vendor, r.endpoint_url,
  r.bucket_name, r.region, r.access_key_id, r.secret_access_key_set_at, r.s3_tags, r.record_all_calls, r.storage_status,
  r.storage_status_since, r.fingerprint, r.version AS config_version
FROM accounts a JOIN service_providers s ON s.id = a.service_provider_id
LEFT JOIN recording_configs r ON r.account_id = a.id
WHERE a.id = $1
"""
_KEYS = """
SELECT id, name, public_id, scope, access_level, revoked_at, expires_at, last_used_at, created_at, version
FROM api_keys WHERE account_id = $1 ORDER BY id DESC LIMIT 21
"""
_PAGE = """
SELECT a.id, a.name, a.active, a.sip_realm, a.licensed_sessions, a.webhook_secret, a.created_at, a.updated_at, a.version,
  a.usage_unit, a.usage_maximum, s.name AS provider_name
FROM accounts a JOIN service_providers s ON s.id = a.service_provider_id
ORDER BY a.id DESC LIMIT $1
"""


class Server:
    """The two handlers, their pool and their cache of keys."""

    def __init__(self, settings: Settings) -> None:
        self._credentials = dict(database.configuration(settings)["connections"]["default"]["credentials"])
        self._keyring = settings.keyring()
        self._known: dict[bytes, tuple[float, bool]] = {}
        self._pool: Any = None

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        options = self._credentials
        sizes = {"min_size": options.pop("minsize"), "max_size": options.pop("maxsize")}
        async with asyncpg.create_pool(**options, **sizes) as self._pool:
            yield

    async def answer(self, request: Request) -> Response:
        if not await self._is_admin(request.headers["authorization"]):
            return Response(status_code=403)
        asked = orjson.loads(await request.body())
        data = await (self._one if asked["operationName"] == "One" else self._page)(asked["variables"])
        return Response(orjson.dumps({"data": data}), media_type="application/json; charset=utf-8")

    async def _is_admin(self, header: str) -> bool:
        shown = token.read(header.removeprefix("Bearer "))
        if shown is None:
            return False
        digest = token.secret_hash(self._keyring, shown)
        known = self._known.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        key = await self._pool.fetchrow(_KEY, shown.public_id)
        fits = key is not None and hmac.compare_digest(digest, key["secret_hash"])
        is_admin = (
            fits and key["scope"] == "ADMIN" and key["access_level"] == "FULL" and not _is_over(key["expires_at"])
        )
        self._known[digest] = (time.monotonic() + 4, is_admin)
        return bool(is_admin)

    async def _one(self, variables: dict[str, Any]) -> dict[str, Any]:
        row_id = UUID(hex=variables["id"][2:])
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(_ONE, row_id)
            keys = await connection.fetch(_KEYS, row_id)
        shown = keys[:20]
        return {
            "account": {
                "__typename": "Account",
                **_account(row, self._keyring),
                "usageLimit": {"unit": row["usage_unit"], "maximum": row["usage_maximum"]},
                "serviceProvider": {
                    "id": f"SP{row['provider_id'].hex}",
                    "name": row["provider_name"],
                    "active": row["provider_active"],
                    "version": row["provider_version"],
                },
                "viewerCanUpdate": True,
                "viewerCanUpdateLicense": True,
                "viewerCanSetActive": True,
                "viewerCanDelete": True,
                "apiKeys": {"nodes": [_key(key) for key in shown], "pageInfo": _page_info(shown, keys, "newest")},
                "recordingConfig": _config(row) if row["config_id"] else None,
            }
        }

    async def _page(self, variables: dict[str, Any]) -> dict[str, Any]:
        first = variables["first"]
        rows = await self._pool.fetch(_PAGE, first + 1)
        nodes = []
        for row in rows[:first]:
            sessions, maximum = row["licensed_sessions"], row["usage_maximum"]
            nodes.append(
                {
                    **_account(row, self._keyring),
                    "sessionsToo": sessions,
                    "sessionsAgain": sessions,
                    "sessionsOnceMore": sessions,
                    "usageLimit": {"unit": row["usage_unit"], "maximum": maximum},
                    "limitToo": {"maximum": maximum},
                    "serviceProvider": {"name": row["provider_name"]},
                }
            )
        return {"accounts": {"nodes": nodes, "pageInfo": _page_info(rows[:first], rows, "account CREATED_AT DESC")}}


def _account(row: Any, keyring: Keyring) -> dict[str, Any]:
    row_id = row["id"]
    return {
        "id": f"AC{row_id.hex}",
        "name": row["name"],
        "active": row["active"],
        "sipRealm": row["sip_realm"],
        "licensedSessions": row["licensed_sessions"],
        "webhookSecret": keyring.open(row["webhook_secret"], table="accounts", column="webhook_secret", row=row_id),
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "version": row["version"],
    }


def _key(row: Any) -> dict[str, Any]:
    status = "REVOKED" if row["revoked_at"] else "EXPIRED" if _is_over(row["expires_at"]) else "ACTIVE"
    return {
        "id": f"AK{row['id'].hex}",
        "name": row["name"],
        "publicId": row["public_id"],
        "scope": row["scope"],
        "accessLevel": row["access_level"],
        "status": status,
        "expiresAt": row["expires_at"],
        "lastUsedAt": row["last_used_at"],
        "createdAt": row["created_at"],
        "version": row["version"],
    }


def _config(row: Any) -> dict[str, Any]:
    return {
        "id": f"RC{row['config_id'].hex}",
        "enabled": row["enabled"],
        "audioFormat": row["audio_format"],
        "bucketVendor": row["bucket_vendor"],
        "endpointUrl": row["endpoint_url"],
        "bucketName": row["bucket_name"],
        "region": row["region"],
        "accessKeyIdEnding": row["access_key_id"][-4:] if row["access_key_id"] else None,
        "secretAccessKeySetAt": row["secret_access_key_set_at"],
        "s3Tags": [{"name": tag["name"], "value": tag["value"]} for tag in orjson.loads(row["s3_tags"])],
        "recordAllCalls": row["record_all_calls"],
        "storageStatus": row["storage_status"],
        "storageStatusSince": row["storage_status_since"],
        "fingerprint": row["fingerprint"],
        "version": row["config_version"],
    }


def _page_info(shown: list[Any], rows: list[Any], order: str) -> dict[str, Any]:
    cursor = orjson.dumps([order, None, shown[-1]["id"].hex]) if shown else None
    end = base64.urlsafe_b64encode(cursor).decode().rstrip("=") if cursor else None
    return {"hasNextPage": len(rows) > len(shown), "endCursor": end}


def _is_over(moment: datetime | None) -> bool:
    return moment is not None and moment <= datetime.now(UTC)


def main() -> None:
    server = Server(load())
    app = Starlette(routes=[Route("/graphql", server.answer, methods=["POST"])], lifespan=server.lifespan)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=1_000,
    )


if __name__ == "__main__":
    sys.exit(main())
