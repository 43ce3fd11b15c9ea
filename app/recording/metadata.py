"""A recording's metadata (`about.json`) and how its stream ended (`ended.json`)."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.calls.model import CallDirection
from app.storage.model import AudioFormat, BucketVendor
from app.storage.rules import Tag

Json = dict[str, Any]
_IDS = ("call_id", "account_id", "credential_id", "service_provider_id", "application_id")


@dataclass(frozen=True, slots=True)
class RecordingMetadata:
    """Owner and destination of a recording, and all facts needed to create its call's row again if the database lost it."""

    call_id: UUID
    account_id: UUID
    gateway_call_id: str
    format: AudioFormat
    sample_rate: int
    """In Hz."""
    channels: int
    started_at: datetime
    vendor: BucketVendor
    endpoint_url: str | None
    bucket: str
    region: str
    key: str
    credential_id: UUID
    tags: tuple[Tag, ...] = ()
    service_provider_id: UUID | None = None
    """The account's provider when the call began. This field and the following are None in files of older versions."""
    application_id: UUID | None = None
    direction: CallDirection | None = None
    from_number: str | None = None
    to_number: str | None = None
    trace_id: str | None = None
    without_database: bool = False
    """Begun with cached settings while the database did not answer. The current settings must be checked before storing."""

    @property
    def owners(self) -> tuple[UUID, ...]:
        """The account, and its service provider if known."""
        return (self.account_id, self.service_provider_id) if self.service_provider_id else (self.account_id,)

    def to_json(self) -> Json:
        ids = {name: value.hex for name in _IDS if (value := getattr(self, name)) is not None}
        names = {"format": self.format.name, "vendor": self.vendor.name, "started_at": self.started_at.isoformat()}
        names |= {"direction": self.direction.name} if self.direction else {}
        return {**asdict(self), **ids, **names, "tags": [asdict(tag) for tag in self.tags]}

    @classmethod
    def from_json(cls, stored: Json) -> "RecordingMetadata":
        """Reads the output of `to_json`, of newer versions too. Raises KeyError, TypeError and ValueError for anything else."""
        stored = {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
        read = {name: UUID(hex=value) for name in _IDS if (value := stored.get(name)) is not None}
        return cls(
            **{
                **stored,
                **read,
                "format": AudioFormat[stored["format"]],
                "vendor": BucketVendor[stored["vendor"]],
                "started_at": datetime.fromisoformat(stored["started_at"]),
                "direction": CallDirection[stored["direction"]] if stored.get("direction") else None,
                "tags": tuple(Tag(**tag) for tag in stored["tags"]),
            }
        )


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """How a stream ended."""

    ended_at: datetime
    duration_ms: int
    samples: int
    """Per channel."""
    is_cut: bool = False
    """Some audio could not be written."""
