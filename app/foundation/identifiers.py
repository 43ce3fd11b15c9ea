"""SIDs: the ids that clients see. Two letters for the type, then the 32 hex digits of a UUIDv7.

`AC0190b5c8e5f07a3f9c1d2e3f4a5b6c7d` is an account. In the database the id is the bare UUID; the prefix is
put on when it is shown and taken off when it is read, so an id of the wrong type is simply not found.
"""

import enum
import re
from datetime import datetime
from uuid import UUID

from uuid6 import uuid7


class Kind(enum.StrEnum):
    """Which type an id names, by its prefix."""

    ACCOUNT = "AC"
    SERVICE_PROVIDER = "SP"
    API_KEY = "AK"
    USER = "US"
    SESSION = "SN"
    RECORDING_CONFIG = "RC"
    AUDIT_EVENT = "AE"
    WEBHOOK_DELIVERY = "WD"
    APPLICATION = "AP"
    CALL = "CA"
    STORED_CREDENTIAL = "SC"


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562, section 5.7): ids sort by the time they were made."""
    return UUID(int=uuid7().int)


def sid_of(kind: Kind, value: UUID) -> str:
    return f"{kind.value}{value.hex}"


def parse_sid(kind: Kind, text: str) -> UUID | None:
    """The UUID in an id of this kind, or None for anything else: whoever asks finds nothing, as for an unknown id."""
    match = _SID.fullmatch(text)
    if match is None or match[1] != kind.value:
        return None
    return UUID(hex=match[2])


def parse_either_sid(kind: Kind, text: str) -> UUID | None:
    """The UUID in an id of this kind, or in a bare UUID, which is how voice gateways write ids; None for anything else."""
    return UUID(text) if _BARE.fullmatch(text) else parse_sid(kind, text)


def kind_of(text: str) -> Kind | None:
    """Which type an id names; None when it is no id of ours."""
    match = _SID.fullmatch(text)
    if match is None or match[1] not in _PREFIXES:
        return None
    return Kind(match[1])


def any_uuid(text: str) -> UUID | None:
    """The UUID in an id of any kind; None when it is no id of ours."""
    kind = kind_of(text)
    return parse_sid(kind, text) if kind is not None else None


def first_at(time: datetime) -> UUID:
    """The smallest id that could have been made at this time: a UUIDv7 begins with 48 bits of milliseconds (RFC 9562, 5.7)."""
    milliseconds = min(max(int(time.timestamp() * 1000), 0), 2**48 - 1)
    return UUID(int=milliseconds << 80)


_SID = re.compile(r"([A-Z]{2})([0-9a-f]{32})", re.ASCII)
_BARE = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_PREFIXES = frozenset(kind.value for kind in Kind)
