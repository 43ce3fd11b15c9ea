"""The responses of the handwritten server: SQL and JSON of the four requests of `workloads.py`."""

import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from app.foundation import names
from app.foundation.database.pool import Pool
from app.foundation.encryption import Keyring
from app.foundation.identifiers import new_id

Variables = dict[str, Any]
Data = dict[str, Any]

_ACCOUNT = """
SELECT a.id, a.name, a.active, a.sip_realm, a.licensed_sessions, a.webhook_secret, a.created_at, a.updated_at, a.version,
  a.usage_unit, a.usage_maximum, s.id AS provider_id, s.name AS provider_name, r.id AS config_id, r.enabled, r.audio_format,
  r.bucket_vendor, r.endpoint_url, r.bucket_name, r.region, r.access_key_id, r.secret_access_key_set_at, r.s3_tags,
  r.record_all_calls, r.storage_status, r.storage_status_since, r.fingerprint, r.created_at AS config_created_at,
  r.updated_at AS config_updated_at, r.version AS config_version
FROM accounts a JOIN service_providers s ON s.id = a.service_provider_id
LEFT JOIN recording_configs r ON r.account_id = a.id
WHERE a.id = $1
"""
_KEY_COLUMNS = "id, name, public_id, scope, access_level, revoked_at, expires_at, last_used_at, created_at, version"
_KEYS = f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE account_id = $1 ORDER BY id DESC LIMIT 21"
_KEYS_AFTER = f"SELECT {_KEY_COLUMNS} FROM api_keys WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
_ACCOUNTS = """
SELECT a.id, a.name, a.active, a.sip_realm, a.licensed_sessions, a.created_at, a.updated_at, a.version,
  a.usage_unit, a.usage_maximum, s.name AS provider_name,
  (SELECT count(*) FROM api_keys k WHERE k.account_id = a.id) AS key_count
FROM accounts a JOIN service_providers s ON s.id = a.service_provider_id
ORDER BY a.id DESC LIMIT $1
"""
_UPDATE = """
WITH old AS (
  SELECT id, name, sip_realm, licensed_sessions, usage_unit, usage_maximum FROM accounts WHERE id = $1 FOR UPDATE
), changed AS (
  UPDATE accounts SET name = $2, name_key = $3, sip_realm = $4, licensed_sessions = $5, usage_unit = $6, usage_maximum = $7,
    updated_at = now(), updated_by_scope = 'ADMIN', updated_by_key_id = $9, updated_by_user_id = NULL, updated_by_name = 'bench',
    version = accounts.version + 1
  FROM old WHERE accounts.id = old.id
  RETURNING accounts.id, accounts.service_provider_id, accounts.name, accounts.active, accounts.sip_realm,
    accounts.licensed_sessions, accounts.usage_unit, accounts.usage_maximum, accounts.updated_at, accounts.version,
    old.name AS old_name, old.sip_realm AS old_sip_realm, old.licensed_sessions AS old_licensed_sessions,
    old.usage_unit AS old_usage_unit, old.usage_maximum AS old_usage_maximum
), noted AS (
  INSERT INTO audit_events (id, at, scope, key_id, actor_name, operation, object_kind, object_id, object_name, object_version,
    account_id, service_provider_id, before, after, request_id)
  SELECT $8, now(), 'ADMIN', $9, 'bench', 'updateAccount', 'AC', id, name, version, id, service_provider_id,
    jsonb_build_object('name', old_name, 'sipRealm', old_sip_realm, 'licensedSessions', old_licensed_sessions,
      'usageUnit', old_usage_unit, 'usageMaximum', old_usage_maximum), $10::jsonb, $11
  FROM changed
)
SELECT id, name, active, sip_realm, licensed_sessions, usage_unit, usage_maximum, updated_at, version FROM changed
"""

# The benchmark has one key, whose id is in the audit trail.
_NOBODY = UUID(int=0)


