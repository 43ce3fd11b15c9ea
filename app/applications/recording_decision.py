"""What would happen to an application's calls: recorded or not, and why."""

import enum
from dataclasses import dataclass
from typing import Protocol

import strawberry

from app.storage.model import StorageStatus

CONFIGURATION_COLUMNS = ("enabled", "bucket_name", "record_all_calls", "storage_status")
"""The columns of the account's recording configuration that decide."""
OWNER_COLUMNS = ("active",)
"""Those of the account and of its service provider."""


@strawberry.enum(description="Why an application's calls would be recorded, or would not.")
class RecordingReason(enum.Enum):
    """The first of these that holds."""

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
    """What would happen to a call that begins now."""

    recorded: bool
    reason: RecordingReason
    message: str


class Configuration(Protocol):
    """An object with the columns CONFIGURATION_COLUMNS."""

    enabled: bool
    bucket_name: str | None
    record_all_calls: bool
    storage_status: StorageStatus


class Owner(Protocol):
    """An object with the columns OWNER_COLUMNS."""

    active: bool


def decide(
    application_records_all: bool, configuration: Configuration | None, account: Owner | None, provider: Owner | None
) -> RecordingDecision:
    """From the application's switch, the account's recording configuration (None: it has none), and who runs it.

    An account's users and keys do not reach its provider, which is None then: none of them is authenticated while it is
    suspended.
    """
    owners = ((account, RecordingReason.ACCOUNT_SUSPENDED), (provider, RecordingReason.SERVICE_PROVIDER_SUSPENDED))
    suspended = (why for owner, why in owners if owner is not None and not owner.active)
    reason = next(suspended, None) or _reason(application_records_all, configuration)
    recorded = reason in (RecordingReason.ACCOUNT_RECORDS_ALL, RecordingReason.APPLICATION_RECORDS_ALL)
    message = _MESSAGES[reason]
    if recorded and configuration is not None and configuration.storage_status is StorageStatus.FAILING:
        message += " But the newest storage test failed: recordings may be lost."
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
    RecordingReason.ACCOUNT_RECORDS_ALL: "Calls are recorded, as those of all applications of the account.",
    RecordingReason.APPLICATION_RECORDS_ALL: "Calls are recorded, since the application records all its calls.",
    RecordingReason.SWITCHED_OFF: "Calls are not recorded: turn on `recordAllCalls` of the application or the account.",
}
