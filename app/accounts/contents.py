"""What an account holds, and goes with it when it is deleted."""

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

# Beyond this the calls of an account are not counted.
MAXIMUM_CALLS_COUNTED = 10_000


@strawberry.enum(description="What an account holds.")
class AccountContentKind(enum.Enum):
    API_KEYS = strawberry.enum_value("API_KEYS", description="API keys of the account, closed ones too.")
    APPLICATIONS = strawberry.enum_value("APPLICATIONS", description="Applications of the account.")
    USERS = strawberry.enum_value("USERS", description="Users of the account, deactivated ones too.")
    SESSIONS = strawberry.enum_value("SESSIONS", description="Sessions of its users, ended ones too.")
    RECORDING_CONFIG = strawberry.enum_value(
        "RECORDING_CONFIG", description="The recording configuration, with its keys."
    )
    WEBHOOK_DELIVERIES = strawberry.enum_value(
        "WEBHOOK_DELIVERIES", description="What is remembered of calls to webhooks."
    )
    CALLS = strawberry.enum_value(
        "CALLS", description=f"Calls of the account; counted to {MAXIMUM_CALLS_COUNTED:,} and no further."
    )
    STORED_CREDENTIALS = strawberry.enum_value(
        "STORED_CREDENTIALS", description="Keys that recordings were stored with, before the account had others."
    )


@dataclass(frozen=True)
class Contents:
    """How many things of each kind there are, and the bucket in which recordings stay when the account goes."""

    counts: dict[AccountContentKind, int]
    bucket: str | None


async def count_contents(account_id: UUID) -> Contents:
    """What the account holds at this moment; nothing is locked."""
    mine = {"account_id": account_id}
    counting: dict[AccountContentKind, Awaitable[int]] = {
        AccountContentKind.API_KEYS: ApiKey.filter(**mine).count(),
        AccountContentKind.APPLICATIONS: Application.filter(**mine).count(),
        AccountContentKind.USERS: User.filter(**mine).count(),
        AccountContentKind.SESSIONS: Session.filter(user__account_id=account_id).count(),
        AccountContentKind.STORED_CREDENTIALS: StoredCredential.filter(**mine).count(),
        AccountContentKind.WEBHOOK_DELIVERIES: WebhookDelivery.filter(**mine).count(),
    }
    counts = {kind: await number for kind, number in counting.items()}
    calls = await Call.filter(account_id=account_id).limit(MAXIMUM_CALLS_COUNTED).values_list("id", flat=True)
    counts[AccountContentKind.CALLS] = len(calls)
    config = await RecordingConfig.get_or_none(account_id=account_id)
    counts[AccountContentKind.RECORDING_CONFIG] = 1 if config else 0
    return Contents({kind: count for kind, count in counts.items() if count}, config.bucket_name if config else None)