class Acquired:
    """A connection of the pool during a block."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> asyncpg.Connection:
        self._connection = await self._pool.acquire()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.release(self._connection, is_settled=error is None)


class Answers:
    """A method for each operation, by its name."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring
        self.by_name: dict[str, Callable[[Variables], Awaitable[Data]]] = {
            "Account": self._account,
            "Accounts": self._accounts,
            "Keys": self._keys,
            "Update": self._update,
        }

    async def _account(self, variables: Variables) -> Data:
        row_id = UUID(hex=variables["id"][2:])
        async with Acquired(self._pool) as connection:
            row = await connection.fetchrow(_ACCOUNT, row_id)
            if row is None:
                return {"account": None}
            keys = await connection.fetch(_KEYS, row_id)
        return {"account": _account(row, keys, self._keyring)}

    async def _accounts(self, variables: Variables) -> Data:
        first = variables["first"]
        async with Acquired(self._pool) as connection:
            rows = await connection.fetch(_ACCOUNTS, first + 1)
        shown = rows[:first]
        nodes = [
            {
                "id": f"AC{row['id'].hex}",
                "name": row["name"],
                "active": row["active"],
                "sipRealm": row["sip_realm"],
                "licensedSessions": row["licensed_sessions"],
                "createdAt": row["created_at"],
                "updatedAt": row["updated_at"],
                "version": row["version"],
                "usageLimit": {"unit": row["usage_unit"], "maximum": row["usage_maximum"]},
                "viewerCanUpdate": True,
                "viewerCanUpdateLicense": True,
                "viewerCanSetActive": True,
                "viewerCanDelete": True,
                "serviceProvider": {"name": row["provider_name"]},
                "apiKeyCount": row["key_count"],
            }
            for row in shown
        ]
        return {"accounts": {"nodes": nodes, "pageInfo": _page_info(shown, rows, "account CREATED_AT DESC")}}

    async def _keys(self, variables: Variables) -> Data:
        row_id, first, after = UUID(hex=variables["id"][2:]), variables["first"], _after(variables["after"])
        async with Acquired(self._pool) as connection:
            rows = await connection.fetch(_KEYS_AFTER, row_id, after, first + 1)
            if not rows and not await connection.fetchval("SELECT true FROM accounts WHERE id = $1", row_id):
                return {"account": None}
        shown, now = rows[:first], datetime.now(UTC)
        nodes = [
            {
                "id": f"AK{row['id'].hex}",
                "name": row["name"],
                "publicId": row["public_id"],
                "scope": row["scope"],
                "accessLevel": row["access_level"],
                "status": _status(row, now),
                "expiresAt": row["expires_at"],
                "revokedAt": row["revoked_at"],
                "lastUsedAt": row["last_used_at"],
                "createdAt": row["created_at"],
                "version": row["version"],
            }
            for row in shown
        ]
        return {"account": {"apiKeys": {"nodes": nodes, "pageInfo": _page_info(shown, rows, "newest")}}}

    async def _update(self, variables: Variables) -> Data:
        given = variables["input"]
        async with Acquired(self._pool) as connection:
            row = await connection.fetchrow(
                _UPDATE,
                UUID(hex=given["id"][2:]),
                given["name"],
                names.key(given["name"]),
                given["sipRealm"],
                given["licensedSessions"],
                given["usageLimit"]["unit"],
                given["usageLimit"]["maximum"],
                (event_id := new_id()),
                _NOBODY,
                orjson.dumps(_told(given)).decode(),
                event_id.hex,
            )
        if row is None:
            return {"updateAccount": {"account": None, "userErrors": [{"code": "NOT_FOUND"}]}}
        account = {
            "id": f"AC{row['id'].hex}",
            "name": row["name"],
            "active": row["active"],
            "sipRealm": row["sip_realm"],
            "licensedSessions": row["licensed_sessions"],
            "usageLimit": {"unit": row["usage_unit"], "maximum": row["usage_maximum"]},
            "updatedAt": row["updated_at"],
            "version": row["version"],
        }
        return {"updateAccount": {"account": account, "userErrors": []}}


def _told(given: Variables) -> Data:
    """The audit event of an update."""
    limit = given["usageLimit"]
    told = {name: given[name] for name in ("name", "sipRealm", "licensedSessions")}
    return {**told, "usageUnit": limit["unit"], "usageMaximum": limit["maximum"]}


def _account(row: Any, keys: list[Any], keyring: Keyring) -> Data:
    row_id, shown, now = row["id"], keys[:20], datetime.now(UTC)
    return {
        "__typename": "Account",
        "id": f"AC{row_id.hex}",
        "name": row["name"],
        "active": row["active"],
        "sipRealm": row["sip_realm"],
        "licensedSessions": row["licensed_sessions"],
        "webhookSecret": keyring.open(row["webhook_secret"], table="accounts", column="webhook_secret", row=row_id),
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "version": row["version"],
        "usageLimit": {"unit": row["usage_unit"], "maximum": row["usage_maximum"]},
        "serviceProvider": {"id": f"SP{row['provider_id'].hex}", "name": row["provider_name"]},
        "viewerCanUpdate": True,
        "viewerCanUpdateLicense": True,
        "viewerCanSetActive": True,
        "viewerCanDelete": True,
        "apiKeys": {"nodes": [_key(key, now) for key in shown], "pageInfo": _page_info(shown, keys, "newest")},
        "recordingConfig": _config(row) if row["config_id"] else None,
    }


def _key(row: Any, now: datetime) -> Data:
    return {
        "id": f"AK{row['id'].hex}",
        "name": row["name"],
        "publicId": row["public_id"],
        "scope": row["scope"],
        "accessLevel": row["access_level"],
        "status": _status(row, now),
        "expiresAt": row["expires_at"],
        "lastUsedAt": row["last_used_at"],
        "createdAt": row["created_at"],
        "version": row["version"],
    }


def _status(row: Any, now: datetime) -> str:
    if row["revoked_at"] is not None:
        return "REVOKED"
    ends = row["expires_at"]
    return "EXPIRED" if ends is not None and ends <= now else "ACTIVE"


def _config(row: Any) -> Data:
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
        "createdAt": row["config_created_at"],
        "updatedAt": row["config_updated_at"],
        "version": row["config_version"],
    }


def _page_info(shown: list[Any], rows: list[Any], order: str) -> Data:
    cursor = orjson.dumps([order, None, shown[-1]["id"].hex]) if shown else None
    end = base64.urlsafe_b64encode(cursor).decode().rstrip("=") if cursor else None
    return {"hasNextPage": len(rows) > len(shown), "endCursor": end}


def _after(cursor: str) -> UUID:
    _, _, row_id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return UUID(hex=row_id)
