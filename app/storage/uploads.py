"""Uploads to S3: small files in one request, larger ones in parts, also while the file still grows.

Content is read from disk while it is sent, a few kilobytes at a time: no part is in memory as a whole. Every request
carries an MD5, the one checksum that all S3 servers support. Storage tests use the same functions, so their results
hold for recordings.
"""

import asyncio
import base64
import hashlib
import io
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.foundation.outbound.failure_kind import FailureKind
from app.storage.failures import StorageFailure
from app.storage.responses import S3Response
from app.storage.s3 import Bucket, Tag, tagging

PART_BYTES = 5 * 1024 * 1024
"""The minimum part size of S3, except for the last part."""
MULTIPART_FROM_BYTES = 2 * PART_BYTES
READ_SECONDS = 120.0
"""How long a server may take to respond after it has received a request; completing an upload can take this long."""
# Beyond this number, parts grow by PART_BYTES: the 10,000 parts that S3 allows hold 275 GB.
_PARTS_OF_ONE_SIZE = 1_000
# Slower than this, a connection cannot even keep up with the audio of one call.
_SLOWEST_BYTES_PER_SECOND = 32 * 1024
_HASHED_AT_ONCE = 256 * 1024


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be stored: content and metadata."""

    content: Path | bytes
    """A file, or the bytes of a probe."""
    key: str
    content_type: str
    tags: tuple[Tag, ...] = ()

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters of the call that creates the object."""
        return {"Key": self.key, "ContentType": self.content_type, **tagging(self.tags)}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the file; `number` counts from 1."""

    number: int
    offset: int
    size: int


def parts_of(size: int) -> list[Part]:
    """All parts of a file of this size; the last one has the remainder."""
    found = full_parts(size)
    offset = found[-1].offset + found[-1].size if found else 0
    return [*found, Part(len(found) + 1, offset, size - offset)] if offset < size else found


def full_parts(size: int) -> list[Part]:
    """The complete parts of a growing file, which will not change."""
    found: list[Part] = []
    while (part := _next_part(found)).offset + part.size <= size:
        found.append(part)
    return found


def next_part_at(size: int) -> int:
    """The size at which a growing file has one more complete part."""
    part = _next_part(full_parts(size))
    return part.offset + part.size


def _next_part(parts: list[Part]) -> Part:
    offset = parts[-1].offset + parts[-1].size if parts else 0
    return Part(len(parts) + 1, offset, PART_BYTES * (1 + len(parts) // _PARTS_OF_ONE_SIZE))


async def put(bucket: Bucket, what: NewObject, size: int) -> S3Response:
    """Stores the object with one request; returns S3's response. Raises StorageFailure, and OSError when the disk fails."""
    async with _body(what.content, 0, size) as (body, digest), _deadline(size):
        return await bucket.call("put_object", **what.parameters, Body=body, ContentLength=size, ContentMD5=digest)


async def begin(bucket: Bucket, what: NewObject) -> str:
    """Begins a multipart upload; returns its id. Raises StorageFailure."""
    async with _deadline(0):
        answer = await bucket.call("create_multipart_upload", **what.parameters)
    upload_id = answer.get("UploadId")
    if not isinstance(upload_id, str) or not upload_id:
        raise StorageFailure(FailureKind.INVALID_RESPONSE)
    return upload_id


async def send_part(bucket: Bucket, what: NewObject, upload_id: str, part: Part) -> str:
    """Sends one part; returns its ETag. Raises StorageFailure, and OSError when the disk fails."""
    async with _body(what.content, part.offset, part.size) as (body, digest), _deadline(part.size):
        answer = await bucket.call(
            "upload_part",
            Key=what.key,
            UploadId=upload_id,
            PartNumber=part.number,
            Body=body,
            ContentLength=part.size,
            ContentMD5=digest,
        )
    if not isinstance(answer.get("ETag"), str):
        raise StorageFailure(FailureKind.INVALID_RESPONSE)
    return str(answer["ETag"])


async def complete(bucket: Bucket, what: NewObject, upload_id: str, etags: Mapping[int, str]) -> None:
    """Creates the object from its parts. Raises StorageFailure, also for an error within a response of status 200."""
    parts = [{"PartNumber": number, "ETag": etags[number]} for number in sorted(etags)]
    async with _deadline(0):
        answer = await bucket.call(
            "complete_multipart_upload", Key=what.key, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )
    if not isinstance(answer.get("ETag"), str):
        raise StorageFailure(FailureKind.INVALID_RESPONSE)


async def abort(bucket: Bucket, key: str, upload_id: str) -> S3Response | None:
    """Aborts an upload with its parts; returns S3's response, or None if it does not exist. Raises StorageFailure."""
    try:
        async with _deadline(0):
            return await bucket.call("abort_multipart_upload", Key=key, UploadId=upload_id)
    except StorageFailure as failure:
        if failure.http_status != 404 or failure.code == "NoSuchBucket":
            raise
        return None


async def open_uploads(bucket: Bucket, key: str) -> list[str]:
    """The ids of all open uploads of this key. Raises StorageFailure."""
    async with _deadline(0):
        answer = await bucket.call("list_multipart_uploads", Prefix=key)
    listed: list[S3Response] = answer.get("Uploads") or []
    return [str(each["UploadId"]) for each in listed if each.get("Key") == key and each.get("UploadId")]


async def object_size(bucket: Bucket, key: str) -> int | None:
    """The object's size in bytes; 0 if it does not exist, None if the key may not read it. Raises StorageFailure."""
    try:
        async with _deadline(0):
            answer = await bucket.call("head_object", Key=key)
    except StorageFailure as failure:
        if failure.http_status == 404:
            return 0
        if failure.http_status in {401, 403, 405, 501}:  # storing recordings needs no permission to read
            return None
        raise
    return int(answer.get("ContentLength", 0))


async def delete(bucket: Bucket, key: str) -> None:
    """Raises StorageFailure."""
    async with _deadline(0):
        await bucket.call("delete_object", Key=key)


@asynccontextmanager
async def _deadline(size: int) -> AsyncIterator[None]:
    """Limits the duration of a request with this many bytes. Raises StorageFailure (NO_ANSWER)."""
    try:
        async with asyncio.timeout(READ_SECONDS + size / _SLOWEST_BYTES_PER_SECOND):
            yield
    except TimeoutError:
        raise StorageFailure(FailureKind.NO_RESPONSE) from None


@asynccontextmanager
async def _body(content: Path | bytes, offset: int, size: int) -> AsyncIterator[tuple["_Piece | io.BytesIO", str]]:
    """A range of the content, and its MD5 in base64 (RFC 1864)."""
    if isinstance(content, bytes):
        piece: _Piece | io.BytesIO = io.BytesIO(content[offset : offset + size])
    else:
        piece = await asyncio.to_thread(_Piece, content, offset, size)
    try:
        yield piece, await asyncio.to_thread(_md5, piece)
    finally:
        piece.close()


def _md5(piece: "_Piece | io.BytesIO") -> str:
    digest = hashlib.md5(usedforsecurity=False)
    while data := piece.read(_HASHED_AT_ONCE):
        digest.update(data)
    piece.seek(0)
    return base64.b64encode(digest.digest()).decode()


class _Piece(io.RawIOBase):
    """A range of a file that reads like a file of its own; aiohttp reads it in a thread, 64 kB at a time."""

    def __init__(self, path: Path, offset: int, size: int) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._begin = offset
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        data = os.pread(self._file, left if size is None or size < 0 else min(size, left), self._begin + self._at)
        self._at += len(data)
        return data

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
            self._file = -1  # a late thread must not read a file that reuses the descriptor
        super().close()
