"""Counts what an account contains, all of which is deleted with it."""

import enum
from collections.abc import Awaitable
from dataclasses import dataclass
from uuid import UUID

import strawberry

from app.api_keys.model import ApiKey
from app.applications.model import Application
from app.calls.model import Call
from app.storage.model import RecordingConfig, StoredCredential
from app.users.model import Session, User
from app.webhooks.model import WebhookDelivery

# Counting stops here: an account can have millions of calls.
MAXIMUM_CALLS_COUNTED = 10_000


@strawberry.enum(description="What an account contains.")
class AccountContentKind(enum.Enum):
    API_KEYS = strawberry.enum_value(
        "API_KEYS", description="API keys of the account, including revoked and expired ones."
    )
    APPLICATIONS = strawberry.enum_value("APPLICATIONS", description="Applications of the account.")
    USERS = strawberry.enum_value("USERS", description="Users of the account, including deactivated ones.")
    SESSIONS = strawberry.enum_value("SESSIONS", description="Sessions of its users, including expired ones.")
    RECORDING_CONFIG = strawberry.enum_value(
        "RECORDING_CONFIG", description="The recording configuration, including its storage keys."
    )
    WEBHOOK_DELIVERIES = strawberry.enum_value("WEBHOOK_DELIVERIES", description="The log of webhook tests.")
    CALLS = strawberry.enum_value(
        "CALLS", description=f"Calls of the account. The count stops at {MAXIMUM_CALLS_COUNTED:,}."
    )
    STORED_CREDENTIALS = strawberry.enum_value(
        "STORED_CREDENTIALS", description="Earlier storage keys, kept for the recordings stored with them."
    )


@dataclass(frozen=True)
class Contents:
    counts: dict[AccountContentKind, int]
    """Without zeros."""
    bucket: str | None
    """Where the recordings stay when the account is deleted."""


async def count_contents(account_id: UUID) -> Contents:
    """Counts without locks: lock the account first where the counts must stay true."""
    of_account = {"account_id": account_id}
    queries: dict[AccountContentKind, Awaitable[int]] = {
        AccountContentKind.API_KEYS: ApiKey.filter(**of_account).count(),
        AccountContentKind.APPLICATIONS: Application.filter(**of_account).count(),
        AccountContentKind.USERS: User.filter(**of_account).count(),
        AccountContentKind.SESSIONS: Session.filter(user__account_id=account_id).count(),
        AccountContentKind.STORED_CREDENTIALS: StoredCredential.filter(**of_account).count(),
        AccountContentKind.WEBHOOK_DELIVERIES: WebhookDelivery.filter(**of_account).count(),
    }
    counts = {kind: await query for kind, query in queries.items()}
    calls = await Call.filter(account_id=account_id).limit(MAXIMUM_CALLS_COUNTED).values_list("id", flat=True)
    counts[AccountContentKind.CALLS] = len(calls)
    config = await RecordingConfig.get_or_none(account_id=account_id)
    counts[AccountContentKind.RECORDING_CONFIG] = 1 if config else 0
    return Contents({kind: count for kind, count in counts.items() if count}, config.bucket_name if config else None)
