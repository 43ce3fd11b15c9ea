"""What the spool keeps of a recording beside its audio: its metadata (`about.json`) and how its stream ended (`ended.json`)."""

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
    """Whose recording it is, where it goes, and all that its call's row is made again from where the database has lost it."""

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
    """The account's, when the call began; None in what versions before this field wrote, as are the fields below."""
    application_id: UUID | None = None
    direction: CallDirection | None = None
    from_number: str | None = None
    to_number: str | None = None
    trace_id: str | None = None
    without_database: bool = False
    """Begun with the settings of an earlier call, since the database did not answer: those of now are still to be asked."""

    @property
    def owners(self) -> tuple[UUID, ...]:
        """The account, and its service provider."""
        return (self.account_id, self.service_provider_id) if self.service_provider_id else (self.account_id,)

    def to_json(self) -> Json:
        """JSON types only."""
        ids = {name: value.hex for name in _IDS if (value := getattr(self, name)) is not None}
        names = {"format": self.format.name, "vendor": self.vendor.name, "started_at": self.started_at.isoformat()}
        names |= {"direction": self.direction.name} if self.direction else {}
        return {**asdict(self), **ids, **names, "tags": [asdict(tag) for tag in self.tags]}

    @classmethod
    def from_json(cls, stored: Json) -> "RecordingMetadata":
        """Reads what `to_json` wrote, in a newer version too. Raises KeyError, TypeError and ValueError for anything else."""
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
    """How the stream ended."""

    ended_at: datetime
    duration_ms: int
    samples: int
    """Of each channel."""
    is_cut: bool = False
    """Audio came that could not be written."""
