"""From what a form gives to an account's columns: what is allowed, and in which form it is kept.

What is wrong goes to `Problems`, all of it; nothing here asks the database.
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
from app.foundation.errors import ErrorCollector, UserErrorCode
from app.storage.inputs import RecordingConfigPatch
from app.webhooks.rules import WebhookChange

MAXIMUM_SIP_REALM = 132
# GraphQL's Int; the columns hold no more either.
MAXIMUM_INT = 2**31 - 1

T = TypeVar("T")


@dataclass(frozen=True)
class Limit:
    """A usage limit; 0 means unlimited."""

    unit: UsageUnit
    maximum: int


@dataclass(frozen=True)
class AccountPatch:
    """What an input changes; None is what it leaves out, Some(None) an explicit null."""

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
        """Whether it can be checked without anything that is stored."""
        return all(getattr(self, name) is None for name in _NEED_STORED_ROW)


# What `plain_columns` does not check: a field that is new is one of these.
_NEED_STORED_ROW = tuple(
    field.name
    for field in fields(AccountPatch)
    if field.name not in ("name", "sip_realm", "usage_limit", "licensed_sessions", "if_version")
)


@dataclass(frozen=True)
class NewAccount:
    """An account to be created; None is the default."""

    name: str
    service_provider_id: str | None = None
    sip_realm: str | None = None
    usage_limit: Limit | None = None
    licensed_sessions: int | None = None

    def patch(self) -> AccountPatch:
        """Its settings, as changes to an account that has none."""
        return AccountPatch(
            name=Some(self.name),
            sip_realm=_given(self.sip_realm),
            usage_limit=_given(self.usage_limit),
            licensed_sessions=_given(self.licensed_sessions),
        )


def _given(value: T | None) -> Some[T | None] | None:
    return Some(value) if value is not None else None


def plain_columns(patch: AccountPatch, errors: ErrorCollector) -> Columns:
    """The columns to write that need nothing of what is stored. What is wrong goes to `errors`."""
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
    if len(errors.found) == found_before:  # the database is not asked about a name that it may not even hold
        values |= {"name": checked, "name_key": names.key(checked)}


def _add_sip_realm(text: str | None, values: Columns, errors: ErrorCollector) -> None:
    """A DNS host name of two labels or more (RFC 1123, 2.1); internationalised ones as A-labels (RFC 5891); None for none."""
    if text is None:
        values["sip_realm"] = None
        return
    trimmed = text.strip()
    if len(trimmed) > MAXIMUM_SIP_REALM:
        message = f"The SIP realm has {len(trimmed)} characters; at most {MAXIMUM_SIP_REALM} are allowed."
        errors.add(UserErrorCode.TOO_LONG, message, "sipRealm")
        return
    realm = _as_a_labels(trimmed)
    if realm.count(".") < 1 or realm.endswith(".") or _is_number(realm.rpartition(".")[2]):
        message = (
            "The SIP realm must be a domain name of two labels or more, such as sip.example.com, or null for none."
        )
        errors.add(UserErrorCode.INVALID, message, "sipRealm")
    elif len(realm) > MAXIMUM_SIP_REALM:
        message = (
            f"As DNS writes it the SIP realm has {len(realm)} characters; at most {MAXIMUM_SIP_REALM} are allowed."
        )
        errors.add(UserErrorCode.TOO_LONG, message, "sipRealm")
    else:
        values["sip_realm"] = realm


def _as_a_labels(name: str) -> str:
    """A host name in lower case and A-labels; empty when it is none."""
    # Most are written so already, and idna looks at each letter several times.
    if _ASCII_HOST_NAME.fullmatch(name):
        return name
    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return ""


# Hyphens in the third and fourth place are for A-labels, which idna has to look at (RFC 5891, 4.2.3.1).
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ASCII_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.ASCII)


def _is_number(label: str) -> bool:
    # A name whose last label is a number would be read as an IPv4 address (RFC 3696, 2).
    if not label[:1].isdigit():
        return False
    try:
        ipaddress.IPv4Address(int(label, 0))
    except ValueError:
        return label.isdigit()
    return True


def _add_limit(limit: Limit | None, values: Columns, errors: ErrorCollector) -> None:
    if limit is None:
        errors.add(
            UserErrorCode.REQUIRED, "A usage limit cannot be cleared; a maximum of 0 means unlimited.", "usageLimit"
        )
    elif limit.maximum < 0:
        message = f"The maximum is 0 (unlimited) to {MAXIMUM_INT}."
        errors.add(UserErrorCode.OUT_OF_RANGE, message, "usageLimit", "maximum")
    else:
        values |= {"usage_unit": limit.unit, "usage_maximum": limit.maximum}


def _add_licensed_sessions(count: int | None, values: Columns, errors: ErrorCollector) -> None:
    if count is None:
        errors.add(UserErrorCode.REQUIRED, "Licensed sessions cannot be cleared; 0 is none.", "licensedSessions")
    elif count < 0:
        errors.add(UserErrorCode.OUT_OF_RANGE, f"Licensed sessions are 0 to {MAXIMUM_INT}.", "licensedSessions")
    else:
        values["licensed_sessions"] = count
