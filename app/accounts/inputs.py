"""Validates an account's settings and normalizes them to columns, without database access.

All errors go to the ErrorCollector.
"""

import ipaddress
import re
from dataclasses import dataclass, fields
from typing import TypeVar

import idna
from strawberry import ID, Some

from app.accounts.model import UsageUnit
from app.audit.audited_update import Columns
from app.foundation import names
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule
from app.storage.inputs import RecordingConfigPatch
from app.webhooks.rules import WebhookChange

MAXIMUM_SIP_REALM = 132
# The range of GraphQL's Int and of the columns.
MAXIMUM_INT = 2**31 - 1

T = TypeVar("T")


class AccountInputRule(UserErrorRule):
    SIP_REALM_TOO_LONG = UserErrorCode.TOO_LONG, "The SIP realm has {length} characters; at most {maximum} are allowed."
    SIP_REALM_TOO_LONG_IN_DNS = (
        UserErrorCode.TOO_LONG,
        "In its DNS form the SIP realm has {length} characters; at most {maximum} are allowed.",
    )
    SIP_REALM_FORM = (
        UserErrorCode.INVALID,
        "The SIP realm must be a domain name of two labels or more, such as sip.example.com, or null for none.",
    )
    USAGE_LIMIT_REQUIRED = UserErrorCode.REQUIRED, "A usage limit cannot be cleared; a maximum of 0 means unlimited."
    USAGE_LIMIT_RANGE = UserErrorCode.OUT_OF_RANGE, "The maximum is 0 (unlimited) to {maximum}."
    LICENSED_SESSIONS_REQUIRED = UserErrorCode.REQUIRED, "Licensed sessions cannot be cleared; 0 means none."
    LICENSED_SESSIONS_RANGE = UserErrorCode.OUT_OF_RANGE, "Licensed sessions are 0 to {maximum}."


@dataclass(frozen=True)
class Limit:
    """A usage limit; 0 means unlimited."""

    unit: UsageUnit
    maximum: int


@dataclass(slots=True)
class AccountPatch:
    """The settings to change. None keeps a setting, Some(None) is an explicit null."""

    name: Some[str | None] | None = None
    sip_realm: Some[str | None] | None = None
    usage_limit: Some[Limit | None] | None = None
    licensed_sessions: Some[int | None] | None = None
    registration_webhook: Some[WebhookChange | None] | None = None
    queue_event_webhook: Some[WebhookChange | None] | None = None
    device_calling_application_id: Some[ID | None] | None = None
    siprec_application_id: Some[ID | None] | None = None
    recording_config: Some[RecordingConfigPatch | None] | None = None
    if_version: int | None = None

    @property
    def has_only_plain_columns(self) -> bool:
        """Whether `plain_columns` validates all of it, without the stored row."""
        return all(getattr(self, name) is None for name in _NEED_STORED_ROW)


# By exclusion: a setting added later counts as one that needs the stored row.
_NEED_STORED_ROW = tuple(
    field.name
    for field in fields(AccountPatch)
    if field.name not in ("name", "sip_realm", "usage_limit", "licensed_sessions", "if_version")
)


@dataclass(frozen=True)
class NewAccount:
    """An account to create. None means the default."""

    name: str
    service_provider_id: str | None = None
    sip_realm: str | None = None
    usage_limit: Limit | None = None
    licensed_sessions: int | None = None

    def patch(self) -> AccountPatch:
        return AccountPatch(
            name=Some(self.name),
            sip_realm=_unless_none(self.sip_realm),
            usage_limit=_unless_none(self.usage_limit),
            licensed_sessions=_unless_none(self.licensed_sessions),
        )


def _unless_none(value: T | None) -> Some[T | None] | None:
    return Some(value) if value is not None else None


def plain_columns(patch: AccountPatch, errors: ErrorCollector) -> Columns:
    """The columns of the settings that need no stored row."""
    values: Columns = {}
    if patch.name is not None:
        _add_name(patch.name.value, values, errors)
    if patch.sip_realm is not None:
        _add_sip_realm(patch.sip_realm.value, values, errors)
    if patch.usage_limit is not None:
        _add_limit(patch.usage_limit.value, values, errors)
    if patch.licensed_sessions is not None:
        _add_licensed_sessions(patch.licensed_sessions.value, values, errors)
    return values


def _add_name(name: str | None, values: Columns, errors: ErrorCollector) -> None:
    found_before = len(errors.found)
    checked = names.checked(name, errors, "name")
    if len(errors.found) == found_before:  # an invalid name may not even fit the column
        values |= {"name": checked, "name_key": names.key(checked)}


def _add_sip_realm(text: str | None, values: Columns, errors: ErrorCollector) -> None:
    """Accepts a host name of two labels or more (RFC 1123, 2.1). Stores international names as A-labels (RFC 5891)."""
    if text is None:
        values["sip_realm"] = None
        return
    trimmed = text.strip()
    if len(trimmed) > MAXIMUM_SIP_REALM:
        rule = AccountInputRule.SIP_REALM_TOO_LONG
        errors.add(rule, "sipRealm", length=len(trimmed), maximum=MAXIMUM_SIP_REALM)
        return
    realm = _as_a_labels(trimmed)
    if realm.count(".") < 1 or realm.endswith(".") or _is_number(realm.rpartition(".")[2]):
        errors.add(AccountInputRule.SIP_REALM_FORM, "sipRealm")
    elif len(realm) > MAXIMUM_SIP_REALM:
        rule = AccountInputRule.SIP_REALM_TOO_LONG_IN_DNS
        errors.add(rule, "sipRealm", length=len(realm), maximum=MAXIMUM_SIP_REALM)
    else:
        values["sip_realm"] = realm


def _as_a_labels(name: str) -> str:
    """A host name in lower case and A-labels; empty if the name is invalid."""
    # Most names are in this form already, and idna is slow.
    if _ASCII_HOST_NAME.fullmatch(name):
        return name
    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return ""


# Hyphens as third and fourth character mark A-labels, which idna has to validate (RFC 5891, 4.2.3.1).
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ASCII_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.ASCII)


def _is_number(label: str) -> bool:
    # A host name that ends in a number is parsed as an IPv4 address (RFC 3696, 2).
    if not label[:1].isdigit():
        return False
    try:
        ipaddress.IPv4Address(int(label, 0))
    except ValueError:
        return label.isdigit()
    return True


def _add_limit(limit: Limit | None, values: Columns, errors: ErrorCollector) -> None:
    if limit is None:
        errors.add(AccountInputRule.USAGE_LIMIT_REQUIRED, "usageLimit")
    elif limit.maximum < 0:
        errors.add(AccountInputRule.USAGE_LIMIT_RANGE, "usageLimit", "maximum", maximum=MAXIMUM_INT)
    else:
        values |= {"usage_unit": limit.unit, "usage_maximum": limit.maximum}


def _add_licensed_sessions(count: int | None, values: Columns, errors: ErrorCollector) -> None:
    if count is None:
        errors.add(AccountInputRule.LICENSED_SESSIONS_REQUIRED, "licensedSessions")
    elif count < 0:
        errors.add(AccountInputRule.LICENSED_SESSIONS_RANGE, "licensedSessions", maximum=MAXIMUM_INT)
    else:
        values["licensed_sessions"] = count
