"""SIDs: the ids that clients see. Two letters for the type, then the 32 hex digits of a UUIDv7.

`AC0190b5c8e5f07a3f9c1d2e3f4a5b6c7d` is an account. In the database the id is the bare UUID; the prefix is
put on when it is shown and taken off when it is read, so an id of the wrong type is simply not found.
"""

import enum
import re
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


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562, section 5.7): ids sort by the time they were made."""
    return UUID(int=uuid7().int)


def show(kind: Kind, value: UUID) -> str:
    return f"{kind.value}{value.hex}"


def read(kind: Kind, text: str) -> UUID | None:
    """The UUID in an id of this kind, or None for anything else: whoever asks finds nothing, as for an unknown id."""
    match = _SID.fullmatch(text)
    if match is None or match[1] != kind.value:
        return None
    return UUID(hex=match[2])


def kind_of(text: str) -> Kind | None:
    """Which type an id names; None when it is no id of ours."""
    match = _SID.fullmatch(text)
    if match is None or match[1] not in _PREFIXES:
        return None
    return Kind(match[1])


_SID = re.compile(r"([A-Z]{2})([0-9a-f]{32})", re.ASCII)
_PREFIXES = frozenset(kind.value for kind in Kind)
