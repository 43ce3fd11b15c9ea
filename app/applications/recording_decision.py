"""Decides whether an application's calls are recorded, and why."""

import enum
from dataclasses import dataclass
from typing import Protocol

import strawberry

from app.storage.model import StorageStatus

CONFIGURATION_COLUMNS = ("enabled", "bucket_name", "record_all_calls", "storage_status")
"""The columns of the account's recording configuration that the decision reads."""
OWNER_COLUMNS = ("active",)
"""Those of the account and its service provider."""


@strawberry.enum(description="Why an application's calls are recorded or not.")
class RecordingReason(enum.Enum):
    """In order of precedence."""

    ACCOUNT_SUSPENDED = strawberry.enum_value(
        "ACCOUNT_SUSPENDED", description="Not recorded: the account is suspended."
    )
    SERVICE_PROVIDER_SUSPENDED = strawberry.enum_value(
        "SERVICE_PROVIDER_SUSPENDED", description="Not recorded: the account's service provider is suspended."
    )
    STORAGE_NOT_CONFIGURED = strawberry.enum_value(
        "STORAGE_NOT_CONFIGURED", description="Not recorded: the account has no bucket to store recordings in."
    )
    STORAGE_NOT_ENABLED = strawberry.enum_value(
        "STORAGE_NOT_ENABLED", description="Not recorded: the account's recording configuration is not enabled."
    )
    ACCOUNT_RECORDS_ALL = strawberry.enum_value(
        "ACCOUNT_RECORDS_ALL", description="Recorded: the account records the calls of all its applications."
    )
    APPLICATION_RECORDS_ALL = strawberry.enum_value(
        "APPLICATION_RECORDS_ALL", description="Recorded: the application records all its calls."
    )
    SWITCHED_OFF = strawberry.enum_value(
        "SWITCHED_OFF", description="Not recorded: neither the account nor the application records all calls."
    )


@dataclass(frozen=True)
class RecordingDecision:
    recorded: bool
    reason: RecordingReason
    message: str


class Configuration(Protocol):
    """Has CONFIGURATION_COLUMNS."""

    enabled: bool
    bucket_name: str | None
    record_all_calls: bool
    storage_status: StorageStatus


class Owner(Protocol):
    """Has OWNER_COLUMNS."""

    active: bool


def decide(
    application_records_all: bool, configuration: Configuration | None, account: Owner | None, provider: Owner | None
) -> RecordingDecision:
    """Decides for a call that begins now.

    `configuration` is None if the account has none. `provider` is None for callers of the scope ACCOUNT, who cannot see it: while
    it is suspended, they cannot authenticate.
    """
    owners = ((account, RecordingReason.ACCOUNT_SUSPENDED), (provider, RecordingReason.SERVICE_PROVIDER_SUSPENDED))
    suspended = (why for owner, why in owners if owner is not None and not owner.active)
    reason = next(suspended, None) or _reason(application_records_all, configuration)
    recorded = reason in (RecordingReason.ACCOUNT_RECORDS_ALL, RecordingReason.APPLICATION_RECORDS_ALL)
    message = _MESSAGES[reason]
    if recorded and configuration is not None and configuration.storage_status is StorageStatus.FAILING:
        message += " But the latest storage test failed, so recordings may be lost."
    return RecordingDecision(recorded, reason, message)


def _reason(application_records_all: bool, configuration: Configuration | None) -> RecordingReason:
    if configuration is None or configuration.bucket_name is None:
        return RecordingReason.STORAGE_NOT_CONFIGURED
    if not configuration.enabled:
        return RecordingReason.STORAGE_NOT_ENABLED
    if configuration.record_all_calls:
        return RecordingReason.ACCOUNT_RECORDS_ALL
    return RecordingReason.APPLICATION_RECORDS_ALL if application_records_all else RecordingReason.SWITCHED_OFF


_MESSAGES = {
    RecordingReason.ACCOUNT_SUSPENDED: "Calls are not recorded: the account is suspended.",
    RecordingReason.SERVICE_PROVIDER_SUSPENDED: "Calls are not recorded: the account's service provider is suspended.",
    RecordingReason.STORAGE_NOT_CONFIGURED: "Calls are not recorded: configure the account's recording storage first.",
    RecordingReason.STORAGE_NOT_ENABLED: "Calls are not recorded: enable the account's recording configuration.",
    RecordingReason.ACCOUNT_RECORDS_ALL: "Calls are recorded: the account records the calls of all its applications.",
    RecordingReason.APPLICATION_RECORDS_ALL: "Calls are recorded: the application records all its calls.",
    RecordingReason.SWITCHED_OFF: "Calls are not recorded: turn on `recordAllCalls` of the application or the account.",
}
